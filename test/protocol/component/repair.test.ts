import { expect, it } from 'vitest';
import { instant, NEVER } from '../../../protocol/base/time.ts';
import { NO_REPAIRS, repairableAt, repaired } from '../../../protocol/component/repair.ts';
import { LAN } from '../../../protocol/config.ts';

/** Repairs as soon as that may be, so often; how long after the one before each was. */
function waits(count: number): readonly number[] {
  let repairs = repaired(NO_REPAIRS, instant(0), LAN);
  return Array.from({ length: count }, () => {
    const at = repairableAt(repairs, LAN);
    const waited = at - repairs.at;
    repairs = repaired(repairs, at, LAN);
    return waited;
  });
}

it('repairs at once, and then no faster than what fails over and over is restarted', () => {
  expect(repairableAt(NO_REPAIRS, LAN)).toBe(NEVER);
  expect(waits(9)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

it('stays with the longest wait, however often', () => {
  expect(waits(2000).at(-1)).toBe(LAN.restartMaxMs);
});

it.each([
  [1000, 2, 'as soon as it may be'],
  [60_999, 2, 'just before it counts as the first'],
  [61_000, 1, 'well for as long as clears failures, beyond what it had to wait'],
])('the next repair after %i ms is number %i in a row (%s)', (at, count) => {
  const first = repaired(NO_REPAIRS, instant(0), LAN);
  expect(repaired(first, instant(at), LAN)).toEqual({ count, at });
});
