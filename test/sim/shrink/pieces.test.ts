/** Whatever is needed stays, and nothing else, wherever it stands. */
import { expect, it } from 'vitest';
import { cutPieces, type Pieces } from '../../../sim/shrink/pieces.ts';

const NUMBERS: Pieces<readonly number[]> = {
  count: (numbers) => numbers.length,
  without: (numbers, from, to) => numbers.filter((_, i) => i < from || i >= to),
};

function cut(length: number, needed: readonly number[], finest?: number) {
  let whole: readonly number[] = Array.from({ length }, (_, i) => i);
  let runs = 0;
  const attempt = (candidate: readonly number[]): boolean => {
    runs += 1;
    const fails = needed.every((number) => candidate.includes(number));
    if (fails) whole = candidate;
    return fails;
  };
  cutPieces({ whole: () => whole, attempt }, NUMBERS, finest);
  return { whole, runs };
}

const NEEDED = [
  [0, []],
  [1, []],
  [1, [0]],
  [2, [0]],
  [2, [1]],
  [7, [6]],
  [64, []],
  [64, [0, 63]],
  [64, [31, 32]],
  [100, [3, 50, 51, 99]],
] as const;

it.each(NEEDED)('of %i, %j is left', (length, needed) => {
  expect(cut(length, needed).whole).toEqual(needed);
});

it('asks far less often than for each alone', () => {
  expect(cut(1000, [17, 600]).runs).toBeLessThan(60);
});

it('in a coarse round leaves what only a fine one could take', () => {
  const { whole, runs } = cut(64, [20], 1 / 8);
  expect(whole).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
  expect(runs).toBeLessThan(12);
});
