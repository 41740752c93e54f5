/**
 * S11 A revision has one value. What was acknowledged to a user stays: every record committed at that
 *     revision or later holds it, or something first written later. What was refused never appears.
 *     Nobody keeps a revision as committed that no quorum has on disk.
 *     What was committed is not applied again, and of two deploys that expect the same revision at
 *     most one is committed (R7, `expectations.ts`). A leader decides nothing before what it found is
 *     committed under its own term, and writes the next revision only when the one before is committed
 *     (R3). No assignment goes back to an older stack.
 *
 * A deploy is known by its id: every write of its record names it last. Only what has left a host or
 * reached its disk counts: what dies in an agent's memory has not happened.
 */
import type { Key } from '../../protocol/base/ids.ts';
import { sameData } from '../../protocol/base/same.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import { DEPLOY_IDS_MAX } from '../../protocol/limits.ts';
import { type Burials, burialsIn, isBuried } from '../../protocol/record/burial.ts';
import {
  type Committed,
  compareRevision,
  type Expected,
  type RecordValue,
  type Revision,
  showRevision,
} from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import { quorum, type Roster } from '../../protocol/roster/roster.ts';
import type { Write } from '../../protocol/wire/message.ts';
import type { Host } from '../host.ts';
import { checkExpected } from './expectations.ts';
import type { Report } from './report.ts';

type Written = { readonly value: RecordValue; readonly op: string };
type Commit = { readonly revision: Revision; readonly op: string };
export type RecordChecker = {
  readonly report: Report;
  /** Every revision ever written, by key and revision. */
  readonly written: Map<string, Written>;
  /** Of each op, the revisions it was applied as; adopting it (seq 0) is not applying it. */
  readonly applied: Map<string, Revision[]>;
  /** Hosts that have each revision on disk, by key and revision. */
  readonly keptBy: Map<string, Set<string>>;
  readonly committed: Map<Key, Commit[]>;
  readonly known: Set<string>;
  readonly acked: Map<Key, Commit[]>;
  readonly refused: Set<string>;
  /** What each op expects to find. */
  readonly expected: Map<string, Expected>;
};

export const createRecordChecker = (report: Report): RecordChecker => ({
  report,
  written: new Map(),
  applied: new Map(),
  keptBy: new Map(),
  committed: new Map(),
  known: new Set(),
  acked: new Map(),
  refused: new Set(),
  expected: new Map(),
});

const nameOf = (key: Key, revision: Revision): string => `${key} ${showRevision(revision)}`;

/** A write has left its leader, or has reached a voter's disk. */
export function checkWrite(
  checker: RecordChecker,
  { key, revision, value, deployIds }: Pick<Write, 'key' | 'revision' | 'value' | 'deployIds'>,
): void {
  const name = nameOf(key, revision);
  const known = checker.written.get(name);
  if (known?.value === value) return;
  if (known !== undefined) {
    if (!sameData(known.value, value)) checker.report('S11', `${name} has two values`);
    return;
  }
  const op = deployIds.at(-1) ?? heirOf(checker, key, revision, value);
  checker.written.set(name, { value, op });
  if (op === '' || revision.seq === 0) return;
  if (checker.refused.has(op)) checker.report('S11', `${op} was refused and is written as ${name}`);
  checkApplication(checker, key, revision, op);
  checker.applied.set(op, [...(checker.applied.get(op) ?? []), revision]);
}

/** A forced voter knows what was committed, but not by which deploys. */
function heirOf(
  { committed, written }: RecordChecker,
  key: Key,
  { seq }: Revision,
  value: RecordValue,
): string {
  if (seq > 0 || value.kind !== 'stack') return '';
  const same = committed.get(key)?.findLast(({ revision }) => {
    const was = written.get(nameOf(key, revision))?.value;
    return was !== undefined && sameData(was, value);
  });
  return same?.op ?? '';
}

/** Revision follows revision (R3). The write leaves a host that has lived under these rosters lately. */
export function checkOrder(
  checker: RecordChecker,
  host: Host,
  rosters: readonly Roster[],
  { key, revision, value }: Write,
): void {
  const { term, seq } = revision;
  if (seq === 0) return;
  const { report, written, keptBy, committed } = checker;
  const before = nameOf(key, { term, seq: seq - 1 });
  const previous = written.get(before)?.value;
  const kept = keptBy.get(before);
  if (previous === undefined) {
    // Where nothing was ever committed there is nothing to find.
    const found = committed.get(key)?.find((commit) => commit.revision.term < term);
    if (found !== undefined || seq > 1)
      report('S11', `${host.id} writes ${nameOf(key, revision)} before it has written ${before}`);
  } else if (!rosters.some((roster) => quorum(roster, (voter) => kept?.has(voter) === true))) {
    report('S11', `${host.id} writes ${nameOf(key, revision)} before ${before} is committed`);
  } else if (value.kind === 'component' && previous.kind === 'component') {
    const [was, is] = [previous.stackRevision, value.stackRevision];
    if (compareRevision(is, was) < 0)
      report(
        'S11',
        `${nameOf(key, revision)} serves the stack of ${showRevision(is)}, ${before} that of ${showRevision(was)}`,
      );
  }
}

