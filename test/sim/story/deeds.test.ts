/** What was done to those the verdict names, and not long ago, goes before what was done to others. */
import { expect, it } from 'vitest';
import { deedLines } from '../../../sim/story/deeds.ts';
import type { FullCourse } from '../../../sim/story/full-course.ts';
import { WEIGHT } from '../../../sim/story/line.ts';
import { type Subject, subjectOf } from '../../../sim/story/subject.ts';
import { simulate } from '../../../sim/run.ts';
import { quiet } from '../../../sim/options.ts';
import type { Strike } from '../../../sim/strike.ts';
import type { Deed } from '../../../sim/tape.ts';
import { deploy } from '../deed.ts';

const { deed: near, farDeed: far } = WEIGHT;
const outcome = simulate(quiet(1, 1, 10));

function courseOf(deed: Deed, calm?: FullCourse['calm']): FullCourse {
  const rest = { outcome, endedAt: 30e6, steps: [], breaking: undefined };
  return { ...rest, deeds: [{ deed }], calm };
}
const about = (text: string, rule = 'S1'): Subject =>
  subjectOf({ kind: 'unsafe', rule, text }, courseOf(deploy(1, 0, 'shop', 'op1')));

const strike = (at: number, struck: Strike): Deed => ({ at, kind: 'strike', strike: struck });
const LEASE = 'h1 leads stack/shop and counts on h3';

const WEIGHTS: readonly (readonly [Deed, string, number, string])[] = [
  [strike(25e6, { kind: 'crash', host: 2, forMs: 5 }), LEASE, near, 'a host of the verdict'],
  [strike(25e6, { kind: 'crash', host: 1, forMs: 5 }), LEASE, far, 'another host'],
  [strike(25e6, { kind: 'crash', host: 1, forMs: 5 }), 'nobody leads', near, 'who knows whose'],
  [strike(19e6, { kind: 'crash', host: 2, forMs: 5 }), LEASE, far, 'long ago'],
  [strike(19e6, { kind: 'crash', host: 2, forMs: 2000 }), LEASE, near, 'long ago, for long'],
  [strike(25e6, { kind: 'cut', ways: [[1, 2]], forMs: 5 }), LEASE, near, 'a link of it'],
  [strike(25e6, { kind: 'cut', ways: [[1, 3]], forMs: 5 }), LEASE, far, 'a link of others'],
  [strike(25e6, { kind: 'reset', a: 0, b: 1 }), LEASE, near, 'a connection of it'],
  [strike(25e6, { kind: 'crashLoop', host: 2, forMs: 5 }), LEASE, far, 'instances, for a lease'],
  [
    strike(25e6, { kind: 'crashLoop', host: 2, forMs: 5 }),
    'shop.web.1 runs twice, on h3',
    near,
    'instances, for instances',
  ],
  [strike(25e6, { kind: 'crash', host: 2, forMs: 5 }), 'h3b has lost', near, 'under another name'],
  [deploy(25e6, 3, 'shop', 'op1'), LEASE, near, 'a command for its stack'],
  [deploy(25e6, 0, 'blog', 'op2'), LEASE, far, 'a command for another'],
];

it.each(WEIGHTS)('%j, where %s, weighs %i: %4$s', (deed, text, weight) => {
  expect(deedLines(courseOf(deed), about(text))).toMatchObject([{ weight }]);
});

const FROZEN: readonly (readonly [Strike, string])[] = [
  [{ kind: 'crash', host: 0, forMs: 10 }, 'the agent of h1 crashes and stays away'],
  [{ kind: 'crash', host: 1, forMs: 10 }, 'the agent of h2 crashes, it is away for 10 ms'],
  [{ kind: 'pause', host: 0, forMs: 10 }, 'the agent of h1 stands still for good'],
  [{ kind: 'cut', ways: [[0, 1]], forMs: 10 }, 'nothing passes h1 → h2 for good'],
  [{ kind: 'crash', host: 0, forMs: 9 }, 'the agent of h1 crashes, it is away for 9 ms'],
];
it.each(FROZEN)('%j, when the faults end for h2 and h3: %s', (struck, text) => {
  const course = courseOf(strike(91_000, struck), { at: 100_000, core: [1, 2] });
  expect(deedLines(course, about(LEASE))).toMatchObject([{ text }]);
});
