/**
 * S11 A revision has one value. What was acknowledged to a user stays: every record committed at that
 *     revision or later holds it, or something first written later. What was refused never appears.
 *     Nobody calls a revision committed that no quorum has on disk; no host goes back.
 *
 * A deploy is known by its id: every write of its record names it last, adopted or new.
 */
import type { Key } from '../../protocol/base/ids.ts';
import { sameSpec } from '../../protocol/component/digest.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import {
  type Committed,
  compareRevision,
  type RecordValue,
  type Revision,
  showRevision,
} from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import { quorum, type Roster } from '../../protocol/roster/roster.ts';
import type { Write } from '../../protocol/wire/message.ts';
import type { Host } from '../host.ts';
import type { Report } from './report.ts';

type Written = { readonly value: RecordValue; readonly op: string };
type Commit = { readonly revision: Revision; readonly op: string };
export type RecordChecker = {
  readonly report: Report;
  /** Every revision ever written, by key and revision. */
  readonly written: Map<string, Written>;
  /** The first revision of each op, by op. */
  readonly firstOf: Map<string, Revision>;
  /** Hosts that have each revision on disk, by key and revision. */
  readonly keptBy: Map<string, Set<string>>;
  readonly committed: Map<Key, Commit[]>;
  readonly known: Set<string>;
  readonly acked: Map<Key, Commit[]>;
  readonly refused: Set<string>;
  /** The newest committed revision each living agent knows, by host and key. */
  readonly seen: Map<string, Revision>;
};

export const createRecordChecker = (report: Report): RecordChecker => ({
  report,
  written: new Map(),
  firstOf: new Map(),
  keptBy: new Map(),
  committed: new Map(),
  known: new Set(),
  acked: new Map(),
  refused: new Set(),
  seen: new Map(),
});

const nameOf = (key: Key, revision: Revision): string => `${key} ${showRevision(revision)}`;

/** A write leaves a leader, be it only to itself: before any voter can have stored it. */
export function checkWrite(
  checker: RecordChecker,
  { key, revision, value, deployIds }: Pick<Write, 'key' | 'revision' | 'value' | 'deployIds'>,
): void {
  const name = nameOf(key, revision);
  const known = checker.written.get(name);
  if (known?.value === value) return;
  if (known !== undefined) {
    if (!sameSpec(known.value, value))
      checker.report('S11', `${name} has two values`);
    return;
  }
  const op = deployIds.at(-1) ?? '';
  checker.written.set(name, { value, op });
  if (checker.refused.has(op)) checker.report('S11', `${op} was refused and is written as ${name}`);
  const first = checker.firstOf.get(op);
  if (first === undefined || compareRevision(revision, first) < 0)
    checker.firstOf.set(op, revision);
}

/** After a step: what the host asks to be kept or told. */
export function checkRecordEffects(
  checker: RecordChecker,
  host: Host,
  rosters: readonly Roster[],
  effects: readonly Effect[],
): void {
  for (const effect of effects) {
    if (effect.kind === 'send' && effect.message.kind === 'write')
      checkWrite(checker, effect.message);
    if (effect.kind !== 'persist') continue;
    for (const { name, value } of effect.writes) {
      if (name.startsWith('record/')) checkKept(checker, name, value as Register | undefined);
      if (name.startsWith('committed/')) {
        const record = value as Committed;
        checkSeen(checker, host, record);
        expectQuorum(checker, host, rosters, record);
      }
    }
  }
}

function checkKept(checker: RecordChecker, name: string, value: Register | undefined): void {
  if (value?.revision === undefined || value.value === undefined) return;
  const { revision, deployIds } = value;
  const key = name.slice('record/'.length) as Key;
  checkWrite(checker, { key, revision, value: value.value, deployIds });
}

