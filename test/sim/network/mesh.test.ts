import { describe, expect, it } from 'vitest';
import { agentEnded, agentStarted, publish, resetLink } from '../../../sim/network/network.ts';
import { MESH } from '../../../sim/network/mesh.ts';
import { clog, cut } from '../../../sim/network/obstacles.ts';
import type { Way } from '../../../sim/strike.ts';
import {
  createStage,
  goOn,
  heardBy,
  numbers,
  pass,
  populated,
  probe,
  type Setting,
  type Stage,
} from './stage.ts';

const meshOf = (hostCount: number, more: Partial<Setting> = {}): Stage =>
  populated({ hostCount, gossip: 'mesh', ...more });

const others = ({ ids }: Stage, host: number): readonly number[] =>
  [...ids.keys()].filter((index) => index !== host);

const neighbors = ({ network }: Stage, host: number): ReadonlySet<number> =>
  network.mesh.routers[host]?.mesh ?? new Set();

/** Everything sent to everyone by this host is lost. */
function mute(stage: Stage, host: number): () => void {
  return cut(
    stage.network,
    others(stage, host).map((to): Way => [host, to]),
  );
}

describe('everyone gets a message once', () => {
  const TABLE = [2, 3, 5, 9, 30].flatMap((count) =>
    (['datagram', 'stream'] as const).map((transport) => [count, transport] as const),
  );
  it.each(TABLE)('%i hosts, %s', (hostCount, transport) => {
    const stage = meshOf(hostCount, { transport });
    for (const n of numbers(1, 20)) {
      publish(stage.network, n % hostCount, probe(n));
      pass(stage, 100);
    }
    pass(stage, 5000);
    for (const host of stage.ids.keys())
      expect(heardBy(stage, host).toSorted((a, b) => a - b)).toEqual(
        numbers(1, 20).filter((n) => n % hostCount !== host),
      );
  });

  it.each(numbers(1, 10))('with a fifth of all packets lost and doubled (seed %i)', (seed) => {
    const weather = { lossPermille: 200, duplicatePermille: 200, seed } as const;
    const stage = meshOf(9, weather);
    for (const n of numbers(1, 50)) {
      publish(stage.network, 0, probe(n));
      pass(stage, 100);
    }
    pass(stage, 10_000);
    for (const host of others(stage, 0))
      expect(heardBy(stage, host).toSorted((a, b) => a - b)).toEqual(numbers(1, 50));
  });
});

it('hands on to few, and never back and forth', () => {
  const stage = meshOf(30, { transport: 'stream' });
  pass(stage, 30_000);
  for (const host of stage.ids.keys()) {
    expect(neighbors(stage, host).size).toBeGreaterThanOrEqual(MESH.degreeMin);
    expect(neighbors(stage, host).size).toBeLessThanOrEqual(MESH.degreeMax);
    for (const peer of neighbors(stage, host)) expect(neighbors(stage, peer)).toContain(host);
  }
  const before = stage.network.sent;
  publish(stage.network, 0, probe(1));
  // Not until the next heartbeat: no telling, no asking.
  pass(stage, 90);
  expect(stage.network.sent - before).toBeLessThan(30 * MESH.degreeMax);
});

