/** Makes the numbers of a tape milder: whole choice points, then stretches of one, then single numbers. */
import type { Draws } from '../choice.ts';
import type { Tape } from '../tape.ts';
import type { Pieces } from './pieces.ts';

const sitesOf = (draws: Draws): readonly string[] =>
  Object.keys(draws).filter((site) => draws[site]?.some((value) => value !== 0));

const withDraws = (tape: Tape, draws: Draws): Tape => ({ ...tape, draws });

/** All choice points, each as a whole. */
export const SITES: Pieces<Tape> = {
  count: ({ draws }) => sitesOf(draws).length,
  without: (tape, from, to) => {
    const kept = sitesOf(tape.draws).filter((_, i) => i < from || i >= to);
    return withDraws(tape, Object.fromEntries(kept.map((site) => [site, tape.draws[site] ?? []])));
  },
};

/** The numbers of one choice point that are not 0 yet. */
export const numbersAt = (site: string): Pieces<Tape> => ({
  count: ({ draws }) => positions(draws[site]).length,
  without: (tape, from, to) => {
    const numbers = [...(tape.draws[site] ?? [])];
    for (const at of positions(numbers).slice(from, to)) numbers[at] = 0;
    return withDraws(tape, { ...tape.draws, [site]: numbers });
  },
});

const positions = (numbers: readonly number[] = []): readonly number[] =>
  numbers.flatMap((value, at) => (value === 0 ? [] : [at]));

/**
 * Only the large numbers stay: in a choice between a thousand cases these are the faults, what lies
 * below is the jitter of delays.
 */
export const onlyFrom = (tape: Tape, least: number): Tape =>
  withDraws(
    tape,
    Object.fromEntries(
      Object.entries(tape.draws).map(([site, numbers]) => [
        site,
        numbers.map((value) => (value < least ? 0 : value)),
      ]),
    ),
  );
export { sitesOf };
