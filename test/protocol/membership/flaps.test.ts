import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import {
  afterDeath,
  type Flaps,
  quietMs,
  STEADY,
  whyRestless,
} from '../../../protocol/membership/flaps.ts';
import { newMember } from '../../../protocol/membership/member.ts';

const MINUTE = 60_000;
const after = (deathsAt: readonly number[]): Flaps =>
  deathsAt.reduce((flaps, at) => afterDeath(flaps, instant(at)), STEADY);

it.each([
  [[], 0, 'never dead'],
  [[0], 0, 'one death is no flapping'],
  [[0, MINUTE], 10_000, 'the second'],
  [[0, MINUTE, 2 * MINUTE], 20_000, 'and every further one doubles it'],
  [[0, 1, 2, 3, 4, 5], 160_000, 'and every further one doubles it'],
  [[0, 1, 2, 3, 4, 5, 6], 300_000, 'up to five minutes'],
  [Array.from({ length: 2000 }, (_, i) => i), 300_000, 'up to five minutes'],
  [[0, 1, 10 * MINUTE + 2], 0, 'ten minutes without one are forgotten'],
  [[0, 1, 10 * MINUTE + 1], 20_000, 'not a moment less'],
])('after deaths at %j it is given slots after %i ms of life: %s', (deathsAt, ms) => {
  expect(quietMs(after(deathsAt))).toBe(ms);
});

it('is told in words until it has been alive for so long', () => {
  const flaps = after([0, 1000, 2000]);
  const member = newMember(instant(5000));
  expect(whyRestless(flaps, member, instant(24_999))).toBe(
    'dead 3 times of late: gets slots again once it is alive for 20 s',
  );
  expect(whyRestless(flaps, member, instant(25_000))).toBeUndefined();
});
