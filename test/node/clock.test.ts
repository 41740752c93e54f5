import { expect, test } from 'vitest';
import { createLeaseClock } from '../../node/clock.ts';

type Reading = readonly [monotonicMs: number, uptimeMs: number, expected: number];

test.each<readonly [string, readonly Reading[]]>([
  [
    'both go on alike',
    [
      [1000, 5000, 0],
      [1500, 5500, 500],
      [2000.9, 6000, 1000],
    ],
  ],
  [
    'the origins do not matter',
    [
      [9e9, 3, 0],
      [9e9 + 7, 10, 7],
    ],
  ],
  [
    'a suspend counts',
    [
      [0, 0, 0],
      [100, 60_100, 60_100],
      [200, 60_200, 60_200],
    ],
  ],
  [
    'a jump of the threshold is jitter',
    [
      [0, 0, 0],
      [100, 130, 100],
      [200, 230, 200],
    ],
  ],
  [
    'a jump above the threshold is sleep',
    [
      [0, 0, 0],
      [100, 131, 131],
      [200, 231, 231],
    ],
  ],
  [
    'many short sleeps add up',
    [
      [0, 0, 0],
      [100, 120, 100],
      [200, 240, 240],
      [300, 360, 340],
    ],
  ],
  [
    'an uptime of whole steps changes nothing',
    [
      [0, 0, 0],
      [19, 10, 19],
      [21, 20, 21],
      [29, 20, 29],
    ],
  ],
  [
    'an uptime that lags behind takes nothing away',
    [
      [0, 0, 0],
      [1000, 400, 1000],
      [2000, 500, 2000],
    ],
  ],
  [
    'an uptime that falls back takes nothing away',
    [
      [0, 0, 0],
      [100, 1100, 1100],
      [200, 200, 1200],
    ],
  ],
  [
    'a monotonic clock that falls back does not show',
    [
      [0, 0, 0],
      [500, 500, 500],
      [400, 400, 500],
    ],
  ],
])('%s (L-d)', (_, readings) => {
  let at: Reading = readings[0] ?? [0, 0, 0];
  const clock = createLeaseClock({ monotonicMs: () => at[0], uptimeMs: () => at[1] });
  const seen = readings.map((reading) => {
    at = reading;
    return clock.now();
  });
  expect(seen).toEqual(readings.map(([, , expected]) => expected));
});

test('the real clocks of this machine give whole milliseconds that never fall', () => {
  const clock = createLeaseClock();
  let before = clock.now();
  for (let i = 0; i < 10_000; i += 1) {
    const now = clock.now();
    expect(Number.isInteger(now) && now >= before).toBe(true);
    before = now;
  }
});

test.each([
  ['at its making', [100, 0, 0, 0]],
  ['later', [0, 0, 100, 0]],
])('a stall between the two readings %s is no sleep, and hides none', (_, stalls) => {
  let [awake, slept, count] = [0, 0, 0];
  /** After the first reading of each two the thread may stand still. */
  const read = (ms: () => number) => (): number => {
    const value = ms();
    if (count % 2 === 0) awake += stalls[count / 2] ?? 0;
    count += 1;
    return value;
  };
  const clock = createLeaseClock({
    monotonicMs: read(() => awake),
    uptimeMs: read(() => awake + slept),
  });
  const start = clock.now();
  const began = awake;
  awake += 1_000;
  clock.now();
  expect(clock.now() - start).toBe(awake - began);
  slept += 90;
  count = stalls.length * 2;
  expect(clock.now() - start).toBe(awake - began + 90);
});