describe('the same bytes', () => {
  it('said again by anyone reach nobody for two minutes', () => {
    const stage = meshOf(3);
    for (const by of [0, 0, 1]) {
      publish(stage.network, by, probe(1));
      pass(stage, 3000);
    }
    expect([0, 1, 2].map((host) => heardBy(stage, host))).toEqual([[], [1], [1]]);
  });

  it('reach everyone when that has passed', () => {
    const stage = meshOf(3);
    publish(stage.network, 0, probe(1));
    pass(stage, MESH.seenMs + 5000);
    publish(stage.network, 0, probe(1));
    pass(stage, 3000);
    expect([1, 2].map((host) => heardBy(stage, host))).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('said again by the same are not even sent', () => {
    const stage = meshOf(3);
    publish(stage.network, 0, probe(1));
    const before = stage.network.sent;
    publish(stage.network, 0, probe(1));
    expect(stage.network.sent).toBe(before);
  });

  it('are new to agents that have started anew', () => {
    const stage = meshOf(2);
    publish(stage.network, 0, probe(1));
    pass(stage, 1000);
    for (const host of [0, 1]) agentEnded(stage.network, host, 'answers');
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 6000);
    publish(stage.network, 0, probe(1));
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual([1, 1]);
  });
});

it('nothing goes back to whom it came from', () => {
  const stage = meshOf(2);
  const before = stage.network.sent;
  publish(stage.network, 0, probe(1));
  pass(stage, 20);
  expect(heardBy(stage, 1)).toEqual([1]);
  expect(stage.network.sent - before).toBe(1);
});

it('whoever was missed is told of it at the next heartbeats, and asks', () => {
  const stage = meshOf(5);
  const missed = others(stage, 0).find((host) => !neighbors(stage, 0).has(host)) ?? 0;
  const join = cut(
    stage.network,
    others(stage, missed).map((from): Way => [from, missed]),
  );
  publish(stage.network, 0, probe(1));
  pass(stage, 50);
  join();
  expect(heardBy(stage, missed)).toEqual([]);
  pass(stage, 2500);
  expect(heardBy(stage, missed)).toEqual([1]);
});

describe('what nobody got is told of', () => {
  it.each([
    [1500, [1]],
    [5500, []],
  ])('for a while: %i ms later they hear of %j', (ms, heard) => {
    const stage = meshOf(5);
    const join = mute(stage, 0);
    publish(stage.network, 0, probe(1));
    pass(stage, ms);
    join();
    pass(stage, 10_000);
    for (const host of others(stage, 0)) expect(heardBy(stage, host)).toEqual(heard);
  });

  it('and not given any more by who has not kept it', () => {
    const stage = meshOf(5);
    const far = others(stage, 0).find((host) => !neighbors(stage, 0).has(host)) ?? 0;
    cut(
      stage.network,
      others(stage, 0).flatMap((to): Way[] => (to === far ? [] : [[0, to]])),
    );
    const clear = clog(stage.network, [[0, far]]);
    publish(stage.network, 0, probe(1));
    pass(stage, 10_000);
    clear();
    pass(stage, 10_000);
    expect(heardBy(stage, far)).toEqual([]);
  });
});

describe('a star', () => {
  const leaves = numbers(1, 8);
  /** The others reach each other over the first only. */
  function star(first: readonly number[], then: readonly number[]): Stage {
    const stage = createStage({ hostCount: 9, gossip: 'mesh', transport: 'stream' });
    cut(
      stage.network,
      leaves.flatMap((from) => leaves.flatMap((to): Way[] => (from === to ? [] : [[from, to]]))),
    );
    for (const host of first) agentStarted(stage.network, host);
    pass(stage, 10_000);
    for (const host of then) agentStarted(stage.network, host);
    return stage;
  }
  function sizes(stage: Stage, ms: number): readonly number[] {
    return numbers(1, ms / 5).map(() => {
      pass(stage, 5);
      return neighbors(stage, 0).size;
    });
  }

  it('has no more neighbors in the middle than it may, and everyone hears it', () => {
    const stage = star([0], leaves);
    expect(Math.max(...sizes(stage, 30_000))).toBe(MESH.degreeMax);
    publish(stage.network, 0, probe(1));
    pass(stage, 5000);
    for (const leaf of leaves) expect(heardBy(stage, leaf)).toEqual([1]);
  });

  it('lets in whom it has dialed, and prunes soon after', () => {
    const stage = star(leaves, [0]);
    const early = sizes(stage, 3000);
    expect(Math.max(...early)).toBeGreaterThan(MESH.degreeMax);
    expect(early.at(-1)).toBeLessThanOrEqual(MESH.degreeMax);
  });
});

it('a host that stands still hands nothing on, and gets it when it goes on', () => {
  const stage = meshOf(2);
  stage.conditions[1] = 'waits';
  publish(stage.network, 0, probe(1));
  pass(stage, 20_000);
  expect(heardBy(stage, 1)).toEqual([]);
  goOn(stage, 1);
  pass(stage, 100);
  expect(heardBy(stage, 1)).toEqual([1]);
});

it('a broken connection leaves the mesh, and comes back into it', () => {
  const stage = meshOf(2, { transport: 'stream' });
  expect([0, 1].map((host) => [...neighbors(stage, host)])).toEqual([[1], [0]]);
  resetLink(stage.network, 0, 1);
  expect([0, 1].map((host) => neighbors(stage, host).size)).toEqual([0, 0]);
  pass(stage, 3000);
  expect([0, 1].map((host) => [...neighbors(stage, host)])).toEqual([[1], [0]]);
});

it('what waits for a broken connection is not kept for the next', () => {
  const stage = meshOf(2, { transport: 'stream' });
  stage.conditions[1] = 'waits';
  // More than the window that is under way.
  for (const n of numbers(1, 100)) publish(stage.network, 0, probe(n));
  resetLink(stage.network, 0, 1);
  pass(stage, 10_000);
  goOn(stage, 1);
  pass(stage, 10_000);
  expect(heardBy(stage, 1)).toEqual([]);
});
