/** The healthcheck of one instance: a command beside it that ends with 0. */
import { spawn } from 'node:child_process';
import type { HealthTerms, Outcome } from '../health.ts';
import { killOrphans, sendToGroup } from './identity.ts';

export type CheckPlan = HealthTerms & {
  readonly words: readonly string[];
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDir: string;
};

/** `isFrozen`: a check would find the instance ill, so none counts. */
export async function checkOnce(
  plan: CheckPlan,
  isFrozen: () => boolean,
  signal: AbortSignal,
): Promise<Outcome> {
  if (isFrozen()) return 'uncounted';
  const passed = await runCheck(plan, signal);
  if (isFrozen()) return 'uncounted';
  return passed ? 'passed' : 'failed';
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
