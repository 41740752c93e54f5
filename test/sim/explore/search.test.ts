/** Two jugs of 3 and 5 liters: a space small enough to count by hand. */
import { expect, it } from 'vitest';
import { search, type Space } from '../../../sim/explore/search.ts';

type Jugs = { readonly small: number; readonly large: number };
type Pour = 'fill small' | 'fill large' | 'empty small' | 'empty large' | 'to large' | 'to small';
const POURS: readonly Pour[] = [
  'fill small',
  'fill large',
  'empty small',
  'empty large',
  'to large',
  'to small',
];

function pour({ small, large }: Jugs, move: Pour): Jugs {
  const [toLarge, toSmall] = [Math.min(small, 5 - large), Math.min(large, 3 - small)];
  switch (move) {
    case 'fill small':
      return { small: 3, large };
    case 'fill large':
      return { small, large: 5 };
    case 'empty small':
      return { small: 0, large };
    case 'empty large':
      return { small, large: 0 };
    case 'to large':
      return { small: small - toLarge, large: large + toLarge };
    case 'to small':
      return { small: small + toSmall, large: large - toSmall };
  }
}

const jugs = (forbidden: number): Space<Jugs, Pour> => ({
  start: { small: 0, large: 0 },
  moves: () => POURS,
  after: pour,
  key: ({ small, large }) => `${small} ${large}`,
  violation: ({ large }) =>
    large === forbidden ? { rule: 'S0', text: `${large} liters` } : undefined,
  tell: (_jugs, move) => move,
  met: new Set(['water']),
});

it('a space without a violation is walked to its end, each state once', () => {
  // Of the 4 × 6 fillings, those with a jug that is full or empty: all others cannot be poured.
  const { states, transitions, complete, violation, met } = search(jugs(6), 100, () => undefined);
  expect({ states, transitions, complete, violation }).toEqual({
    states: 16,
    transitions: 16 * POURS.length,
    complete: true,
    violation: undefined,
  });
  expect(met).toEqual(['water']);
});

it('the schedule of a violation is a shortest one, and leads to it', () => {
  const { violation, complete, deepest } = search(jugs(4), 100, () => undefined);
  expect(violation?.schedule).toEqual([
    'fill large',
    'to small',
    'empty small',
    'to small',
    'fill large',
    'to small',
  ]);
  expect({ text: violation?.text, complete, deepest }).toEqual({
    text: '4 liters',
    complete: false,
    deepest: 6,
  });
});

it('what is left when there are too many states is not called walked', () => {
  const { states, complete } = search(jugs(6), 10, () => undefined);
  expect({ states, complete }).toEqual({ states: 10, complete: false });
});
