/**
 * How long a suspicion lasts before it is a verdict. Starts long and is shortened by every further
 * watcher that finds the same silence. Integers only: tables stand in for the logarithms.
 *
 * Source: Lifeguard (Dadgar et al., 2018) §IV-B: max − (max − min) · ln(C + 1) / ln(K + 1). Unlike
 * Lifeguard, only the distinct watchers of the subject count as confirmations.
 */
import { after, type Instant, later, type Millis, millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import { type Graces, openUntil, sparedUntil } from './grace.ts';
import type { Member } from './member.ts';

/** 1000 · max(1, log10 N) for the first row whose number of hosts is not below N. */
const LOG10_PERMILLE: readonly (readonly [number, number])[] = [
  [10, 1000],
  [15, 1176],
  [20, 1301],
  [30, 1477],
  [50, 1699],
  [75, 1875],
  [100, 2000],
  [150, 2176],
  [200, 2301],
  [300, 2477],
  [500, 2699],
  [750, 2875],
];
const LOG10_PERMILLE_MAX = 3000;

/** 1000 · ln(C + 1) / ln(K + 1), by K, then by C. */
const LN_PERMILLE: readonly (readonly number[])[] = [
  [1000],
  [0, 1000],
  [0, 631, 1000],
  [0, 500, 792, 1000],
];
/** More confirmations than this shorten no further. */
const CONFIRMATIONS_MAX = LN_PERMILLE.length - 1;

/** What a suspicion's length depends on besides the settings. */
export type Circle = {
  /** Hosts of the cluster, this one included. */
  readonly hostCount: number;
  /** Watchers of the suspect. */
  readonly watcherCount: number;
};

export function suspicionMinMs(hostCount: number, config: Config): Millis {
  const row = LOG10_PERMILLE.find(([upTo]) => hostCount <= upTo);
  const permille = row?.[1] ?? LOG10_PERMILLE_MAX;
  return millis(Math.floor((config.suspicionMinMs * permille) / 1000));
}

const suspicionMaxMs = (hostCount: number, config: Config): Millis =>
  millis(suspicionMinMs(hostCount, config) * config.suspicionMaxFactor);

/** `accuserCount`: distinct watchers that found it silent; all after the first are confirmations. */
export function suspicionMs(circle: Circle, accuserCount: number, config: Config): Millis {
  const minMs = suspicionMinMs(circle.hostCount, config);
  const maxMs = suspicionMaxMs(circle.hostCount, config);
  const wanted = Math.max(0, Math.min(CONFIRMATIONS_MAX, circle.watcherCount - 1));
  const found = Math.max(0, Math.min(wanted, accuserCount - 1));
  const permille = LN_PERMILLE[wanted]?.[found] ?? 0;
  return millis(maxMs - Math.floor(((maxMs - minMs) * permille) / 1000));
}

/** So many watchers must have seen that a silent host's kernel answers; in small clusters one. */
export const eyesNeeded = ({ hostCount, watcherCount }: Circle): number =>
  Math.max(1, Math.min(hostCount <= 3 ? 1 : 2, watcherCount));

/**
 * When the suspect is dead if nothing more is heard. Never before it has been silent here for as
 * long as a fresh doubt would take. Whoever does not watch it leaves the verdict to its watchers
 * for as long as they may lawfully take.
 */
export function verdictAt(
  member: Member,
  watch: { readonly watched: boolean; readonly graces: Graces },
  circle: Circle,
  config: Config,
): Instant {
  const silentAt = after(member.lastHeardAt, millis(config.quietMs + config.probeMs));
  if (!watch.watched) {
    const longest = millis(suspicionMaxMs(circle.hostCount, config) + config.agentGraceMs);
    return later(after(member.since, longest), silentAt);
  }
  const lasts = suspicionMs(circle, member.suspectedBy.length, config);
  const endsAt = later(after(member.since, lasts), silentAt);
  const need = eyesNeeded(circle);
  const open = openUntil(watch.graces, need, config);
  // From our own doubt on: others may have begun theirs when it was only they that could not hear it.
  const doubted = later(endsAt, after(silentAt, suspicionMinMs(circle.hostCount, config)));
  const graced = after(doubted, config.stallGraceMs);
  const stalledUntil = open < graced ? open : graced;
  return later(later(endsAt, stalledUntil), sparedUntil(watch.graces, need, config));
}
