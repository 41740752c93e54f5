import { describe, expect, it } from 'vitest';
import { transmit } from '../../../sim/network/network.ts';
import { calmAmong, clog, cut, lossy, obstacleOf } from '../../../sim/network/obstacles.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import type { Way } from '../../../sim/strike.ts';
import { goOn, heardBy, numbers, pass, populated, probe, pull, say, type Stage } from './stage.ts';

const ALL: readonly Way[] = [
  [0, 1],
  [1, 0],
];
const FAULTS = [
  ['cut', 'blocked', (stage: Stage) => cut(stage.network, ALL)],
  ['clog', 'blocked', (stage: Stage) => clog(stage.network, ALL)],
  ['loss', 'loss', (stage: Stage) => lossy(stage.network, ALL, 1000)],
] as const;

describe.each(FAULTS)('a %s', (_, obstacle, begin) => {
  it('stands in the way until it is taken out', () => {
    const stage = populated({ hostCount: 2 });
    const end = begin(stage);
    say(stage, [0, 1], [1], 100);
    expect(heardBy(stage, 1)).toEqual([]);
    expect(obstacleOf(stage.network, 0, 1)).toBe(obstacle);
    end();
    expect(obstacleOf(stage.network, 0, 1)).toBe('none');
    say(stage, [0, 1], [2], 100);
    expect(heardBy(stage, 1)).toContain(2);
  });

  it('ends for the core, and not for others', () => {
    const stage = populated({ hostCount: 3 });
    const end = begin(stage);
    lossy(stage.network, [[0, 2]], 1000);
    calmAmong(stage.network, new Set([0, 1]));
    expect(obstacleOf(stage.network, 0, 1)).toBe('none');
    expect(obstacleOf(stage.network, 0, 2)).toBe('loss');
    say(stage, [0, 1], [1], 100);
    // Its own end, later, is none any more.
    end();
    say(stage, [0, 1], [2], 100);
    expect(heardBy(stage, 1)).toEqual([1, 2]);
  });
});

it('the weather is over for the core, and not for others', () => {
  const stage = populated({ hostCount: 3, lossPermille: 500, duplicatePermille: 500 });
  calmAmong(stage.network, new Set([0, 1]));
  say(stage, [0, 1], numbers(1, 100));
  say(stage, [0, 2], numbers(1, 100));
  pass(stage, 1000);
  expect(heardBy(stage, 1)).toHaveLength(100);
  expect(new Set(heardBy(stage, 2)).size).toBeLessThan(80);
});

it.each([
  ['cut twice', cut],
  ['clogged twice', clog],
] as const)('what is %s is open after both have ended', (_, begin) => {
  const stage = populated({ hostCount: 2 });
  const ends = [begin(stage.network, ALL), begin(stage.network, ALL)];
  ends[0]?.();
  expect(obstacleOf(stage.network, 0, 1)).toBe('blocked');
  ends[1]?.();
  expect(obstacleOf(stage.network, 0, 1)).toBe('none');
});

it('only messages of the kind named are lost', () => {
  const stage = populated({ hostCount: 2, lossPermille: 1000, lossOnly: 'probe' });
  say(stage, [0, 1], numbers(1, 20));
  transmit(stage.network, 0, 1, pull);
  pass(stage, 100);
  expect(stage.heard[1]?.map(({ kind }) => kind)).toEqual(['pull']);
});

it('a question of a user is never doubled', () => {
  const stage = populated({ hostCount: 2, duplicatePermille: 1000 });
  const deploy: Message = { kind: 'deploy', deployId: 'd', stack: 's' };
  transmit(stage.network, 0, 1, deploy);
  transmit(stage.network, 0, 1, probe(1));
  pass(stage, 100);
  expect(stage.heard[1]?.map(({ kind }) => kind).toSorted()).toEqual(['deploy', 'probe', 'probe']);
});

it.each([
  ['datagram', []],
  ['stream', [1]],
] as const)('to a machine that sleeps a %s arrives as %j', (transport, heard) => {
  const stage = populated({ hostCount: 2, transport });
  stage.conditions[1] = 'sleeps';
  say(stage, [0, 1], [1], 5000);
  goOn(stage, 1);
  pass(stage, 10_000);
  expect(heardBy(stage, 1)).toEqual(heard);
});

it('counts what passes each card, with its headers', () => {
  const stage = populated({ hostCount: 2, transport: 'stream' });
  const before = structuredClone(stage.network.medium.stations.map(({ traffic }) => traffic));
  say(stage, [0, 1], numbers(1, 3), 100);
  const [a, b] = stage.network.medium.stations.map(({ traffic }, i) => ({
    out: traffic.messagesOut - (before[i]?.messagesOut ?? 0),
    in: traffic.messagesIn - (before[i]?.messagesIn ?? 0),
    bytesIn: traffic.bytesIn - (before[i]?.bytesIn ?? 0),
  }));
  expect([a, b]).toEqual([
    { out: 3, in: 0, bytesIn: 0 },
    { out: 0, in: 3, bytesIn: 3 * 66 },
  ]);
});