function checkSeen(checker: RecordChecker, host: Host, { key, revision }: Committed): void {
  const place = `${host.id} ${key}`;
  const known = checker.seen.get(place);
  if (known !== undefined && compareRevision(revision, known) < 0)
    checker.report('S11', `${host.id} goes back from ${nameOf(key, known)} to ${showRevision(revision)}`);
  checker.seen.set(place, revision);
}

/** Committed for the first time: what waits on this very step's writes is judged once they are done. */
function expectQuorum(
  checker: RecordChecker,
  host: Host,
  rosters: readonly Roster[],
  record: Committed,
): void {
  const name = nameOf(record.key, record.revision);
  if (checker.known.has(name)) {
    const written = checker.written.get(name);
    if (written !== undefined && !sameSpec(written.value, record.value))
      checker.report('S11', `${name} is told with two values`);
    return;
  }
  checker.known.add(name);
  const kept = checker.keptBy.get(name) ?? new Set<string>();
  // The leader's own copy becomes durable before anything behind it begins.
  const enough = rosters.some((roster) =>
    quorum(roster, (voter) => kept.has(voter) || voter === host.id),
  );
  if (!enough)
    checker.report('S11', `${host.id} calls ${name} committed, only ${[...kept].join(' ')} has it`);
  checkCommit(checker, record.key, record.revision);
}

function checkCommit(checker: RecordChecker, key: Key, revision: Revision): void {
  const op = checker.written.get(nameOf(key, revision))?.op ?? '';
  const commits = checker.committed.get(key) ?? [];
  checker.committed.set(key, [...commits, { revision, op }]);
  for (const ack of checker.acked.get(key) ?? []) compare(checker, key, ack, { revision, op });
}

/** The promise itself. */
function compare(checker: RecordChecker, key: Key, ack: Commit, commit: Commit): void {
  if (compareRevision(commit.revision, ack.revision) < 0 || commit.op === ack.op) return;
  const first = checker.firstOf.get(commit.op);
  if (first !== undefined && compareRevision(first, ack.revision) > 0) return;
  checker.report(
    'S11',
    `${ack.op} was acknowledged as ${nameOf(key, ack.revision)}, but ${showRevision(commit.revision)} holds ${commit.op}`,
  );
}

/** Writes of records have become durable on a host. */
export function noteKept(checker: RecordChecker, host: Host, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    const register = value as Register | undefined;
    if (!name.startsWith('record/') || register?.revision === undefined) continue;
    const at = nameOf(name.slice('record/'.length) as Key, register.revision);
    const kept = checker.keptBy.get(at);
    if (kept === undefined) checker.keptBy.set(at, new Set([host.id]));
    else kept.add(host.id);
  }
}

/** A user was told that the deploy is committed. */
export function noteAck(checker: RecordChecker, key: Key, op: string, revision: Revision): void {
  const commits = checker.committed.get(key) ?? [];
  // Asked again, a leader names its present revision: the deploy was committed at or before it.
  let at: Revision | undefined;
  for (const commit of commits)
    if (commit.op === op && compareRevision(commit.revision, revision) <= 0)
      if (at === undefined || compareRevision(commit.revision, at) > 0) at = commit.revision;
  if (at === undefined)
    return checker.report('S11', `${op} is acknowledged as ${nameOf(key, revision)}, never committed`);
  const ack: Commit = { revision: at, op };
  checker.acked.set(key, [...(checker.acked.get(key) ?? []), ack]);
  for (const commit of commits) compare(checker, key, ack, commit);
}

export function noteRefused(checker: RecordChecker, op: string): void {
  checker.refused.add(op);
  const first = checker.firstOf.get(op);
  if (first !== undefined)
    checker.report('S11', `${op} was refused, but was written as ${showRevision(first)}`);
}

/** The agent's memory is gone; what its disk holds is checked by itself. */
export function forgetSeen(checker: RecordChecker, host: Host): void {
  for (const place of checker.seen.keys())
    if (place.startsWith(`${host.id} `)) checker.seen.delete(place);
}

