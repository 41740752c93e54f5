/**
 * What this host does for the keys it leads: reads and commits their records, decides who is a member
 * and who fills which slot, and tells everyone what was committed. Leaders act through records only.
 */
import { componentOfKey, type Key, ROSTER_KEY, stackKey } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { onCommitted, onLeadershipLost } from '../command/deploys.ts';
import { classOf } from '../lease/class.ts';
import { isHeld } from '../lease/hold.ts';
import { acquire } from '../lease/holder.ts';
import type { Leases } from '../lease/leases.ts';
import { membersOf } from '../membership/membership.ts';
import { movesLeft } from '../placement/brake.ts';
import type { Burials } from '../record/burial.ts';
import { committedOf, mergeCommitted } from '../record/committed.ts';
import { push, pushAlso } from '../record/pusher.ts';
import type { Committed, RecordValue } from '../record/record.ts';
import {
  createWriter,
  type Ground,
  isServing,
  reread,
  resend,
  write,
  type Writer,
} from '../record/writer.ts';
import { journal, persist, type Turn } from '../turn.ts';
import { assign, isMoot } from './assign.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/** The writer of a key whose lease we hold at this moment (R4). */
export function writerOf(core: Core, leases: Leases, turn: Turn, key: Key): Writer | undefined {
  const writer = core.writers.get(key);
  if (writer === undefined) return undefined;
  return isHeld(leases.holder, leases.links, turn, core.council.roster, key) ? writer : undefined;
}

/** One writer per key held, none for others; each repeats what is unanswered. */
export function tendWriters(core: Core, leases: Leases, turn: Turn): void {
  const { roster } = core.council;
  for (const key of core.writers.keys()) {
    if (writerOf(core, leases, turn, key) !== undefined) continue;
    core.writers.delete(key);
    core.decided.delete(key);
    core.pusher.delete(key);
    const component = componentOfKey(key);
    if (component !== undefined) {
      core.explained.delete(component);
      core.watches.delete(component);
    }
    onLeadershipLost(core.deploys, key);
    journal(turn, 'lease', [key], 'leads it no longer');
  }
  for (const [key, hold] of sorted(leases.holder.holds)) {
    if (classOf(key) === 'strict') continue; // a slot has no record
    if (hold.term === undefined || !isHeld(leases.holder, leases.links, turn, roster, key))
      continue;
    const writer = core.writers.get(key);
    if (writer === undefined) {
      core.writers.set(key, createWriter(key, hold.term, turn, roster));
      journal(turn, 'lease', [key], `leads it under term ${hold.term}`);
    } else if (writer.phase === 'outbid') {
      // R6: read again under the present term; if that is not higher yet, raise the ballot first.
      if (hold.term > writer.term) reread(writer, turn, roster, hold.term);
      else if (turn.now >= writer.resendAt) {
        writer.resendAt = after(turn.now, turn.config.retryMs);
        acquire(leases.holder, leases.links, turn, roster, [key]);
      }
    } else if (turn.now >= writer.resendAt) {
      resend(writer, turn, roster);
    }
  }
}

/** What a record is at first; only the list of members is never empty. */
export function groundOf({ identity, committed }: Core, key: Key): Ground {
  const { burials } = committed;
  return {
    initial: initialValue(identity, burials, key),
    known: committedOf(committed, key),
    burials,
  };
}

function initialValue(
  { host: id, name, peerId }: Core['identity'],
  burials: Burials,
  key: Key,
): RecordValue | undefined {
  if (key === ROSTER_KEY) return { kind: 'members', members: [{ id, name, peerId }] };
  const burial = burials.get(key.slice('stack/'.length));
  if (burial === undefined || key !== stackKey(burial.stack)) return undefined;
  // A buried stack begins as it ended: what was assigned in its former lives stays void.
  return { kind: 'stack', life: burial.life, since: burial.revision };
}

/** A quorum has it, whoever leads by now: remember it, and answer whoever waits (R4, R5). */
export function noteCommitted(core: Core, turn: Turn, record: Committed): void {
  learn(core, turn, record);
  onCommitted(core.deploys, turn, record);
}

/** Its leader tells everyone, itself among them (R9). */
export function announce(core: Core, turn: Turn, record: Committed): void {
  if (record.value.kind === 'component') core.authorized.set(record.key, record.revision);
  push(
    core.pusher,
    turn,
    record,
    know(core).alive.filter((host) => host !== turn.self),
  );
}

/** Takes a committed record over, from wherever it came; keeps it across restarts. */
export function learn(core: Core, turn: Turn, record: Committed): void {
  if (mergeCommitted(core.committed, record)) keep(turn, record);
}

/** A committed record that has just been merged, across restarts. */
export const keep = (turn: Turn, record: Committed): void =>
  persist(turn, `committed/${record.key}`, record);

/** Every decision a leader owes at this moment, for each key it leads and serves. */
export function decide(core: Core, leases: Leases, turn: Turn): void {
  for (const [key, writer] of sorted(core.writers)) {
    if (!isServing(writer) || writerOf(core, leases, turn, key) === undefined) continue;
    const component = componentOfKey(key);
    if (component === undefined) continue;
    const knowledge = know(core);
    const decided = core.decided.get(key);
    const movesMax = movesLeft(core.brake, turn.now);
    const { record } = writer;
    if (
      decided !== undefined &&
      decided.record === record &&
      decided.movesMax === movesMax &&
      (decided.dueAt === undefined || turn.now < decided.dueAt) &&
      isMoot(core, decided, knowledge, component)
    ) {
      decided.knowledge = knowledge;
      continue;
    }
    const { value, dueAt, calmSince, isTimely } = assign(core, turn, writer, component);
    core.decided.set(key, { knowledge, record, movesMax, dueAt, calmSince, isTimely });
    if (value !== undefined) write(writer, turn, core.council.roster, value);
  }
}

/** When something that is led here goes on by itself. */
export function decisionDeadline({ decided }: Core, { now }: Turn): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { dueAt } of decided.values())
    if (dueAt !== undefined && dueAt > now) deadline = earlier(deadline, dueAt);
  return deadline;
}

/** Tells a host that has just started, or come back, what it is to run (R9). */
export function tellReturned(core: Core, leases: Leases, turn: Turn): void {
  if (core.toldVersion === core.membership.version) return;
  core.toldVersion = core.membership.version;
  for (const [host, { health, boot, since }] of sorted(membersOf(core.membership))) {
    if (health !== 'alive') continue;
    const mark = `${boot}/${since}`;
    if (core.told.get(host) === mark) continue;
    core.told.set(host, mark);
    for (const [key, writer] of sorted(core.writers)) {
      if (writer.record === undefined || writerOf(core, leases, turn, key) === undefined) continue;
      pushAlso(core.pusher, turn, writer.record, host);
    }
  }
}
