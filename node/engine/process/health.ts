/**
 * Runs the healthcheck of one instance and tells when its health changes.
 *
 *     starting ──a check passes──▶ healthy ◀──a check passes── unhealthy
 *         └──────── `retries` checks in a row fail ────────────────▲
 *
 * As Docker does it, with one difference: Docker runs the first check only after a whole interval.
 * Here checks come at least every `EAGER_MS` until the first one passes or until the start period,
 * and no less than one interval, is over. A check that fails in that time counts for nothing, so this
 * finds an instance healthy sooner and never finds one unhealthy sooner.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { killOrphans, sendToGroup } from './identity.ts';

export type CheckPlan = {
  readonly words: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row before an instance is unhealthy, at least 1. */
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDir: string;
};

export type Health = 'starting' | 'healthy' | 'unhealthy';
export type HealthState = { readonly health: Health; readonly failures: number };

const FIRST_MS = 50;
const EAGER_MS = 1_000;
/** However often a spec asks for it: a check costs a process. */
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
  readonly plan: CheckPlan;
  /** What is known from before; `starting` for a new instance. */
  readonly health: Health;
  /** How long the instance has run already. */
  readonly ageMs: number;
  /** A check would find it ill: none counts. */
  readonly isFrozen: () => boolean;
  /** Called when the health has changed, never after `signal` aborted. */
  readonly report: (health: Health) => void;
};

/** Checks until `signal` aborts; a check under way is killed then. */
export async function watchHealth(watch: HealthWatch, signal: AbortSignal): Promise<void> {
  const { plan } = watch;
  const earlyUntil =
    performance.now() - watch.ageMs + Math.max(plan.startPeriodMs, plan.intervalMs);
  const intervalMs = Math.max(plan.intervalMs, INTERVAL_MIN_MS);
  let state: HealthState = { health: watch.health, failures: 0 };
  let waitMs = Math.min(intervalMs, FIRST_MS);
  while (await waited(waitMs, signal)) {
    if (watch.isFrozen()) continue;
    const passed = await runCheck(plan, signal);
    if (signal.aborted) return;
    if (watch.isFrozen()) continue;
    const early = performance.now() < earlyUntil;
    const next = stepHealth(state, { passed, early }, plan.retries);
    if (next.health !== state.health) watch.report(next.health);
    state = next;
    waitMs = early && state.health === 'starting' ? Math.min(intervalMs, EAGER_MS) : intervalMs;
  }
}

/** False: aborted. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal, ref: false });
    return true;
  } catch {
    return false;
  }
}

/** Whether the command ends with 0 in time. It never outlives this call, nor does its group. */
async function runCheck(plan: CheckPlan, signal: AbortSignal): Promise<boolean> {
  const [command = '', ...args] = plan.words;
  const done = Promise.withResolvers<boolean>();
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(command, args, {
      cwd: plan.workingDir,
      env: plan.environment,
      detached: true,
      stdio: 'ignore',
    });
  } catch {
    return false; // too long an argument list, for one; as good as a failed check
  }
  const { pid } = child;
  child.unref();
  child.once('error', () => done.resolve(false));
  child.once('exit', (code) => {
    if (pid !== undefined) killOrphans(pid);
    done.resolve(code === 0);
  });
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(plan.timeoutMs)]);
  const kill = (): void => {
    // Not collected yet, so the pid is still this child's.
    if (pid !== undefined && child.exitCode === null && child.signalCode === null) {
      sendToGroup(pid, 'SIGKILL');
    }
    done.resolve(false);
  };
  giveUp.addEventListener('abort', kill, { once: true });
  try {
    return await done.promise;
  } finally {
    giveUp.removeEventListener('abort', kill);
  }
}
