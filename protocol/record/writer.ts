/**
 * The leader's side of one record: read a quorum, adopt the highest revision, commit it again under
 * the own term, and only then serve and write on.
 *
 *     won ──▶ reading ──quorum──▶ recommitting ──quorum──▶ serving ◀──▶ writing
 *                ▲                                            │
 *                └──── a higher promise was met (R6) ─────────┘
 *
 * Invariants:
 *  W1 Nothing is served, told or decided before the adopted revision is committed as (term, 0) (R3).
 *  W2 Committed means that a quorum acknowledged exactly that revision (R4).
 *  W3 One write at a time; `seq` rises by one per write of a term.
 *  W4 A write that has left is never reported as refused (R7).
 *
 * Source: README.md §6, R3 to R7. The caller checks `isHeld` before it serves or writes (R4).
 */
import type { HostId, Key, Term } from '../base/ids.ts';
import { after, type Instant } from '../base/time.ts';
import { DEPLOY_IDS_MAX } from '../limits.ts';
import { quorum, type Roster, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';
import type { ReadAck, WriteAck } from '../wire/message.ts';
import { type Burials, isBuried, NO_BURIALS } from './burial.ts';
import { type Committed, compareRevision, type RecordValue, type Revision } from './record.ts';

/** A write under way, with everyone to be told of its end. */
type Pending = {
  readonly revision: Revision;
  readonly value: RecordValue;
  readonly acks: Set<HostId>;
};

export type Writer = {
  readonly key: Key;
  /** The record's term; a raised ballot of the lease does not change it (R6). */
  term: Term;
  phase: 'reading' | 'recommitting' | 'serving' | 'writing' | 'outbid';
  readonly reads: Map<HostId, ReadAck>;
  seq: number;
  pending: Pending | undefined;
  /** The committed record; undefined before the first. */
  record: Committed | undefined;
  deployIds: readonly string[];
  resendAt: Instant;
};

export function createWriter(key: Key, term: Term, turn: Turn, roster: Roster): Writer {
  const writer: Writer = {
    key,
    term,
    phase: 'reading',
    reads: new Map(),
    seq: 0,
    pending: undefined,
    record: undefined,
    deployIds: [],
    resendAt: turn.now,
  };
  resend(writer, turn, roster);
  return writer;
}

/** True once the adopted record is committed under our term and no write is under way (W1, W3). */
export const isServing = (writer: Writer): boolean => writer.phase === 'serving';

/** Starts over under the lease's present term, if a higher promise was met (R6). */
export function reread(writer: Writer, turn: Turn, roster: Roster, term: Term): void {
  writer.term = term;
  writer.phase = 'reading';
  writer.reads.clear();
  writer.seq = 0;
  writer.pending = undefined;
  resend(writer, turn, roster);
}

/**
 * Sends the present question to every voter that has not answered it. Where a change of roster has made a
 * quorum of those who have, nobody's answer is awaited any more: all are asked again.
 */
export function resend(writer: Writer, turn: Turn, roster: Roster): void {
  writer.resendAt = after(turn.now, turn.config.retryMs);
  const { key, term, reads, pending, deployIds } = writer;
  const answers = writer.phase === 'reading' ? reads : pending?.acks;
  if (answers !== undefined && quorum(roster, (voter) => answers.has(voter))) answers.clear();
  for (const voter of votersOf(roster)) {
    if (writer.phase === 'reading') {
      if (!writer.reads.has(voter))
        send(turn, voter, { kind: 'read', epoch: roster.epoch, key, term });
    } else if (pending !== undefined && !pending.acks.has(voter)) {
      const { revision, value } = pending;
      send(turn, voter, { kind: 'write', epoch: roster.epoch, key, revision, value, deployIds });
    }
  }
}

/** When `resend` is due; undefined: nothing is unanswered. */
export const writerDeadline = (writer: Writer): Instant | undefined =>
  writer.phase === 'reading' || writer.pending !== undefined ? writer.resendAt : undefined;

/** What the reader knows itself of what it reads. */
export type Ground = {
  /** The value of a record that does not exist yet; absent leaves it so. */
  readonly initial?: RecordValue | undefined;
  /** As committed; a quorum has it too, unless some have buried it and others have it older (R8). */
  readonly known?: Committed | undefined;
  readonly burials?: Burials;
};

export function onReadAck(
  writer: Writer,
  turn: Turn,
  roster: Roster,
  from: HostId,
  message: ReadAck,
  { initial, known, burials = NO_BURIALS }: Ground,
): void {
  if (writer.phase !== 'reading' || message.term !== writer.term) return;
  if (!message.ok) return outbid(writer);
  writer.reads.set(from, message);
  if (!quorum(roster, (voter) => writer.reads.has(voter))) return;
  let best: ReadAck | undefined;
  for (const ack of writer.reads.values()) {
    if (ack.revision === undefined || isBuried(burials, writer.key, ack)) continue;
    if (best?.revision === undefined || compareRevision(ack.revision, best.revision) > 0)
      best = ack;
  }
  const isOlder =
    known !== undefined &&
    (best?.revision === undefined || compareRevision(best.revision, known.revision) < 0);
  writer.deployIds = isOlder ? [] : (best?.deployIds ?? []);
  const value = isOlder ? known.value : (best?.value ?? initial);
  if (value === undefined) {
    writer.phase = 'serving'; // nothing was ever committed here
    return;
  }
  writer.phase = 'recommitting';
  begin(writer, turn, roster, { term: writer.term, seq: 0 }, value);
}

function begin(
  writer: Writer,
  turn: Turn,
  roster: Roster,
  revision: Revision,
  value: RecordValue,
): void {
  writer.pending = { revision, value, acks: new Set() };
  resend(writer, turn, roster);
}

/** As which `write` will write. */
export const nextRevision = ({ term, seq }: Writer): Revision => ({ term, seq: seq + 1 });

/** Writes the next revision. The caller has checked `isServing` and `isHeld`. */
export function write(
  writer: Writer,
  turn: Turn,
  roster: Roster,
  value: RecordValue,
  deployId?: string,
): Revision {
  const revision = nextRevision(writer);
  writer.phase = 'writing';
  writer.seq = revision.seq;
  if (deployId !== undefined)
    writer.deployIds = [...writer.deployIds, deployId].slice(-DEPLOY_IDS_MAX);
  begin(writer, turn, roster, revision, value);
  return revision;
}

/** Returns the record when this acknowledgment commits it (W2). */
export function onWriteAck(
  writer: Writer,
  roster: Roster,
  from: HostId,
  message: WriteAck,
): Committed | undefined {
  const { pending } = writer;
  if (pending === undefined || compareRevision(message.revision, pending.revision) !== 0)
    return undefined;
  if (message.outcome === 'refused') {
    outbid(writer);
    return undefined;
  }
  if (message.outcome !== 'stored') return undefined;
  pending.acks.add(from);
  return commitIfChosen(writer, roster);
}

/** Also after a change of roster, when the acknowledgments at hand may have become enough. */
function commitIfChosen(writer: Writer, roster: Roster): Committed | undefined {
  const { pending } = writer;
  if (pending === undefined || !quorum(roster, (voter) => pending.acks.has(voter)))
    return undefined;
  writer.pending = undefined;
  writer.phase = 'serving';
  writer.record = { key: writer.key, revision: pending.revision, value: pending.value };
  return writer.record;
}

/** A higher term was promised somewhere: serve nothing until `reread`, or until the lease is gone. */
function outbid(writer: Writer): void {
  writer.phase = 'outbid';
  writer.pending = undefined;
}
