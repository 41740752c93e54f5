/**
 * Has one instance checked again and again, and tells when its health changes.
 *
 *     starting ──a check passes──▶ healthy ◀──a check passes── unhealthy
 *         └──────── `retries` checks in a row fail ────────────────▲
 *
 * As Docker does it, with one difference: Docker runs the first check only after a whole interval.
 * Here checks come at least every `EAGER_MS` until the first one passes or until the start period,
 * and no less than one interval, is over. A check that fails in that time counts for nothing, so this
 * finds an instance healthy sooner and never finds one unhealthy sooner.
 */
import { setTimeout as delay } from 'node:timers/promises';

export type Health = 'starting' | 'healthy' | 'unhealthy';
export type HealthState = { readonly health: Health; readonly failures: number };

/** How often it is checked, and how patiently, in ms. */
export type HealthTerms = {
  readonly intervalMs: number;
  /** Failures in a row before an instance is unhealthy, at least 1. */
  readonly retries: number;
  readonly startPeriodMs: number;
};

/** `uncounted`: it says nothing of the instance, as where that was frozen. */
export type Outcome = 'passed' | 'failed' | 'uncounted';

export type Pace = {
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** False: `signal` aborted. Keeps nothing alive. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<boolean>;
};

export const REAL_PACE: Pace = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    delay(ms, undefined, { signal, ref: false }).then(
      () => true,
      () => false,
    ),
};

const FIRST_MS = 50;
const EAGER_MS = 1_000;
/** However often a spec asks for it: a check costs a process, or a connection. */
const INTERVAL_MIN_MS = 20;

/** What one more outcome makes of it. `early`: within the time in which a failure does not count. */
export function stepHealth(
  state: HealthState,
  outcome: { readonly passed: boolean; readonly early: boolean },
  retries: number,
): HealthState {
  if (outcome.passed) return { health: 'healthy', failures: 0 };
  if (outcome.early && state.health === 'starting') return state;
  const failures = state.failures + 1;
  return { health: failures >= Math.max(1, retries) ? 'unhealthy' : state.health, failures };
}

export type HealthWatch = {
  readonly terms: HealthTerms;
  /** What is known from before; `starting` for a new instance. */
  readonly health: Health;
  /** How long the instance has run already. */
  readonly ageMs: number;
  /** Takes its own time, but not for ever. */
  readonly check: (signal: AbortSignal) => Promise<Outcome>;
  /** Called when the health has changed, never after `signal` aborted. */
  readonly report: (health: Health) => void;
  readonly pace?: Pace;
};

/** Checks until `signal` aborts. */
export async function watchHealth(watch: HealthWatch, signal: AbortSignal): Promise<void> {
  const { terms, pace = REAL_PACE } = watch;
  const earlyUntil = pace.now() - watch.ageMs + Math.max(terms.startPeriodMs, terms.intervalMs);
  const intervalMs = Math.max(terms.intervalMs, INTERVAL_MIN_MS);
  let state: HealthState = { health: watch.health, failures: 0 };
  let waitMs = Math.min(intervalMs, FIRST_MS);
  while (await pace.wait(waitMs, signal)) {
    const outcome = await watch.check(signal);
    if (signal.aborted) return;
    if (outcome === 'uncounted') continue;
    const early = pace.now() < earlyUntil;
    const next = stepHealth(state, { passed: outcome === 'passed', early }, terms.retries);
    if (next.health !== state.health) watch.report(next.health);
    state = next;
    waitMs = early && state.health === 'starting' ? Math.min(intervalMs, EAGER_MS) : intervalMs;
  }
}
