/**
 * The agreed set of hosts whose votes count, and the one function that says what a quorum is.
 * Every change is joint (README.md §7): {A} and {A, B, C} have disjoint majorities.
 */
import type { Epoch, HostId } from '../base/ids.ts';
import type { Millis } from '../base/time.ts';
import type { LeaseClass } from '../lease/class.ts';
import { forkOf, isRival } from './fork.ts';

export type Roster = {
  readonly epoch: Epoch;
  /** Sorted. */
  readonly voters: readonly HostId[];
  /** Present while a change is under way: everything needs a majority of both. Sorted. */
  readonly next?: readonly HostId[];
  /** T of each lease class; part of the roster so that both sides of a lease agree (L-c). */
  readonly termMs: Readonly<Record<LeaseClass, Millis>>;
};

/** Everyone whose vote may count. Sorted. */
export function votersOf(roster: Roster): readonly HostId[] {
  const { voters, next } = roster;
  if (next === undefined) return voters;
  let all = UNIONS.get(roster);
  if (all === undefined) UNIONS.set(roster, (all = [...new Set([...voters, ...next])].sort()));
  return all;
}

/** Asked for several times in every step. */
const UNIONS = new WeakMap<Roster, readonly HostId[]>();

/** Whether whoever follows `old` should follow `roster`. */
export const succeeds = (roster: Roster, old: Roster): boolean =>
  roster.epoch > old.epoch && !isRival(forkOf(roster.epoch), forkOf(old.epoch));

/**
 * Whether `host`, a voter under `from`, surely voted under every roster from there to `to`. A joint
 * roster names the one before it and the one after it; of what was missed altogether nothing is known.
 */
export function surelyStayed(from: Roster, to: Roster, host: HostId): boolean {
  const first = from.next ?? from.voters;
  const firstEpoch = from.next === undefined ? from.epoch : from.epoch + 1;
  const lastEpoch = to.next === undefined ? to.epoch : to.epoch - 1;
  return first.includes(host) && to.voters.includes(host) && lastEpoch - firstEpoch <= 2;
}

/** Whether the hosts for which `says` holds are a majority of `voters` and, if present, of `next`. */
export function quorum(roster: Roster, says: (voter: HostId) => boolean): boolean {
  return (
    majority(roster.voters, says) && (roster.next === undefined || majority(roster.next, says))
  );
}

/** Whether more than half of `group` say so. */
export function majority(group: readonly HostId[], says: (voter: HostId) => boolean): boolean {
  return group.filter(says).length * 2 > group.length;
}
