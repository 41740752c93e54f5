import { describe, expect, it } from 'vitest';
import {
  agentEnded,
  agentStarted,
  becomeAnother,
  resetLink,
  transmit,
} from '../../../sim/network/network.ts';
import { clog, cut, lossy } from '../../../sim/network/obstacles.ts';
import type { Way } from '../../../sim/strike.ts';
import {
  goOn,
  heardBy,
  numbers,
  pass,
  populated,
  probe,
  pull,
  say,
  type Setting,
  type Stage,
} from './stage.ts';

const TWO: Setting = { hostCount: 2, transport: 'stream' };
const THERE: Way = [0, 1];
const BACK: Way = [1, 0];
const WEATHER = {
  lossPermille: 200,
  duplicatePermille: 300,
  tailPermille: 50,
  tailMs: 2000,
  delayMeanMs: 10,
} as const;
const SEEDS = numbers(1, 20);

describe('in any weather', () => {
  it.each(SEEDS)('a stream delivers everything once, in order (seed %i)', (seed) => {
    const stage = populated({ ...TWO, ...WEATHER, seed });
    pass(stage, 60_000);
    say(stage, THERE, numbers(1, 200));
    pass(stage, 120_000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 200));
  });

  it('datagrams are lost, doubled and overtaken', () => {
    const stage = populated({ ...TWO, ...WEATHER, transport: 'datagram' });
    say(stage, THERE, numbers(1, 500));
    pass(stage, 10_000);
    const heard = heardBy(stage, 1);
    const once = new Set(heard);
    expect(once.size).toBeGreaterThan(350);
    expect(once.size).toBeLessThan(450);
    expect(heard.length).toBeGreaterThan(once.size + 50);
    expect(heard).not.toEqual(heard.toSorted((a, b) => a - b));
  });
});

it('one loss holds up everything behind it, and nothing the other way', () => {
  const stage = populated(TWO);
  const clear = lossy(stage.network, [THERE], 1000, 'probe');
  transmit(stage.network, 0, 1, probe(1));
  clear();
  transmit(stage.network, 0, 1, pull);
  say(stage, BACK, [7]);
  pass(stage, 11_000);
  expect(heardBy(stage, 0)).toEqual([7]);
  expect(stage.heard[1]).toEqual([]);
  pass(stage, 5000);
  expect(stage.heard[1]?.map(({ kind }) => kind)).toEqual(['probe', 'pull']);
});

it('a loss holds up nothing that was before it, and comes not with it', () => {
  const stage = populated(TWO);
  transmit(stage.network, 0, 1, probe(1));
  lossy(stage.network, [THERE], 1000);
  transmit(stage.network, 0, 1, probe(2));
  pass(stage, 1000);
  expect(heardBy(stage, 1)).toEqual([1]);
});

it('a busy lane is as quick as its way', () => {
  const stage = populated(TWO);
  for (const n of numbers(1, 250)) transmit(stage.network, 0, 1, probe(n));
  // Four windows, each for as long as the slowest of it takes.
  pass(stage, 40);
  expect(heardBy(stage, 1)).toEqual(numbers(1, 250));
});

describe('a cut', () => {
  // As measured between two kernels; see the message of the commit that brought it.
  it.each([
    [5, 6.2, 7.5],
    [15, 25, 27],
    [32, 50, 53],
  ])('of %i s ends for a stream after %f to %f s, when TCP tries again', (seconds, from, to) => {
    const stage = populated(TWO);
    const startedAt = stage.queue.now / 1000;
    const join = cut(stage.network, [THERE, BACK]);
    say(stage, THERE, numbers(1, seconds * 4), 250);
    join();
    pass(stage, 60_000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, seconds * 4));
    const after = ((stage.heard[1]?.[0]?.atMs ?? 0) - startedAt) / 1000;
    expect(after).toBeGreaterThan(from);
    expect(after).toBeLessThan(to);
    expect(stage.noticed).toEqual([['+h2'], ['+h1']]);
  });

  it('is waited for no longer because of one before', () => {
    const stage = populated(TWO);
    for (const [seconds, waitMs] of [
      [15, 15_000],
      [1, 1000],
    ] as const) {
      const join = cut(stage.network, [THERE, BACK]);
      say(stage, THERE, [seconds]);
      pass(stage, seconds * 1000);
      join();
      pass(stage, waitMs);
      expect(heardBy(stage, 1)).toContain(seconds);
    }
  });

  it('of the way back lets a first window through and no more', () => {
    const stage = populated(TWO);
    const join = cut(stage.network, [BACK]);
    say(stage, THERE, numbers(1, 40));
    pass(stage, 3000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 10));
    join();
    pass(stage, 5000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 40));
  });

  it('of a quarter of an hour breaks the connection; what waited goes over the next', () => {
    const stage = populated(TWO);
    const join = cut(stage.network, [THERE, BACK]);
    say(stage, THERE, numbers(1, 70));
    pass(stage, 1_000_000);
    expect(stage.noticed[0]).toEqual(['+h2', '-h2']);
    join();
    pass(stage, 60_000);
    // The window of 64 was under way.
    expect(heardBy(stage, 1)).toEqual(numbers(65, 70));
  });
});

