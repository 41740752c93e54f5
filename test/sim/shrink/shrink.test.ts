/** A long storm shrinks to the deeds, the hosts and the numbers that a violation really needs. */
import { describe, expect, it } from 'vitest';
import { isCut } from '../../../sim/network/obstacles.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import { type Scene, simulate } from '../../../sim/run.ts';
import { isSameWay, shrink } from '../../../sim/shrink/shrink.ts';
import type { Deed, Tape } from '../../../sim/tape.ts';
import { deploy } from '../deed.ts';

const always = () => true;

it.each([
  [
    'op238 was refused, but is written as stack/mail 4028.0',
    'op212 was refused, but is written as stack/shop 1.0',
    true,
  ],
  [
    'op238 was refused, but is written as stack/mail 4028.0',
    'op212 was refused and is written as stack/shop 3081.1',
    false,
  ],
  ['h1 asks for h1 h2 h3: h3 leaves', 'h4 asks for h1 h2 h3 h4 h5: h2 leaves', true],
] as const)('"%s" and "%s" break a rule in the same way: %s', (a, b, isSame) => {
  expect(isSameWay(a, b)).toBe(isSame);
});

const storm: Options = {
  ...quiet(1, 5, 10_000),
  voterCount: 3,
  lossPermille: 100,
  duplicatePermille: 200,
  tailPermille: 20,
  tailMs: 3000,
  ratesPermille: [10, -10, 0, 0, 10],
  recurring: {
    crashes: { everyMs: 500, lastMs: 2000 },
    pauses: { everyMs: 1000, lastMs: 2000 },
    partitions: { everyMs: 1000, lastMs: 3000 },
  },
  workload: { kind: 'random', everyMs: 1000, stackCount: 1 },
};

function tapeOf(
  options: Options,
  look: (scene: Scene) => string | undefined,
  timeline: readonly Deed[] = [],
): Tape {
  const { verdict, tape } = simulate(options, { recording: true, look, timeline });
  expect(verdict).toMatchObject({ kind: 'unsafe', rule: 'expectation' });
  if (tape === undefined) throw new Error('nothing was recorded');
  return tape;
}

/** Broken once two agents have crashed at the same time. */
const twoDown = ({ atMs, world }: Scene): string | undefined => {
  const down = world.hosts.filter(({ agent }) => agent === undefined);
  return atMs >= 4000 && down.length >= 2 ? 'two are down' : undefined;
};

describe('a storm in which two agents were down at once', () => {
  const tape = tapeOf(storm, twoDown);
  const shrunk = shrink(tape, { look: twoDown, goesOn: always });

  it('shrinks to two crashes of two hosts, without any chance', () => {
    expect(tape.deeds.length).toBeGreaterThan(10);
    expect(shrunk?.tape).toMatchObject({
      deeds: [
        { kind: 'strike', strike: { kind: 'crash' } },
        { kind: 'strike', strike: { kind: 'crash' } },
      ],
      draws: {},
      options: { hostCount: 2, voterCount: 1, lossPermille: 0, recurring: {} },
    });
  });

  it('into a tape that breaks the same rule when it is run', () => {
    if (shrunk === undefined) throw new Error('nothing was shrunk');
    const again = simulate(shrunk.tape.options, { tape: shrunk.tape, look: twoDown });
    expect(again.verdict).toEqual(shrunk.outcome.verdict);
    expect(again.verdict).toMatchObject({ rule: 'expectation' });
  });

  it('the same way each time', () => {
    expect(shrink(tape, { look: twoDown, goesOn: always })?.tape).toEqual(shrunk?.tape);
  });

  it('as far as it may, and says so', () => {
    const begun = shrink(tape, { look: twoDown, goesOn: ({ runs }) => runs < 5 });
    expect(begun).toMatchObject({ runs: 5, isFinished: false });
    expect(begun?.outcome.verdict.kind).toBe('unsafe');
    expect(shrunk?.isFinished).toBe(true);
  });
});

it('keeps of a partition the one way that matters', () => {
  const cutOff = ({ world }: Scene): string | undefined =>
    isCut(world.network, 1, 2) ? 'cut' : undefined;
  const hosts = [0, 1, 2, 3];
  const ways = hosts.flatMap((from) => hosts.map((to) => [from, to] as const));
  const cut: Deed = { at: 2e6, kind: 'strike', strike: { kind: 'cut', ways, forMs: 3000 } };
  const shrunk = shrink(tapeOf(quiet(1, 4, 3000), cutOff, [cut]), { look: cutOff, goesOn: always });
  expect(shrunk?.tape.deeds).toEqual([
    { at: 1e6, kind: 'strike', strike: { kind: 'cut', ways: [[1, 2]], forMs: 10 } },
  ]);
  expect(shrunk?.tape.options.hostCount).toBe(3);
});

it('keeps the numbers that matter: here only a slow start of the last host', () => {
  const late = ({ atMs, world }: Scene): string | undefined =>
    atMs > 700 && world.hosts.at(-1)?.agent === undefined ? 'late' : undefined;
  const options: Options = { ...quiet(11, 3, 5000), duplicatePermille: 200 };
  const shrunk = shrink(tapeOf(options, late), { look: late, goesOn: always });
  expect(shrunk?.tape.deeds).toEqual([]);
  expect(Object.keys(shrunk?.tape.draws ?? {})).toEqual(['start']);
  expect(shrunk?.tape.options.duplicatePermille).toBe(0);
});

it('keeps to the rule that was broken first, though another would be easier', () => {
  // A clock that breaks its promise: to h1, the three seconds of its lease are ten.
  const options: Options = { ...quiet(1, 3, 9000), voterCount: 3, ratesPermille: [-700, 0, 0] };
  const ways = [
    [0, 1],
    [0, 2],
  ] as const;
  const cut: Deed = { at: 2.9e6, kind: 'strike', strike: { kind: 'cut', ways, forMs: 9000 } };
  const tooLong = ({ atMs }: Scene): string | undefined => (atMs >= 7000 ? 'too long' : undefined);
  const how = { recording: true, look: tooLong, timeline: [deploy(2.8e6, 0, 'shop', 'op1'), cut] };
  const { verdict, tape } = simulate(options, how);
  expect(verdict).toMatchObject({ kind: 'unsafe', rule: 'S1' });
  if (tape === undefined) throw new Error('nothing was recorded');
  const shrunk = shrink(tape, { look: tooLong, goesOn: always });
  expect(shrunk?.outcome.verdict).toMatchObject({ kind: 'unsafe', rule: 'S1' });
  expect(shrunk?.tape.deeds).toHaveLength(2);
  expect(shrunk?.tape.options.ratesPermille[0]).toBe(-700);
});

it('leaves out what the run does not use before it tries anything', () => {
  const begun = shrink(tapeOf(storm, twoDown), { look: twoDown, goesOn: () => false });
  const sites = Object.keys(begun?.tape.draws ?? {});
  expect(sites.length).toBeGreaterThan(0);
  expect(sites.filter((site) => site.startsWith('storm/') || site === 'users')).toEqual([]);
});

it('has nothing to say of a run in which nothing goes wrong', () => {
  const { tape } = simulate(quiet(1, 3, 1000), { recording: true });
  if (tape === undefined) throw new Error('nothing was recorded');
  expect(shrink(tape, { goesOn: always })).toBeUndefined();
});
