import { describe, expect, it } from 'vitest';
import { instant, millis, NEVER } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  beatsMissed,
  ease,
  HEARS_WELL,
  type LocalHealth,
  reassure,
  stretched,
  worsen,
} from '../../../protocol/membership/local-health.ts';

type Event = readonly [atMs: number, event: number | 'answered' | 'time'];
const story = (events: readonly Event[]): LocalHealth =>
  events.reduce<LocalHealth>((health, [atMs, event]) => {
    if (event === 'answered') return reassure(health);
    if (event === 'time') return ease(health, instant(atMs));
    return worsen(health, event, instant(atMs));
  }, HEARS_WELL);

describe('the trust in our own ears', () => {
  it.each<readonly [readonly Event[], number, string]>([
    [[[0, 1]], 1, 'one reason'],
    [[[0, 0]], 0, 'no reason'],
    [[[0, 100]], 8, 'however many there are: no worse than 8'],
    [[[0, 'answered']], 0, 'no better than 0'],
    [
      [
        [0, 3],
        [1, 'answered'],
      ],
      2,
      'a probe answered',
    ],
    [
      [
        [0, 3],
        [999, 'time'],
      ],
      3,
      'not a second yet',
    ],
    [
      [
        [0, 3],
        [1000, 'time'],
      ],
      2,
      'a second gone well',
    ],
    [
      [
        [0, 3],
        [900, 1],
        [1000, 'time'],
      ],
      4,
      'the second counts from the last reason',
    ],
    [
      [
        [0, 3],
        [9000, 'time'],
        [9250, 'time'],
      ],
      2,
      'a time nobody looked at counts once',
    ],
  ])('after %j is %i: %s', (events, score) => {
    expect(story(events).score).toBe(score);
  });

  it.each([
    [NEVER, 5000, 0, 'no beat has left yet'],
    [1000, 900, 0, 'the next is not due'],
    [1000, 1249, 0, 'a timer may be late'],
    [1000, 1250, 1, 'by one whole beat'],
    [1000, 3000, 8, 'a stall of two seconds'],
  ])('a beat due at %d that leaves at %i has %i missed: %s', (beatAt, now, missed) => {
    expect(beatsMissed(instant(beatAt), instant(now), LAN)).toBe(missed);
  });

  it('stretches a length up to ninefold', () => {
    expect([0, 1, 8].map((by) => stretched(millis(400), story([[0, by]])))).toEqual([
      400, 800, 3600,
    ]);
  });
});
