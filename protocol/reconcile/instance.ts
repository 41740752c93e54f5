/**
 * One instance of ours on this host, as the engine last told of it, and what was asked of it.
 *
 *     created ──▶ live ──▶ ended ──▶ gone
 *
 * Only forward: answers and events of an engine overtake each other, so an instance that has once
 * ended never runs again for us, whatever a late answer or an old list says; and whatever others start.
 */
import { after, type Instant, type Millis, seconds } from '../base/time.ts';
import type { Observed } from '../input.ts';

/** Stop grace of an instance whose spec is not known any more: Docker's own default. */
export const UNKNOWN_GRACE_MS = seconds(10);

export type StopWhy =
  /** Its spec has changed. */
  | 'replaced'
  /** A user asked. */
  | 'restart'
  | 'unhealthy'
  /** A newer instance of the same slot runs. */
  | 'duplicate'
  /** The slot belongs elsewhere or nowhere. */
  | 'unwanted'
  /** It was made under a lease that has ended: another host may have run the slot since. */
  | 'fenced'
  /** This host hears no quorum of the voters, and its contract is to stop then. */
  | 'isolated'
  /** An attempt of a job has taken as long as it may. */
  | 'timeout'
  /** Someone else has changed it: it is not what was made from its spec. */
  | 'drifted'
  /** A number that was chosen for a port of it is another slot's now. */
  | 'renumbered'
  /** What it was told of what it depends on is not true any more, and that is found elsewhere. */
  | 'readdressed'
  /** It is strict, its guard lets it run, and someone else has it stand still. */
  | 'stuck';

export type Stop = { readonly why: StopWhy; readonly at: Instant; readonly graceMs: Millis };
/** What was last asked of a running one; without effect for long enough it is asked again. */
export type Asked = { readonly what: 'freeze' | 'thaw'; readonly at: Instant };
export type Ended = {
  readonly at: Instant;
  /** Undefined: nobody saw it end. */
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
};

export type Instance = {
  /** As last reported; its `state` is not read once `ended` is set. */
  readonly observed: Observed;
  /** First seen or started. */
  readonly since: Instant;
  /** Healthy, or running without a healthcheck. */
  readonly wellSince: Instant | undefined;
  readonly stop: Stop | undefined;
  readonly asked: Asked | undefined;
  readonly ended: Ended | undefined;
  /** `removeInstance` is under way. */
  readonly removing: boolean;
  /** The engine has it no more. */
  readonly gone: boolean;
  /** Its end, or its bad health, has been counted. */
  readonly judged: boolean;
  /** Started by this agent; `since` is its true start. */
  readonly ours: boolean;
  /** Not ours, and its adoption has been told. */
  readonly adopted: boolean;
};

export function firstSeen(observed: Observed, now: Instant, ours: boolean): Instance {
  const instance: Instance = {
    observed,
    since: now,
    wellSince: isWell(observed) ? now : undefined,
    stop: undefined,
    asked: undefined,
    ended: undefined,
    removing: false,
    gone: false,
    judged: false,
    ours,
    adopted: false,
  };
  return observed.state === 'exited' ? endedBy(instance, observed, now) : instance;
}

export function seenAgain(instance: Instance, observed: Observed, now: Instant): Instance {
  if (instance.ended !== undefined) return instance;
  if (observed.state === 'exited') return endedBy(instance, observed, now);
  // An old answer `created` does not undo what runs.
  if (observed.state === 'created' && isLive(instance)) return instance;
  const wellSince = isWell(observed) ? (instance.wellSince ?? now) : undefined;
  return { ...instance, observed, wellSince };
}

export function healthSeen(instance: Instance, health: Observed['health'], now: Instant): Instance {
  return seenAgain(instance, { ...instance.observed, health }, now);
}

/** Its processes stand still, or go on. */
export function stillnessSeen(instance: Instance, isFrozen: boolean, now: Instant): Instance {
  if (!isLive(instance)) return instance;
  const state = isFrozen ? 'paused' : 'running';
  return seenAgain(instance, { ...instance.observed, state }, now);
}

/** `drift` undefined: it is as it was made. */
export function driftSeen(instance: Instance, drift: string | undefined, now: Instant): Instance {
  const { drift: _, ...observed } = instance.observed;
  return seenAgain(instance, drift === undefined ? observed : { ...observed, drift }, now);
}

export function end(instance: Instance, ended: Ended): Instance {
  return instance.ended === undefined ? { ...instance, ended, wellSince: undefined } : instance;
}

/** Not in the engine any more; if it still ran, nobody saw it end. */
export function vanished(instance: Instance, now: Instant): Instance {
  const ended = instance.ended ?? { at: now, exitCode: undefined, oomKilled: false };
  return { ...end(instance, ended), gone: true, removing: false };
}

/** An old list or a late answer shows what has ended as it began; only another beginning is another life. */
export const isStartedAgain = ({ observed, gone }: Instance, seen: Observed): boolean =>
  !gone &&
  (seen.state === 'running' || seen.state === 'paused') &&
  seen.startedAt !== undefined &&
  seen.startedAt !== observed.startedAt;

export const isLive = ({ observed, ended }: Instance): boolean =>
  ended === undefined && (observed.state === 'running' || observed.state === 'paused');

/**
 * What fills the slot comes first: what runs, then what ran, then what never did; the newest attempt
 * of each. The id decides between equals, which only a damaged engine can show.
 */
export const byRank = (a: Instance, b: Instance): number =>
  rank(a) - rank(b) ||
  b.observed.attempt - a.observed.attempt ||
  (a.observed.engineId < b.observed.engineId ? -1 : 1);

const rank = (instance: Instance): number =>
  isLive(instance) ? 0 : instance.ended !== undefined ? 1 : 2;

/** A stop that should long have worked: its request was lost, or the engine could not. */
export const isOverdue = (stop: Stop, now: Instant, slackMs: Millis): boolean =>
  now >= after(after(stop.at, stop.graceMs), slackMs);

const isWell = ({ state, health }: Observed): boolean =>
  state === 'running' && (health === 'healthy' || health === 'none');

const endedBy = (instance: Instance, observed: Observed, now: Instant): Instance =>
  end({ ...instance, observed }, { at: now, exitCode: observed.exitCode, oomKilled: false });
