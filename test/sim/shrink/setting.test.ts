/** A world without one host is told of the others under their new names, and of nobody else. */
import { expect, it } from 'vitest';
import { type Options, quiet } from '../../../sim/options.ts';
import { fewerVoters, loudOptions, quieter, withoutHost } from '../../../sim/shrink/setting.ts';
import type { Strike } from '../../../sim/strike.ts';
import type { Deed, Tape } from '../../../sim/tape.ts';

const tapeWith = (part: Partial<Tape>, options: Partial<Options> = {}): Tape => ({
  format: 1,
  options: { ...quiet(1, 5, 1000), voterCount: 5, ...options },
  deeds: [],
  draws: {},
  ...part,
});

const STRIKES: readonly (readonly [Strike, Strike | undefined, string])[] = [
  [{ kind: 'crash', host: 1, forMs: 5 }, { kind: 'crash', host: 1, forMs: 5 }, 'before it'],
  [{ kind: 'crash', host: 2, forMs: 5 }, undefined, 'of itself'],
  [{ kind: 'pause', host: 3, forMs: 5 }, { kind: 'pause', host: 2, forMs: 5 }, 'behind it'],
  [{ kind: 'reset', a: 4, b: 0 }, { kind: 'reset', a: 3, b: 0 }, 'between others'],
  [{ kind: 'reset', a: 2, b: 0 }, undefined, 'of its connection'],
  [
    {
      kind: 'cut',
      ways: [
        [0, 2],
        [2, 4],
        [4, 1],
      ],
      forMs: 5,
    },
    { kind: 'cut', ways: [[3, 1]], forMs: 5 },
    'of several ways',
  ],
  [{ kind: 'cut', ways: [[0, 2]], forMs: 5 }, undefined, 'of its ways alone'],
];

it.each(STRIKES)('without h3, %j becomes %j: a fault %s', (strike, rest) => {
  const deed: Deed = { at: 7, kind: 'strike', strike };
  const { deeds } = withoutHost(tapeWith({ deeds: [deed] }), 2);
  expect(deeds).toEqual(rest === undefined ? [] : [{ ...deed, strike: rest }]);
});

it('drops what was drawn for the host, and renames the rest', () => {
  const draws = {
    'h1/life': [1],
    'h3/life': [3],
    'h4/life': [4],
    'net/h1>h3': [13],
    'net/h3>h4': [34],
    'net/h5>h4': [54],
    start: [9],
  };
  const tape = withoutHost(tapeWith({ draws }, { ratesPermille: [1, 2, 3, 4, 5] }), 2);
  expect(tape.draws).toEqual({ 'h1/life': [1], 'h3/life': [4], 'net/h4>h3': [54], start: [9] });
  expect(tape.options).toMatchObject({ hostCount: 4, voterCount: 3, ratesPermille: [1, 2, 4, 5] });
});

const VOTERS = [
  [5, 5, [3, 1]],
  [3, 5, []],
  [1, 5, [3]],
  [1, 2, []],
] as const;
it.each(VOTERS)('%i voters of %i hosts may become %j', (voterCount, hostCount, wanted) => {
  const tapes = fewerVoters(tapeWith({}, { voterCount, hostCount }));
  expect(tapes.map(({ options }) => options.voterCount)).toEqual(wanted);
});

it('knows which options are not as in a quiet world, and quiets those it is told', () => {
  const tape = tapeWith(
    {},
    { lossPermille: 9, lifeMs: 1000, ambush: { after: 'won', permille: 5 } },
  );
  expect(loudOptions(tape).toSorted()).toEqual(['ambush', 'lifeMs', 'lossPermille']);
  const calmer = quieter(tape, ['lifeMs', 'lossPermille']);
  expect(loudOptions(calmer)).toEqual(['ambush']);
  expect(calmer.options).not.toHaveProperty('lifeMs');
  expect(calmer.options).toMatchObject({ hostCount: 5, voterCount: 5, stormMs: 1000 });
});
