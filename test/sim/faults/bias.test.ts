/** A leader loses its voters in turn: what that brings about, and that it is a storm like any other. */
import { expect, it } from 'vitest';
import { mergeCoverage } from '../../../sim/coverage/coverage.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import { simulate } from '../../../sim/run.ts';
import type { Strike } from '../../../sim/strike.ts';

const biased = (seed: number): Options => ({
  ...quiet(seed, 5, 30_000),
  voterCount: 5,
  bias: { everyMs: 1000 },
});

function strikesOf(seed: number): readonly Strike[] {
  const strikes: Strike[] = [];
  simulate(biased(seed), {
    onDeed: (deed) => void (deed.kind === 'strike' && strikes.push(deed.strike)),
    untilMs: 30_000,
  });
  return strikes;
}

it('leads to rivals that would overwrite a live binding, and are refused', () => {
  const outcomes = [1, 2, 3, 4, 5].map((seed) => simulate(biased(seed)));
  for (const { verdict, coverage } of outcomes) {
    expect(verdict).toEqual({ kind: 'passed' });
    expect(coverage.marks).toMatchObject({ 'lapse-at-one-voter': 1, 'raise-while-held': 1 });
  }
  const all = outcomes.map(({ coverage }) => coverage).reduce(mergeCoverage);
  expect(all.marks['overwrite-refused']).toBeGreaterThan(1);
});

it('loses single kinds of messages and nothing else, each from or to one host', () => {
  const strikes = strikesOf(5);
  expect(strikes.length).toBeGreaterThan(10);
  const kinds = new Set<string>();
  for (const strike of strikes) {
    if (strike.kind !== 'lossy') throw new Error(`a ${strike.kind}`);
    expect(strike.permille).toBe(1000);
    kinds.add(strike.only ?? 'any');
    const [froms, tos] = [0, 1].map((end) => new Set(strike.ways.map((way) => way[end])));
    expect(Math.min(froms?.size ?? 0, tos?.size ?? 0)).toBe(1);
  }
  expect([...kinds].toSorted()).toEqual(['accept', 'keepalive', 'prepare', 'prepareAck']);
});

it('runs again from its tape', () => {
  const { hash, tape } = simulate(biased(6), { recording: true });
  if (tape === undefined) throw new Error('nothing was recorded');
  expect(simulate(tape.options, { tape }).hash).toBe(hash);
});
