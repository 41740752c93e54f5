/**
 * What the service manager hears of this agent (sd_notify(3)): that it serves, in a few words what it is,
 * that it ends, and that its core goes on. By libsystemd itself, so that the words come from our own
 * process, the only one that the unit's `NotifyAccess=main` listens to.
 *
 * Where nobody asks for it (no `NOTIFY_SOCKET`) nothing is loaded and nothing is said.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { StopReason } from '../protocol/input.ts';
import { asTyped } from './cli/invocation.ts';
import type { Logger } from './log.ts';
import { StartupError } from './startup-error.ts';

export interface ServiceManager {
  /** Somebody listens, and starts this process anew when it ends. */
  readonly isThere: boolean;
  /** agentctl is served; only now the start of the unit has succeeded. */
  ready(): void;
  /** One line, shown by `systemctl status`. */
  status(words: string): void;
  /** The orderly end has begun. */
  stopping(): void;
  /**
   * The work goes on. To be called by the work itself, never by a timer beside it: whoever does not call
   * it for the unit's `WatchdogSec=` is killed and started anew. Costs nothing when called too often.
   */
  alive(): void;
  /** Why it ends this process, to be asked as the end begins; `restart` where nobody can say. */
  stopReason(): Promise<StopReason>;
}

export type ServiceEnvironment = Readonly<Record<string, string | undefined>>;
type Notify = (assignments: string) => void;

const LIBRARY = 'libsystemd.so.0';
/** What was lost on the way, or came late, is made good three times before the time is over. */
const FEEDS_PER_WATCHDOG = 4;

/** Rejects with a `StartupError` where it is asked for and cannot be had: the start would never end. */
export async function openServiceManager(
  env: ServiceEnvironment,
  log: Logger,
): Promise<ServiceManager> {
  const socket = env['NOTIFY_SOCKET'];
  const notify = socket === undefined || socket === '' ? undefined : await notifier(log);
  const everyMs = feedIntervalMs(env);
  let fedAt = -Infinity;
  return {
    isThere: notify !== undefined,
    ready: () => notify?.('READY=1'),
    status: (words) => notify?.(`STATUS=${asTyped(words)}`),
    stopping: () => notify?.('STOPPING=1'),
    alive() {
      if (notify === undefined || everyMs === undefined) return;
      const now = performance.now();
      if (now - fedAt < everyMs) return;
      fedAt = now;
      notify('WATCHDOG=1');
    },
    stopReason: async () => (notify === undefined ? 'restart' : await askJobs(log)),
  };
}

const JOBS = ['list-jobs', '--plain', '--no-legend', '--full'];
const JOBS_MS = 2_000;

/** What the manager does with this unit is one of its jobs, and so is where the machine goes. */
async function askJobs(log: Logger): Promise<StopReason> {
  try {
    const options = { timeout: JOBS_MS };
    const { stdout } = await promisify(execFile)('systemctl', JOBS, options);
    return reasonIn(stdout, unitIn(await readFile('/proc/self/cgroup', 'utf8')));
  } catch (error) {
    log.warn({ error }, 'systemd does not say why this agent ends: it ends as for a restart');
    return 'restart';
  }
}

/** The unit that a process is of, by its cgroups. */
export const unitIn = (cgroups: string): string | undefined =>
  /\/([^/\n]+\.service)$/m.exec(cgroups)?.[1];

/** Goes down and comes up again; goes down for longer. */
const REBOOTS = new Set(['reboot.target', 'kexec.target', 'soft-reboot.target']);
const HALTS = new Set(['poweroff.target', 'halt.target', 'exit.target']);

/** From lines such as `1234 agentd.service stop running`. */
export function reasonIn(jobs: string, unit: string | undefined): StopReason {
  const all = jobs.split('\n').map((line) => line.trim().split(/\s+/));
  const isUnderWay = (wanted: (name: string) => boolean, type: string): boolean =>
    all.some(([, name = '', job]) => wanted(name) && job === type);
  if (isUnderWay((name) => REBOOTS.has(name), 'start')) return 'reboot';
  if (isUnderWay((name) => HALTS.has(name), 'start')) return 'stop';
  return isUnderWay((name) => name === unit, 'stop') ? 'stop' : 'restart';
}

/** Undefined: no watchdog waits for this process (sd_watchdog_enabled(3)). */
export function feedIntervalMs(env: ServiceEnvironment, pid = process.pid): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC']);
  if (!(microseconds > 0)) return undefined;
  const watched = env['WATCHDOG_PID'];
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return microseconds / 1000 / FEEDS_PER_WATCHDOG;
}

async function notifier(log: Logger): Promise<Notify> {
  try {
    const { dlopen } = await import('node:ffi');
    const { functions } = dlopen(LIBRARY, {
      sd_notify: { arguments: ['i32', 'string'], return: 'i32' },
    });
    return (assignments) => {
      // It takes the socket from the environment of this process; negative is -errno.
      const result = functions.sd_notify(0, assignments);
      if (result < 0) log.warn({ errno: -result, assignments }, 'systemd was not told');
    };
  } catch (error) {
    throw new StartupError(
      {
        code: 'no-libsystemd',
        what: 'the service manager waits for word of this agent, and cannot be told',
        why: error instanceof Error ? error.message : String(error),
        next: `install ${LIBRARY} (libsystemd0 on Debian), or start the agent without NOTIFY_SOCKET`,
      },
      { cause: error },
    );
  }
}