it('a clog holds a stream up, and lets it go in order at once', () => {
  const stage = populated(TWO);
  const clear = clog(stage.network, [THERE]);
  say(stage, THERE, numbers(1, 20));
  expect(heardBy(stage, 1)).toEqual([]);
  clear();
  pass(stage, 0);
  expect(heardBy(stage, 1)).toEqual(numbers(1, 20));
});

it('a clog of one kind holds up what is behind that kind', () => {
  const stage = populated(TWO);
  const clear = clog(stage.network, [THERE], 'pull');
  say(stage, THERE, [1]);
  transmit(stage.network, 0, 1, pull);
  say(stage, THERE, [2]);
  pass(stage, 1000);
  expect(heardBy(stage, 1)).toEqual([1]);
  clear();
  pass(stage, 0);
  expect(heardBy(stage, 1)).toEqual([1, 2]);
});

describe('a reset', () => {
  it('loses what is under way, both ways, and the connection is made again', () => {
    const stage = populated({ ...TWO, delayMeanMs: 20 });
    say(stage, THERE, numbers(1, 5), 200);
    transmit(stage.network, 0, 1, probe(6));
    transmit(stage.network, 1, 0, probe(60));
    resetLink(stage.network, 0, 1);
    pass(stage, 1000);
    say(stage, THERE, [7], 200);
    say(stage, BACK, [70], 200);
    expect(heardBy(stage, 1)).toEqual([...numbers(1, 5), 7]);
    expect(heardBy(stage, 0)).toEqual([70]);
    expect(stage.noticed).toEqual([
      ['+h2', '-h2', '+h2'],
      ['+h1', '-h1', '+h1'],
    ]);
  });

  it('loses nothing that was said while there was no connection', () => {
    const stage = populated(TWO);
    resetLink(stage.network, 0, 1);
    say(stage, THERE, numbers(1, 3), 0);
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 3));
  });
});

describe('a slow reader', () => {
  const slow = (): Stage => {
    const stage = populated(TWO);
    stage.conditions[1] = 'waits';
    return stage;
  };

  it('gets everything in order when it goes on', () => {
    const stage = slow();
    say(stage, THERE, numbers(1, 300));
    expect(heardBy(stage, 1)).toEqual([]);
    goOn(stage, 1);
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 300));
  });

  it('loses the oldest of what waits beyond the bound of the lane', () => {
    const stage = slow();
    say(stage, THERE, numbers(1, 400), 1);
    goOn(stage, 1);
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual([...numbers(1, 64), ...numbers(145, 400)]);
    expect(stage.network.lanes.dropped).toBe(80);
  });

  it('is owed the bulk, whatever waits in the urgent lane', () => {
    const stage = slow();
    say(stage, THERE, numbers(1, 400), 1);
    transmit(stage.network, 0, 1, pull);
    goOn(stage, 1);
    pass(stage, 1000);
    expect(stage.heard[1]?.filter(({ kind }) => kind === 'pull')).toHaveLength(1);
  });
});

