/**
 * What tells a cluster whose voters a user has replaced by force from what it was before: its *fork*.
 * Both are part of numbers that travel and are compared anyway, so that nothing else must know of it.
 *
 *     epoch  = generation · 2⁴⁴ + force id · 2²⁰ + changes of the roster since
 *     ballot > generation · 2⁴⁴: terms compare as (generation, n)
 *     fork   = generation · 2²⁴ + force id          0: never forced
 *
 * Each force is one generation above what its host followed. Two of one generation were forced by users
 * who did not know of each other: neither follows the other, and only a third force ends that.
 *
 * Source: README.md §7, "Forced rosters".
 */
import { ballot, type Ballot, epoch, type Epoch, type Fork, fork } from '../base/ids.ts';

const STEPS = 2 ** 20;
/** Random, so that two forces of one generation are told apart. */
export const FORCE_IDS = 2 ** 24;
/** So that the highest ballot stays below the highest counter of a message. */
export const GENERATIONS_MAX = 255;

export const NEVER_FORCED = fork(0);

export const forkOf = (of: Epoch): Fork => fork(Math.floor(of / STEPS));

export const generationOf = (of: Fork): number => Math.floor(of / FORCE_IDS);

/** Forced by users who did not know of each other: whoever follows one never follows the other. */
export const isRival = (a: Fork, b: Fork): boolean =>
  a !== b && generationOf(a) === generationOf(b);

/** The first epoch after a force. */
export const forcedEpoch = (base: Epoch, forceId: number): Epoch =>
  epoch(((generationOf(forkOf(base)) + 1) * FORCE_IDS + forceId) * STEPS);

/** Chosen by nobody, but said by a user. */
export const isForced = (of: Epoch): boolean => of >= FORCE_IDS * STEPS && of % STEPS === 0;

/** What a voter of this fork has promised at least: every ballot of an earlier generation is lower. */
export const ballotFloor = (of: Fork): Ballot => ballot(generationOf(of) * FORCE_IDS * STEPS);

/** For people: `7`, and `2:7` once the voters were forced twice. */
export function showEpoch(of: Epoch): string {
  const generation = generationOf(forkOf(of));
  const step = of % STEPS;
  return generation === 0 ? String(step) : `${generation}:${step}`;
}
