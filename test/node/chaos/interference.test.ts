/** What becomes of messages while links are broken on purpose. */
import { describe, expect, it } from 'vitest';
import { type HostId, hostId } from '../../../protocol/base/ids.ts';
import {
  type Breakage,
  createInterference,
  FAULT_MS_MAX,
  type Way,
} from '../../../node/chaos/interference.ts';
import type { Message } from '../../../protocol/wire/message.ts';

const [H2, H3] = [hostId('h2'), hostId('h3')];

/** An interference whose time and chance are the test's. */
function stage(random: () => number = () => 0) {
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  const clock = { ms: 0 };
  const faults = createInterference({
    random,
    later: (ms, run) => timers.push({ ms, run }),
    now: () => clock.ms,
  });
  const arrived: string[] = [];
  return {
    faults,
    timers,
    clock,
    arrived,
    begin: (way: Way, host: HostId, breakage: Breakage, forMs = 1000): void =>
      faults.begin([{ host, way, breakage }], forMs),
    say: (way: Way, host: HostId, kind: Message['kind'], text: string): void =>
      faults.pass(way, host, kind, () => arrived.push(text)),
  };
}

it('lets everything pass while nothing is broken', () => {
  const { arrived, say, faults } = stage();
  say('out', H2, 'beat', 'a');
  say('in', H2, 'heartbeat', 'b');
  expect(arrived).toEqual(['a', 'b']);
  expect(faults.isSevered(H2)).toBe(false);
});

describe('a cut', () => {
  it('stops one way of one link, and nothing else', () => {
    const { arrived, say, begin } = stage();
    begin('out', H2, { kind: 'cut' });
    say('out', H2, 'beat', 'there');
    say('in', H2, 'beat', 'back');
    say('out', H3, 'beat', 'elsewhere');
    expect(arrived).toEqual(['back', 'elsewhere']);
  });

  it.each<[Way]>([['in'], ['out']])('severs what needs both ways: %s', (way) => {
    const { begin, faults } = stage();
    begin(way, H2, { kind: 'cut' });
    expect([faults.isSevered(H2), faults.isSevered(H3)]).toEqual([true, false]);
  });

  it('ends by itself, each after its own time', () => {
    const { arrived, say, begin, timers } = stage();
    begin('out', H2, { kind: 'cut' }, 1000);
    begin('out', H2, { kind: 'cut' }, 2000);
    expect(timers.map(({ ms }) => ms)).toEqual([1000, 2000]);
    timers[0]?.run();
    say('out', H2, 'beat', 'early');
    timers[1]?.run();
    say('out', H2, 'beat', 'late');
    expect(arrived).toEqual(['late']);
  });

  it('never lasts longer than the longest, whatever is asked for', () => {
    const { begin, timers } = stage();
    begin('out', H2, { kind: 'cut' }, Number.MAX_SAFE_INTEGER);
    expect(timers[0]?.ms).toBe(FAULT_MS_MAX);
  });

  it('ends with all others, and its timer takes nothing along that came later', () => {
    const { arrived, say, begin, timers, faults } = stage();
    begin('out', H2, { kind: 'cut' });
    faults.end();
    say('out', H2, 'beat', 'whole');
    begin('out', H2, { kind: 'cut' });
    timers[0]?.run();
    say('out', H2, 'beat', 'lost');
    expect(arrived).toEqual(['whole']);
  });
});

it('tells what is broken and how long it lasts yet', () => {
  const { begin, faults, clock, timers } = stage();
  expect(faults.running()).toEqual({ faults: [], leftMs: 0 });
  begin('out', H2, { kind: 'cut' }, 3000);
  begin('in', H3, { kind: 'clog' }, 2000);
  clock.ms = 500;
  expect(faults.running()).toMatchObject({ leftMs: 2500 });
  timers[0]?.run();
  expect(faults.running()).toEqual({
    faults: [{ host: H3, way: 'in', breakage: { kind: 'clog' } }],
    leftMs: 1500,
  });
});

it('begins another period with every end, and with no fault', () => {
  const { begin, faults } = stage(() => 0.5);
  const first = faults.period();
  begin('out', H2, { kind: 'cut' });
  expect(faults.period()).toBe(first);
  faults.end();
  expect(faults.period()).not.toBe(first);
});

describe('a clog', () => {
  it('holds what is said and lets it go in order', () => {
    const { arrived, say, begin, timers } = stage();
    begin('out', H2, { kind: 'clog' });
    for (const text of ['a', 'b', 'c']) say('out', H2, 'beat', text);
    expect(arrived).toEqual([]);
    timers[0]?.run();
    say('out', H2, 'beat', 'd');
    expect(arrived).toEqual(['a', 'b', 'c', 'd']);
  });

  it('holds until the last of two has ended', () => {
    const { arrived, say, begin, timers } = stage();
    begin('in', H2, { kind: 'clog' });
    begin('in', H2, { kind: 'clog' });
    say('in', H2, 'heartbeat', 'a');
    timers[0]?.run();
    expect(arrived).toEqual([]);
    timers[1]?.run();
    expect(arrived).toEqual(['a']);
  });

  it('keeps the newest where it cannot keep all', () => {
    const { arrived, say, begin, faults } = stage();
    begin('out', H2, { kind: 'clog' });
    for (let n = 0; n < 2500; n++) say('out', H2, 'beat', `${n}`);
    faults.end();
    expect([arrived.length, arrived[0], arrived.at(-1)]).toEqual([2000, '500', '2499']);
  });
});

describe('loss', () => {
  it('takes as many as it says', () => {
    let draw = 0;
    const { arrived, say, begin, faults } = stage(() => (draw++ % 1000) / 1000);
    begin('out', H2, { kind: 'lossy', permille: 300 });
    for (let n = 0; n < 1000; n++) say('out', H2, 'beat', `${n}`);
    expect(arrived).toHaveLength(700);
    expect(faults.isSevered(H2)).toBe(false);
  });

  it('takes only the kind that it names', () => {
    const { arrived, say, begin } = stage();
    begin('out', H2, { kind: 'lossy', permille: 1000, only: 'keepalive' });
    say('out', H2, 'keepalive', 'renewal');
    say('out', H2, 'beat', 'beat');
    expect(arrived).toEqual(['beat']);
  });
});