describe('an agent that ends', () => {
  it('and starts again gets what was said to it meanwhile, not what was under way', () => {
    const stage = populated({ ...TWO, delayMeanMs: 20 });
    transmit(stage.network, 0, 1, probe(1));
    agentEnded(stage.network, 1, 'answers');
    pass(stage, 500);
    expect(stage.noticed[0]).toEqual(['+h2', '-h2']);
    say(stage, THERE, [2]);
    agentStarted(stage.network, 1);
    pass(stage, 6000);
    expect(heardBy(stage, 1)).toEqual([2]);
  });

  it('has said what it said: its kernel sends it', () => {
    const stage = populated(TWO);
    const clear = clog(stage.network, [THERE]);
    say(stage, THERE, numbers(1, 3));
    agentEnded(stage.network, 0, 'answers');
    clear();
    pass(stage, 500);
    expect(heardBy(stage, 1)).toEqual(numbers(1, 3));
    expect(stage.noticed[1]).toEqual(['+h1', '-h1']);
  });

  it('takes with it what it had not sent', () => {
    const stage = populated(TWO);
    resetLink(stage.network, 0, 1);
    say(stage, THERE, [1], 0);
    agentEnded(stage.network, 0, 'answers');
    agentStarted(stage.network, 0);
    pass(stage, 6000);
    expect(heardBy(stage, 1)).toEqual([]);
  });
});

describe('a machine that is lost', () => {
  it.each(['before its agent ended', 'after'])('loses what is under way (%s)', (when) => {
    const stage = populated(TWO);
    const clear = clog(stage.network, [THERE]);
    say(stage, THERE, [1]);
    if (when === 'after') agentEnded(stage.network, 0, 'answers');
    agentEnded(stage.network, 0, 'silent');
    if (when !== 'after') agentStarted(stage.network, 0);
    clear();
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual([]);
  });

  it('is found out by who says nothing, too', () => {
    const stage = populated(TWO);
    agentEnded(stage.network, 1, 'silent');
    agentStarted(stage.network, 1);
    pass(stage, 31_000);
    say(stage, THERE, [1], 1000);
    expect(heardBy(stage, 1)).toEqual([1]);
  });

  it('is found out though it stood still when something came', () => {
    const stage = populated(TWO);
    stage.conditions[1] = 'waits';
    say(stage, THERE, [1]);
    agentEnded(stage.network, 1, 'silent');
    stage.conditions[1] = 'reads';
    agentStarted(stage.network, 1);
    pass(stage, 31_000);
    say(stage, THERE, [2], 1000);
    expect(heardBy(stage, 1)).toEqual([2]);
  });

  it('can refuse nothing while its answers are cut off', () => {
    const stage = populated(TWO);
    agentEnded(stage.network, 1, 'silent');
    agentStarted(stage.network, 1);
    const join = cut(stage.network, [BACK]);
    say(stage, THERE, [1]);
    pass(stage, 20_000);
    expect(stage.noticed[0]).toEqual(['+h2']);
    join();
    pass(stage, 40_000);
    say(stage, THERE, [2], 1000);
    expect(heardBy(stage, 1)).toEqual([2]);
  });

  it('is not noticed; back again it refuses the old connection', () => {
    const stage = populated(TWO);
    agentEnded(stage.network, 1, 'silent');
    say(stage, THERE, numbers(1, 3));
    pass(stage, 5000);
    expect(stage.noticed[0]).toEqual(['+h2']);
    agentStarted(stage.network, 1);
    pass(stage, 30_000);
    say(stage, THERE, [4], 1000);
    expect(heardBy(stage, 1)).toEqual([4]);
    // It has dialed before the old connection was refused, so there always was one.
    expect(stage.noticed[0]).toEqual(['+h2']);
  });

  it('and back as another gets nothing that was meant for who it was', () => {
    const stage = populated(TWO);
    agentEnded(stage.network, 1, 'answers');
    pass(stage, 500);
    say(stage, THERE, numbers(1, 3));
    stage.ids[1] = 'h2b';
    becomeAnother(stage.network, 1);
    agentStarted(stage.network, 1);
    pass(stage, 6000);
    say(stage, THERE, [4], 1000);
    expect(heardBy(stage, 1)).toEqual([4]);
    expect(stage.noticed[0]).toEqual(['+h2', '-h2', '+h2b']);
  });
});

it.each(['datagram', 'stream'] as const)(
  'a %s under way to who was there before a disk was lost is lost',
  (transport) => {
    const stage = populated({ ...TWO, transport });
    const clear = clog(stage.network, [THERE]);
    say(stage, THERE, [1]);
    agentEnded(stage.network, 0, 'answers');
    becomeAnother(stage.network, 0);
    clear();
    pass(stage, 1000);
    expect(heardBy(stage, 1)).toEqual([]);
  },
);
