import { describe, expect, it } from 'vitest';
import { observe } from '../../../sim/bench/deaths.ts';

describe('an experiment on the failure detector', () => {
  it('tells who held whom for dead, and of nobody else', () => {
    const lose = { kind: 'lose', host: 2, forMs: 60_000 } as const;
    const { deaths, known } = observe({
      hostCount: 5,
      seed: 1,
      strikes: [{ atMs: 10_000, strike: lose }],
      untilMs: 20_000,
    });
    expect(deaths.map(({ by, of }) => `${by} ${of}`).sort()).toEqual([
      'h1 h3',
      'h2 h3',
      'h4 h3',
      'h5 h3',
    ]);
    expect(deaths.every(({ atMs }) => atMs > 10_000 && atMs < 15_000)).toBe(true);
    expect(known.filter((count) => count === 5)).toHaveLength(4);
  });
});