/** What was committed is not applied again (R7). */
function checkApplication(
  { report, committed }: RecordChecker,
  key: Key,
  revision: Revision,
  op: string,
): void {
  const before = (committed.get(key) ?? [])
    .filter((commit) => compareRevision(commit.revision, revision) < 0)
    .sort((a, b) => compareRevision(b.revision, a.revision));
  const recent = new Set<string>();
  for (const commit of before) {
    if (commit.op === op)
      report(
        'S11',
        `${op} was committed as ${nameOf(key, commit.revision)} and is applied again as ${showRevision(revision)}`,
      );
    recent.add(commit.op);
    if (recent.size >= DEPLOY_IDS_MAX) return;
  }
}

/** Writes have become durable on a host, which has lived under these rosters lately. */
export function checkKept(
  checker: RecordChecker,
  host: Host,
  rosters: readonly Roster[],
  writes: readonly DiskWrite[],
): void {
  for (const { name, value } of writes) {
    if (value === undefined) continue;
    if (name.startsWith('record/'))
      noteKept(checker, host, name.slice('record/'.length) as Key, value as Register);
    if (name.startsWith('committed/')) checkCommitted(checker, host, rosters, value as Committed);
  }
}

function noteKept(checker: RecordChecker, host: Host, key: Key, register: Register): void {
  const { revision, value, deployIds } = register;
  if (revision === undefined || value === undefined) return;
  checkWrite(checker, { key, revision, value, deployIds });
  const name = nameOf(key, revision);
  const kept = checker.keptBy.get(name);
  if (kept === undefined) checker.keptBy.set(name, new Set([host.id]));
  else kept.add(host.id);
}

function checkCommitted(
  checker: RecordChecker,
  host: Host,
  rosters: readonly Roster[],
  { key, revision, value }: Committed,
): void {
  const name = nameOf(key, revision);
  const written = checker.written.get(name);
  if (written === undefined || !sameData(written.value, value))
    checker.report('S11', `${host.id} keeps another ${name} than was written`);
  if (checker.known.has(name)) return;
  checker.known.add(name);
  const kept = checker.keptBy.get(name) ?? new Set<string>();
  if (!rosters.some((roster) => quorum(roster, (voter) => kept.has(voter))))
    checker.report('S11', `${host.id} calls ${name} committed, only ${[...kept].join(' ')} has it`);
  const commit: Commit = { revision, op: written?.op ?? '' };
  if (checker.refused.has(commit.op))
    checker.report('S11', `${commit.op} was refused and is committed as ${name}`);
  checker.committed.set(key, [...(checker.committed.get(key) ?? []), commit]);
  if (value.kind === 'members') forgetBuried(checker, burialsIn(value));
  for (const ack of checker.acked.get(key) ?? []) compare(checker, key, ack, commit);
  checkExpected(checker, {
    key,
    commits: checker.committed.get(key) ?? [],
    valueOf: (at) => checker.written.get(nameOf(key, at))?.value,
  });
}

/** All forget it (R8): what comes later begins anew. */
function forgetBuried({ committed, acked, written }: RecordChecker, burials: Burials): void {
  for (const commits of burials.size === 0 ? [] : [committed, acked])
    for (const [key, all] of commits) {
      const kept = all.filter(({ revision }) => {
        const value = written.get(nameOf(key, revision))?.value;
        return value === undefined || !isBuried(burials, key, { revision, value });
      });
      if (kept.length < all.length) commits.set(key, kept);
    }
}

/**
 * A user has made this host the only voter: what it has stays, and of what else was acknowledged to others
 * nothing is promised any more.
 */
export function noteForced({ committed, acked }: RecordChecker, { disk }: Host): void {
  for (const commits of [committed, acked])
    for (const [key, all] of commits) {
      const has = (disk.durable.get(`record/${key}`) as Register | undefined)?.revision;
      const kept = all.filter(
        ({ revision }) => has !== undefined && compareRevision(revision, has) <= 0,
      );
      if (kept.length < all.length) commits.set(key, kept);
    }
}

/** The promise itself. */
function compare({ report, applied }: RecordChecker, key: Key, ack: Commit, commit: Commit): void {
  if (compareRevision(commit.revision, ack.revision) < 0 || commit.op === ack.op) return;
  const later = (applied.get(commit.op) ?? []).some(
    (revision) =>
      compareRevision(revision, ack.revision) > 0 &&
      compareRevision(revision, commit.revision) <= 0,
  );
  if (later) return;
  report(
    'S11',
    `${ack.op} was acknowledged as ${nameOf(key, ack.revision)}, but ${showRevision(commit.revision)} holds ${commit.op}`,
  );
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
    return checker.report(
      'S11',
      `${op} is acknowledged as ${nameOf(key, revision)}, never committed`,
    );
  const ack: Commit = { revision: at, op };
  checker.acked.set(key, [...(checker.acked.get(key) ?? []), ack]);
  for (const commit of commits) compare(checker, key, ack, commit);
}

/**
 * A user was told that the deploy was not applied. `written`: a leader said so who has committed since:
 * what a minority may have kept of it is outbid for ever.
 */
export function noteRefused(
  checker: RecordChecker,
  key: Key,
  op: string,
  { written }: { readonly written: boolean },
): void {
  checker.refused.add(op);
  const [first] = checker.applied.get(op) ?? [];
  const commit = checker.committed.get(key)?.find((known) => known.op === op);
  const seen = commit?.revision ?? (written ? undefined : first);
  if (seen !== undefined)
    checker.report('S11', `${op} was refused, but is written as ${nameOf(key, seen)}`);
}
