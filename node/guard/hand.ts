/** How a guard freezes, thaws and kills what it watches over: a group of processes, or a container. */
import {
  activityOf,
  cgroupsOf,
  type ProcessIdentity,
  processesWith,
  readStat,
  signalGroup,
} from '../engine/process/identity.ts';
import { GUARD_VARIABLE, INSTANCE_VARIABLE } from '../engine/process/launch.ts';
import { type Gate, killOne } from './gates.ts';

export interface Hand {
  /** Nothing is left of it, and nothing can come any more. */
  isGone(): boolean;
  /** It waits at its gate, or is past it. */
  hasArrived(): boolean;
  isStill(): boolean;
  freeze(): void;
  thaw(): void;
  kill(): void;
}

/** Every strict process carries the socket of its guard and its token in its environment. */
export function handOnProcess(
  process: ProcessIdentity,
  {
    boot,
    socket,
    token,
  }: { readonly boot: string; readonly socket: string; readonly token: string },
): Hand {
  let hasArrived = false;
  return {
    isGone: () => activityOf(process, boot) === 'gone',
    // Whoever stopped it before it has stopped itself would be undone by that.
    hasArrived: () => (hasArrived ||= activityOf(process, boot) === 'paused'),
    isStill: () => activityOf(process, boot) !== 'running',
    freeze: () => void signalGroup(process, 'SIGSTOP', boot),
    thaw: () => void signalGroup(process, 'SIGCONT', boot),
    kill() {
      signalGroup(process, 'SIGKILL', boot);
      killProcesses(socket, token);
    },
  };
}

export interface ContainerHand extends Hand {
  readonly gate: Gate;
  /**
   * False: its main process has ended, or is not below the gate and is killed, for this hand would not
   * reach it later.
   */
  begin(pid: number): boolean;
}

/** Makes the gate, closed; throws if it cannot. `id` is the container's own. */
export function handOnContainer(gate: Gate, id: string): ContainerHand {
  let hasBegun = false;
  gate.close();
  return {
    gate,
    isGone: () => hasBegun && gate.isEmpty(),
    hasArrived: () => true,
    isStill: () => gate.isStill(),
    freeze: () => gate.close(),
    thaw: () => gate.open(),
    kill: () => gate.kill(),
    begin(pid) {
      hasBegun = gate.holds(pid);
      // With the first process of a container the kernel ends all others.
      if (!hasBegun && cgroupsOf(pid).includes(id)) killOne(pid);
      return hasBegun;
    },
  };
}

/** Whatever runs under this guard, or what is left of one instance, wherever its processes have gone. */
export function killProcesses(socket: string, token?: string): void {
  for (const { stat, environment } of processesWith(GUARD_VARIABLE)) {
    if (environment.get(GUARD_VARIABLE) !== socket) continue;
    if (token !== undefined && environment.get(INSTANCE_VARIABLE) !== token) continue;
    if (readStat(stat.pid)?.startTicks !== stat.startTicks) continue;
    killOne(stat.pid);
  }
}
