/** A story has what led to the violation, in order, and leaves the rest out. */
import { describe, expect, it } from 'vitest';
import { stackKey } from '../../../protocol/base/ids.ts';
import { holdersOf } from '../../../sim/checkers/leases.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import { type Scene, simulate } from '../../../sim/run.ts';
import { tellStory } from '../../../sim/story/tell.ts';
import type { Deed, Tape } from '../../../sim/tape.ts';
import { deploy } from '../deed.ts';

/** The stack `shop` gets another leader than h1. */
function moved({ world, panel }: Scene): string | undefined {
  const [leader] = holdersOf(panel.leases, stackKey('shop'), world.queue.now);
  return leader === undefined || leader.index === 0 ? undefined : `${leader.id} leads stack/shop`;
}

const options: Options = { ...quiet(1, 3, 20_000), voterCount: 3 };
const tape: Tape = {
  format: 1,
  options,
  deeds: [
    deploy(2e6, 0, 'shop', 'op1'),
    deploy(2e6, 1, 'blog', 'op2'),
    { at: 3e6, kind: 'strike', strike: { kind: 'cut', ways: [[0, 2]], forMs: 9000 } },
    { at: 3.5e6, kind: 'strike', strike: { kind: 'lose', host: 0, forMs: 9000 } },
  ],
  draws: {},
};

