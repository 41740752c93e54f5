/**
 * Whether and when a slot starts again on this host after an instance of it ended.
 *
 *     failure 1 ─▶ at once      2 ─▶ restartMinMs      3 ─▶ twice that …      up to restartMaxMs
 *     well for restartResetMs ─▶ the next failure counts as the first again
 *     well for the policy's window ─▶ its retries are there again; of a job without one, never
 *     more than restartBudget failures within restartWindowMs ─▶ crash loop: restartMaxMs each time
 *
 * Invariants, each proved in test/protocol/component/restart.test.ts:
 *  1. A delay never exceeds restartMaxMs or the policy's own, which it never falls below; without one
 *     only the first failure in a row restarts at once.
 *  2. Being well clears the backoff and the mark, not the window: one that crashes every 61 s is
 *     marked again at its next crash.
 *  3. An exit that the policy accepts as the end is never a failure.
 *  4. A job whose time is up has failed, whatever its policy.
 *
 * Differs from Docker, which resets after 10 s and has no budget, and from Swarm, whose delay is
 * constant. An engine's passing refusal is retried under every policy: nothing has run yet.
 */
import { unreachable } from '../base/assert.ts';
import { type Prng, within } from '../base/prng.ts';
import { after, earlier, FOREVER, type Instant, type Millis, millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { ComponentSpec, RestartPolicy } from './spec.ts';

export type History = {
  /** Failures within the budget's window, oldest first. */
  readonly failures: readonly Instant[];
  /** Failures in a row since the slot was last well: the backoff's exponent. */
  readonly streak: number;
  /** Restarts that the policy has granted within its window. */
  readonly retries: number;
  readonly crashLoop: boolean;
};
export const FRESH: History = { failures: [], streak: 0, retries: 0, crashLoop: false };

/** Failures remembered per slot; the oldest is dropped, so larger budgets never mark a crash loop. */
const FAILURES_MAX = 100;

export type Ending =
  /** By itself. `exitCode` undefined: nobody saw it, which counts as a failure. */
  | { readonly kind: 'exited'; readonly exitCode: number | undefined }
  /** Its healthcheck says so; the caller stops it. */
  | { readonly kind: 'unhealthy' }
  /** An attempt of a job has taken as long as it may; the caller stops it. */
  | { readonly kind: 'timedOut' }
  /** The engine could not start it this time. */
  | { readonly kind: 'refused' };

export type Verdict =
  | { readonly kind: 'restart'; readonly at: Instant }
  /** It did what it was asked to do. */
  | { readonly kind: 'complete' }
  /** The policy gives up. `why` in words. */
  | { readonly kind: 'failed'; readonly why: string };

type Chance = { readonly now: Instant; readonly config: Config; readonly prng: Prng };

export function judge(
  history: History,
  policy: RestartPolicy,
  ending: Ending,
  turn: Chance,
): readonly [History, Verdict] {
  if (ending.kind === 'exited' && ending.exitCode === 0 && !restartsAfterSuccess(policy))
    return [history, { kind: 'complete' }];
  if (ending.kind === 'timedOut')
    return [history, { kind: 'failed', why: 'and what takes too long once is not tried again' }];
  if (ending.kind !== 'refused' && !mayRestart(history, policy))
    return [history, { kind: 'failed', why: whyNot(policy) }];
  const { now, config } = turn;
  const failures = [...recent(history.failures, now, config), now].slice(-FAILURES_MAX);
  const next: History = {
    failures,
    streak: history.streak + 1,
    retries: history.retries + (ending.kind === 'refused' ? 0 : 1),
    crashLoop: failures.length > config.restartBudget,
  };
  const backoffMs = delayOf(next, turn);
  const leastMs = policy.kind === 'no' ? 0 : (policy.delayMs ?? 0);
  return [next, { kind: 'restart', at: after(now, millis(Math.max(backoffMs, leastMs))) }];
}

/** Whether the policy grants one more restart after a failure. */
export function mayRestart(history: History, policy: RestartPolicy): boolean {
  switch (policy.kind) {
    case 'no':
      return false;
    case 'onFailure':
    case 'always':
    case 'unlessStopped':
      return policy.retryMax === undefined || history.retries < policy.retryMax;
    default:
      return unreachable(policy);
  }
}

/** Whether what has ended for good under another policy is started again under this one. */
export const mayGoOn = (ended: 'complete' | 'failed', policy: RestartPolicy): boolean =>
  ended === 'complete' ? restartsAfterSuccess(policy) : mayRestart(FRESH, policy);

/** What the history of a slot is judged by. */
export type Terms = Pick<ComponentSpec, 'restart' | 'job'>;

/** `wellSince`: healthy, or running without a healthcheck; undefined while it is neither. */
export function settle(
  history: History,
  terms: Terms,
  wellSince: Instant | undefined,
  { now, config }: Pick<Chance, 'now' | 'config'>,
): History {
  const failures = recent(history.failures, now, config);
  const reset = isMarked(history) && now >= resetAt(wellSince, config);
  const forgiven = history.retries > 0 && now >= forgivenAt(terms, wellSince, config);
  if (!reset && !forgiven && failures.length === history.failures.length) return history;
  const { streak, crashLoop } = reset ? FRESH : history;
  return { failures, streak, crashLoop, retries: forgiven ? 0 : history.retries };
}

/** When `settle` will change something, if nothing else happens. */
export function historyDeadline(
  history: History,
  terms: Terms,
  wellSince: Instant | undefined,
  config: Config,
): Instant | undefined {
  const oldest = history.failures[0];
  const forgetAt = oldest === undefined ? undefined : after(oldest, config.restartWindowMs);
  if (wellSince === undefined) return forgetAt;
  const at = isMarked(history) ? earlier(forgetAt, resetAt(wellSince, config)) : forgetAt;
  const forgiveAt = history.retries > 0 ? forgivenAt(terms, wellSince, config) : FOREVER;
  return forgiveAt === FOREVER ? at : earlier(at, forgiveAt);
}

const restartsAfterSuccess = (policy: RestartPolicy): boolean =>
  policy.kind === 'always' || policy.kind === 'unlessStopped';

const whyNot = (policy: RestartPolicy): string =>
  policy.kind !== 'no'
    ? `its restart policy allows ${policy.retryMax ?? 0} retries`
    : `its restart policy is ${policy.kind}`;

const isMarked = (history: History): boolean => history.streak > 0 || history.crashLoop;

const resetAt = (wellSince: Instant | undefined, config: Config): Instant =>
  wellSince === undefined ? FOREVER : after(wellSince, config.restartResetMs);

/** When the retries are there again. */
function forgivenAt(
  { restart, job }: Terms,
  wellSince: Instant | undefined,
  config: Config,
): Instant {
  const given = restart.kind === 'no' ? undefined : restart.windowMs;
  const windowMs = given ?? (job === undefined ? config.restartResetMs : undefined);
  if (wellSince === undefined || windowMs === undefined) return FOREVER;
  return after(wellSince, windowMs);
}

const recent = (failures: readonly Instant[], now: Instant, config: Config): readonly Instant[] =>
  failures.filter((at) => now < after(at, config.restartWindowMs));

/** Jittered downward by up to a quarter, so that what failed together does not restart together. */
function delayOf({ streak, crashLoop }: History, { config, prng }: Chance): Millis {
  if (streak === 1 && !crashLoop) return millis(0);
  // Above 2^30 the product could leave the integers; the cap has long been reached.
  const doubled = config.restartMinMs * 2 ** Math.min(Math.max(streak - 2, 0), 30);
  const full = crashLoop ? config.restartMaxMs : Math.min(doubled, config.restartMaxMs);
  return millis(within(prng, full - Math.floor(full / 4), full));
}
