/**
 * The few numbers a host must not forget (README.md §5, L-b, L-c): how often it started,
 * a bound on every ballot it has promised, accepted or tried, and the longest lease it has granted.
 */
import { type Ballot, ballot, type Boot } from '../base/ids.ts';
import { after, type Instant, type Millis } from '../base/time.ts';
import { persist, type Turn } from '../turn.ts';

export type Durable = {
  boot: Boot;
  /** Every ballot this host ever promised, accepted or tried is at most this. */
  ceiling: Ballot;
  /** The longest T ever granted; 0: this host has never granted a lease. */
  maxTermMs: Millis;
  /** False: does not vote, or must merge the old voters' state before it may answer (roster rule 4). */
  synced: boolean;
};

/** Ballots reserved by one write. */
export const CEILING_BLOCK = 1000;

export function saveDurable(durable: Durable, turn: Turn): void {
  persist(turn, 'host', { ...durable });
}

/** Must come before any message that mentions `n` as promised, accepted or tried. */
export function raiseCeiling(durable: Durable, turn: Turn, n: Ballot): void {
  if (n <= durable.ceiling) return;
  durable.ceiling = ballot(n + CEILING_BLOCK);
  saveDurable(durable, turn);
}

/** When a voter that just started may answer `open` again: T after it could have granted last (L-c). */
export function silentUntil(durable: Durable, now: Instant): Instant {
  return after(now, durable.maxTermMs);
}

/** Must come before a lease of `termMs` is granted. */
export function raiseMaxTerm(durable: Durable, turn: Turn, termMs: Millis): void {
  if (termMs <= durable.maxTermMs) return;
  durable.maxTermMs = termMs;
  saveDurable(durable, turn);
}