describe('of a lease that passed from a lost host to another', () => {
  const story = tellStory(tape, moved);
  const text = story.join('\n');

  it('begins with the cluster and ends with the verdict', () => {
    expect(story[0]).toContain('3 hosts, h1 to h3 vote');
    expect(story.at(-1)).toMatch(/^ +\d\.\d{3} s {2}expectation: h[23] leads stack\/shop$/);
  });

  it('has every deed', () => {
    expect(text).toContain('2.000 s  a user asks h1 to deploy shop with 1 × web (op1)');
    expect(text).toContain('3.000 s  nothing passes h1 → h3 for 9 s');
    expect(text).toContain('3.500 s  h1 is lost with all that runs on it for 9 s');
  });

  it('has both leaders, and who voted for them', () => {
    expect(text).toMatch(
      /h1 asks h2, h3 to accept ballot (\d+) of stack\/shop: h2 accepts; h3 accepts/,
    );
    expect(text).toMatch(/h1 leads stack\/shop under term \d+/);
    expect(text).toMatch(
      /h([23]) asks h1, h\d to promise ballot \d+ of stack\/shop: h1 never hears it; h\d promises/,
    );
    expect(text).toMatch(/h[23] leads stack\/shop under term \d+\n/);
  });

  it('has nothing of the other stack, and no routine', () => {
    expect(text.replace(/.*a user asks.*/g, '')).not.toContain('blog');
    expect(text).not.toMatch(/beat|session|sys\/roster/);
  });

  it('is short, and in the order of time', () => {
    expect(story.length).toBeLessThanOrEqual(30);
    const times = story.slice(1).map((line) => Number(/^ *(\d+\.\d+) s/.exec(line)?.[1]));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

it('is told by its decisive lines and its end where it would be long', () => {
  const long = (scene: Scene): string | undefined =>
    scene.atMs >= 15_000 ? (moved(scene) ?? 'nobody leads stack/shop') : undefined;
  const deeds: readonly Deed[] = Array.from(
    { length: 9 },
    (_, i) =>
      [
        deploy(2e6 + i * 1e6, i % 3, 'shop', `op${i}`),
        { at: 2.3e6 + i * 1e6, kind: 'strike', strike: { kind: 'crash', host: i % 3, forMs: 100 } },
      ] as const,
  ).flat();
  const story = tellStory({ ...tape, deeds }, long);
  expect(story).toHaveLength(30);
  expect(story.at(-2)).toMatch(/^ +\(\d+ more that had less to do with it\)$/);
  // The first were over ten seconds before the end.
  expect(story.filter((line) => line.includes('crashes'))).toHaveLength(6);
});

it('has what its hosts said rather than what was done to another', () => {
  const pauses = Array.from({ length: 60 }, (_, i): Deed => ({
    at: 2e6 + i * 20_000,
    kind: 'strike',
    strike: { kind: 'pause', host: 3, forMs: 5 },
  }));
  const deeds = [...tape.deeds, ...pauses].toSorted((a, b) => a.at - b.at);
  const story = tellStory({ ...tape, options: { ...options, hostCount: 4 }, deeds }, moved);
  expect(story).toHaveLength(30);
  const text = story.join('\n');
  expect(text).toContain('a user asks h1 to deploy shop with 1 × web (op1)');
  expect(text).toContain('h1 is lost with all that runs on it for 9 s');
  expect(text).toMatch(/h1 leads stack\/shop under term \d+/);
  expect(text).toMatch(/h[234] leads stack\/shop under term \d+\n/);
});

describe('of a lease that was counted on for too long', () => {
  // A clock that breaks its promise: to h1, the three seconds of its lease are ten.
  const slow: Options = { ...options, stormMs: 9000, ratesPermille: [-700, 0, 0] };
  const ways = [
    [0, 1],
    [0, 2],
  ] as const;
  const cut: Deed = { at: 2.9e6, kind: 'strike', strike: { kind: 'cut', ways, forMs: 9000 } };
  const deeds = [deploy(2.8e6, 0, 'shop', 'op1'), cut];
  const story = tellStory({ ...tape, options: slow, deeds });

  it('has what the step was given that broke the rule', () => {
    expect(story.at(-1)).toMatch(/ S1: /);
    const hearing = /h[23] hears the answer of h[23] \(sent at .*\): h[23] asks h[23] to accept/;
    const wakes = /h[123] wakes by its timer/;
    const given = story.findLast((line) => hearing.test(line) || wakes.test(line));
    const endedAt = /^ *(\d+\.\d+) s/.exec(story.at(-1) ?? '')?.[1];
    expect(given).toContain(`${endedAt} s  `);
  });
});

describe('of a host that is suspected', () => {
  const suspected = ({ atMs }: Scene): string | undefined =>
    atMs >= 19_000 ? 'nobody sees h1 as suspect: h2 sees it as suspect' : undefined;
  const crash: Deed = {
    at: 3e6,
    kind: 'strike',
    strike: { kind: 'crash', host: 0, forMs: 90_000 },
  };
  const text = tellStory({ ...tape, deeds: [crash] }, suspected).join('\n');

  it('has what its port says to the others, once', () => {
    expect(text).toMatch(
      /h2 tries the port of h1: it refuses \(\d+ times since .*, here the last\)/,
    );
    expect(text.match(/h2 tries the port of h1: it refuses/g)).toHaveLength(1);
  });

  it('has the verdict of each rather than what everybody says all the time', () => {
    const many: Options = { ...options, hostCount: 7 };
    const story = tellStory({ ...tape, options: many, deeds: [crash] }, suspected);
    expect(story).toHaveLength(30);
    const notes = story.filter((line) => /h[2-7] notes of h1: suspect/.test(line));
    expect(notes).toHaveLength(6);
  });

  it('says of nobody that he never hears what came to him both ways', () => {
    expect(text).toMatch(/h2 tells everyone, h1, h3 that h1 is suspect: h1 never hears it\n/);
    expect(text).not.toMatch(/h[23] never hears it/);
  });
});

it('of a change of the roster has what the acceptors write down for themselves', () => {
  const grown = ({ world }: Scene): string | undefined =>
    (world.hosts[0]?.agent?.core.council.roster?.epoch ?? 0) > 1 ? 'h1 has epoch 2' : undefined;
  const text = tellStory({ ...tape, options: quiet(1, 3, 30_000) }, grown).join('\n');
  expect(text).toMatch(
    /h1 writes down of epoch 2: promised to attempt 1 of h1, accepted nothing\n/,
  );
  expect(text).toMatch(/accepted epoch 2 \(h1, joint with h1 h2 h3\) of attempt 1 of h1\n/);
});

it('says what became of a write that a crash cut off', () => {
  const crash: Deed = {
    at: 2.0005e6,
    kind: 'strike',
    strike: { kind: 'crash', host: 0, forMs: 10 },
  };
  const deeds = [deploy(2e6, 0, 'shop', 'op1'), crash];
  const look = ({ atMs }: Scene): string | undefined =>
    atMs >= 2500 ? 'stack/shop is late' : undefined;
  const [unlucky, lucky] = [{}, { 'h1/fsync': Array.from({ length: 200 }, () => 999) }].map(
    (draws) => tellStory({ ...tape, deeds, draws }, look).find((line) => line.includes('crashes')),
  );
  expect(unlucky).toMatch(/its write of .* never reaches the disk$/);
  expect(lucky).toMatch(/its write of .* has reached the disk$/);
});

it('says so though the next agent has written the same name since', () => {
  const crash: Deed = { at: 500, kind: 'strike', strike: { kind: 'crash', host: 0, forMs: 10 } };
  const look = ({ atMs }: Scene): string | undefined => (atMs >= 2000 ? 'late' : undefined);
  const draws = { 'h1/fsync': Array.from({ length: 9 }, () => 999) };
  const line = tellStory({ ...tape, deeds: [crash], draws }, look).find((one) =>
    one.includes('crashes'),
  );
  expect(line).toMatch(/its write of host has reached the disk$/);
});

it('is not told of a run in which nothing goes wrong', () => {
  expect(simulate(quiet(1, 1, 1000)).verdict.kind).toBe('passed');
  expect(tellStory({ format: 1, options: quiet(1, 1, 1000), deeds: [], draws: {} })).toEqual([]);
});
