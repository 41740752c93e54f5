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

/** From when on it is given slots again, if it stays alive. */
export const steadyAt = (flaps: Flaps, { since }: Member): Instant => after(since, quietMs(flaps));

/** Whether time alone may make it restless or steady: while it is suspected, its age may begin anew. */
export const mayTurn = (flaps: Flaps, member: Member, now: Instant): boolean =>
  quietMs(flaps) > 0 && (member.health === 'suspect' || now < steadyAt(flaps, member));

/** Why it should not be given slots yet; undefined: it may. */
export function whyRestless(flaps: Flaps, member: Member, now: Instant): string | undefined {
  if (now >= steadyAt(flaps, member)) return undefined;
  return `dead ${flaps.deaths} times of late: gets slots again once it is alive for ${quietMs(flaps) / 1000} s`;
}
