/**
 * Hosts that are dead and alive again and again. Each further death within ten minutes doubles the
 * time for which a host must have been alive before slots are given back to it, as long as others can
 * take them.
 */
import { after, type Instant, type Millis, millis, minutes, NEVER, seconds } from '../base/time.ts';
import type { Member } from './member.ts';

export type Flaps = {
  /** None of them longer than `FORGOTTEN_MS` after the one before. */
  readonly deaths: number;
  readonly lastAt: Instant;
};

export const STEADY: Flaps = { deaths: 0, lastAt: NEVER };
const FORGOTTEN_MS = minutes(10);
const QUIET_MIN_MS = seconds(10);
const QUIET_MAX_MS = minutes(5);
/** 10 s doubled so often is more than 5 min. */
const DOUBLINGS_MAX = 5;

export const afterDeath = ({ deaths, lastAt }: Flaps, now: Instant): Flaps =>
  now > after(lastAt, FORGOTTEN_MS)
    ? { deaths: 1, lastAt: now }
    : { deaths: deaths + 1, lastAt: now };

/** How long it must be alive before it is given slots again; one death is no flapping. */
export function quietMs({ deaths }: Flaps): Millis {
  if (deaths < 2) return millis(0);
  return millis(Math.min(QUIET_MAX_MS, QUIET_MIN_MS * 2 ** Math.min(DOUBLINGS_MAX, deaths - 2)));
}

/** Whether time alone may make it restless or steady: while it is suspected, its age may begin anew. */
export const mayTurn = (flaps: Flaps, { health, since }: Member, now: Instant): boolean =>
  quietMs(flaps) > 0 && (health === 'suspect' || now < after(since, quietMs(flaps)));

/** Why it should not be given slots yet; undefined: it may. */
export function whyRestless(flaps: Flaps, { since }: Member, now: Instant): string | undefined {
  const needsMs = quietMs(flaps);
  if (now >= after(since, needsMs)) return undefined;
  return `dead ${flaps.deaths} times of late: gets slots again once it is alive for ${needsMs / 1000} s`;
}
