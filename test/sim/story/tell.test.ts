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
  expect(story.filter((line) => line.includes('crashes'))).toHaveLength(8);
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

it('is not told of a run in which nothing goes wrong', () => {
  expect(simulate(quiet(1, 1, 1000)).verdict.kind).toBe('passed');
  expect(tellStory({ format: 1, options: quiet(1, 1, 1000), deeds: [], draws: {} })).toEqual([]);
});
