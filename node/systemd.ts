/**
 * What the service manager hears of this agent (sd_notify(3)): that it serves, in a few words what it is,
 * that it ends, and that its core goes on. By libsystemd itself, so that the words come from our own
 * process, the only one that the unit's `NotifyAccess=main` listens to.
 *
 * Where nobody asks for it (no `NOTIFY_SOCKET`) nothing is loaded and nothing is said.
 */
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
    status: (words) => notify?.(`STATUS=${words}`),
    stopping: () => notify?.('STOPPING=1'),
    alive() {
      if (notify === undefined || everyMs === undefined) return;
      const now = performance.now();
      if (now - fedAt < everyMs) return;
      fedAt = now;
      notify('WATCHDOG=1');
    },
  };
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
