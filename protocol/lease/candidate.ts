/**
 * When this host tries for a key it does not hold. Advisory only: a wrong guess costs a ballot.
 *
 * Candidates are ranked per key by rendezvous; rank r waits r × `rankStaggerMs` and up to 100 ms more,
 * so that usually one of them tries. Nobody tries while an alive host says it leads, unless a voter
 * has sent `open`. After a failure the wait is 20 to 40 ms, then doubles from 200 ms to 2 s. `open`
 * begins that anew. Otherwise a host that cannot win, and tries again and again, keeps the key from all:
 * the first try of each other after it has the number that was just used, and the second, which knows a
 * higher one, would come after the next of that host.
 *
 * Source: README.md §5, "Who tries".
 */
import type { HostId, Key } from '../base/ids.ts';
import { compareText, rendezvous } from '../base/order.ts';
import { within } from '../base/prng.ts';
import { after, earlier, FOREVER, type Instant, millis } from '../base/time.ts';
import type { Turn } from '../turn.ts';
import type { Open } from '../wire/message.ts';
import { classOf } from './class.ts';

type Candidacy = {
  /** FOREVER: not before something changes. */
  tryAt: Instant;
  /** A ballot of ours is under way: it ends as a lease or with `noteFailed`. */
  trying: boolean;
  failures: number;
  /** A voter has said that the key is free: one try, whoever claims to lead. */
  opened: boolean;
};
export type Candidacies = Map<Key, Candidacy>;

const FIRST_BACKOFF_MS = 20;
const BACKOFF_MIN_MS = 100;
const BACKOFF_DOUBLINGS_MAX = 5;
const BACKOFF_MAX_MS = 2000;
const SPREAD_MS = 100;
/** How long a host that is to lead a key has it to itself: a few round trips, and the retries. */
const STAND_BACK_MS = millis(1000);

/** What a candidate knows: the keys worth leading, who says it leads, who else may try. */
export type Field = {
  /** In order. */
  readonly wanted: ReadonlySet<Key>;
  /** Wanted here on behalf of a user who waits: tried for at once. */
  readonly urgent: ReadonlySet<Key>;
  readonly isHeld: (key: Key) => boolean;
  /** An alive host, other than us, that says it leads. */
  readonly leaderOf: (key: Key) => HostId | undefined;
  /** Alive hosts and ourselves. */
  readonly alive: readonly HostId[];
  /** Whether this host knows what runs on it: before that it must not lead a strict key. */
  readonly mayLeadStrict: boolean;
};

/** Follows what changed: new keys are tried for, led ones are left alone, unwanted ones forgotten. */
export function survey(candidacies: Candidacies, turn: Turn, field: Field): void {
  for (const key of candidacies.keys()) if (!field.wanted.has(key)) candidacies.delete(key);
  for (const key of field.wanted) {
    if (field.isHeld(key) || (classOf(key) === 'strict' && !field.mayLeadStrict)) {
      candidacies.delete(key);
      continue;
    }
    const known = candidacies.get(key);
    if (known?.trying === true) continue;
    if (field.leaderOf(key) !== undefined && known?.opened !== true) {
      if (known?.tryAt === FOREVER && known.failures === 0) continue;
      candidacies.set(key, { tryAt: FOREVER, trying: false, failures: 0, opened: false });
      continue;
    }
    if (known !== undefined && known.tryAt !== FOREVER) continue;
    const tryAt = staggered(turn, field, key);
    candidacies.set(key, { tryAt, trying: false, failures: 0, opened: false });
  }
}

function staggered(turn: Turn, field: Field, key: Key): Instant {
  // A strict key is wanted by the one host that may run its slot.
  if (field.urgent.has(key) || classOf(key) === 'strict') return turn.now;
  const rank = rendezvous(key, field.alive).indexOf(turn.self);
  const waitMs = Math.max(rank, 0) * turn.config.rankStaggerMs + within(turn.prng, 0, SPREAD_MS);
  return after(turn.now, millis(waitMs));
}

/** A voter says the keys are free: try soon, whatever others claim; at once if we are to lead them. */
export function noteOpen(
  candidacies: Candidacies,
  turn: Turn,
  field: Field,
  { keys, prefer }: Pick<Open, 'keys' | 'prefer'>,
): void {
  for (const key of keys) {
    if (!field.wanted.has(key) || field.isHeld(key)) continue;
    const known = candidacies.get(key);
    if (known?.trying === true) {
      known.opened = true; // should this ballot fail, the next may win
      continue;
    }
    const soon = prefer === turn.self ? turn.now : staggered(turn, field, key);
    const tryAt = prefer === undefined || prefer === turn.self ? soon : after(soon, STAND_BACK_MS);
    if (known === undefined || tryAt < known.tryAt)
      candidacies.set(key, { tryAt, trying: false, failures: 0, opened: true });
    else known.failures = 0;
  }
}

/** Leaves the keys to another host for a while. */
export function standBack(candidacies: Candidacies, turn: Turn, keys: readonly Key[]): void {
  const tryAt = after(turn.now, STAND_BACK_MS);
  for (const key of keys)
    candidacies.set(key, { tryAt, trying: false, failures: 0, opened: false });
}

/** Ballots for these keys came to nothing: wait, longer each time. */
export function noteFailed(candidacies: Candidacies, turn: Turn, keys: readonly Key[]): void {
  for (const key of keys) {
    const known = candidacies.get(key);
    const failures = known?.opened === true ? 1 : (known?.failures ?? 0) + 1;
    const doublings = Math.min(failures - 1, BACKOFF_DOUBLINGS_MAX);
    // The first failure is often a ballot too low, which its refusal has just corrected.
    const baseMs =
      failures === 1 ? FIRST_BACKOFF_MS : Math.min(BACKOFF_MIN_MS * 2 ** doublings, BACKOFF_MAX_MS);
    const tryAt = after(turn.now, millis(within(turn.prng, baseMs, 2 * baseMs)));
    candidacies.set(key, { tryAt, trying: false, failures, opened: false });
  }
}

/** The keys whose time has come; each is tried once, then waits for `noteFailed` or `survey`. */
export function takeDue(candidacies: Candidacies, turn: Turn): readonly Key[] {
  const due: Key[] = [];
  for (const [key, candidacy] of candidacies) {
    if (turn.now < candidacy.tryAt) continue;
    candidacy.tryAt = FOREVER;
    candidacy.trying = true;
    candidacy.opened = false;
    due.push(key);
  }
  return due.sort(compareText);
}

export function candidaciesDeadline(candidacies: Candidacies): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { tryAt } of candidacies.values())
    if (tryAt !== FOREVER) deadline = earlier(deadline, tryAt);
  return deadline;
}
