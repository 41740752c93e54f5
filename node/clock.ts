/**
 * The lease clock: integer milliseconds since its making, which count suspend and never go back.
 *
 * Linux stops its monotonic clock while the machine sleeps, the uptime goes on; a lease must age
 * through a sleep. So the reading is the monotonic one plus the sleep seen so far: whenever the
 * uptime is ahead by more than the threshold, the difference is sleep (L-d in protocol/README.md).
 */
import { uptime } from 'node:os';
import { type Instant, instant } from '../protocol/base/time.ts';

/**
 * Smaller: the 10 ms steps of the uptime look like sleep. Larger: leases outlive a short sleep by
 * that much; δ of the leases covers twice this and twice those steps.
 */
export const JUMP_THRESHOLD_MS = 30;

export interface LeaseClock {
  now(): Instant;
}

/** Both in milliseconds from any origin. */
export type ClockReadings = {
  readonly monotonicMs: () => number;
  /** Goes on while the machine sleeps. */
  readonly uptimeMs: () => number;
};

const SYSTEM_READINGS: ClockReadings = {
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  uptimeMs: () => uptime() * 1000,
};

export function createLeaseClock(readings: ClockReadings = SYSTEM_READINGS): LeaseClock {
  // The uptime first, here and below: a stall between the two then neither looks like sleep nor hides one.
  const uptimeAtStart = readings.uptimeMs();
  const monotonicAtStart = readings.monotonicMs();
  let sleptMs = 0;
  let latest = 0;
  return {
    now() {
      const up = readings.uptimeMs() - uptimeAtStart;
      const awake = readings.monotonicMs() - monotonicAtStart;
      if (up - awake - sleptMs > JUMP_THRESHOLD_MS) sleptMs = up - awake;
      latest = Math.max(latest, Math.floor(awake + sleptMs));
      return instant(latest);
    },
  };
}
