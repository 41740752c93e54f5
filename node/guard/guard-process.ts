/**
 * `agentd guard`: a small process beside the agent that freezes, thaws and kills strict instances by the
 * rules of `protocol/guard/guard.ts`, and by them alone, though the agent hangs or is gone.
 *
 * It acts on process groups, as the embedded engine makes them. Each strict instance waits at its gate,
 * stopped before its first instruction, until the guard lets it go on: there is no other start.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Key } from '../../protocol/base/ids.ts';
import { term } from '../../protocol/base/ids.ts';
import { instant } from '../../protocol/base/time.ts';
import { LAN } from '../../protocol/config.ts';
import { begin, createGuard, vouch, watch } from '../../protocol/guard/guard.ts';
import {
  activityOf,
  type ProcessIdentity,
  processesWith,
  readBootId,
  readStat,
  signalGroup,
} from '../engine/process/identity.ts';
import { GUARD_VARIABLE, INSTANCE_VARIABLE } from '../engine/process/launch.ts';
import type { Logger } from '../log.ts';
import { type FromAgent, type FromGuard, hearAgent, HEARTBEAT_MS, say, uptimeMs } from './lines.ts';

/** The exception that users are told: so long an instance may run after its machine was suspended. */
const TICK_MS = 50;
/** The uptime is shown in steps of this. */
const STEP_MS = 10;

type Ward = {
  readonly id: string;
  readonly token: string;
  readonly key: Key;
  readonly term: number;
  readonly process: ProcessIdentity;
  /** It has stopped itself at its gate; whoever stopped it sooner would be undone by that. */
  hasArrived: boolean;
  /** As the guard wants it. */
  isStill: boolean;
};

export type GuardProcess = { readonly close: () => void };

/** Serves one agent at `path`. Kills what it finds of an earlier life: nobody vouches for that. */
export async function openGuard(path: string, log: Logger): Promise<GuardProcess> {
  const guard = createGuard();
  const wards = new Map<string, Ward>();
  const boot = readBootId();
  let agent: Socket | undefined;

  const tell = (line: FromGuard): void => {
    if (agent?.writable === true) say(agent, line);
  };

  function hear(socket: Socket, line: FromAgent): void {
    if (socket !== agent) return;
    if (line.kind === 'ward') {
      const { id, token, key, term: made, process } = line;
      const ward = { id, token, key: key as Key, term: made, process };
      wards.set(id, { ...ward, hasArrived: false, isStill: true });
    } else {
      const { key, first, untilMs, nonce } = line;
      const isGiven = first !== undefined && untilMs !== undefined;
      const warrant = isGiven ? { first: term(first), until: instant(untilMs) } : undefined;
      vouch(guard, key as Key, warrant);
      tell({ kind: 'acknowledged', nonce });
    }
    look();
  }

  function look(): void {
    const now = instant(uptimeMs() + STEP_MS);
    for (const ward of wards.values()) {
      const activity = activityOf(ward.process, boot);
      ward.hasArrived ||= activity === 'paused';
      if (activity === 'gone') wards.delete(ward.id);
    }
    for (const { kind, id } of watch(guard, LAN, now, [...wards.values()])) {
      const ward = wards.get(id);
      if (ward !== undefined) act(ward, kind);
    }
    // A signal of someone else may have let go on what has to stand still.
    for (const { isStill, hasArrived, process } of wards.values())
      if (isStill && hasArrived && activityOf(process, boot) === 'running')
        signalGroup(process, 'SIGSTOP', boot);
  }

  function act(ward: Ward, kind: 'freeze' | 'thaw' | 'kill'): void {
    const { id, token, process } = ward;
    if (kind === 'thaw' && !ward.hasArrived) return;
    const signal = ({ freeze: 'SIGSTOP', thaw: 'SIGCONT', kill: 'SIGKILL' } as const)[kind];
    signalGroup(process, signal, boot);
    ward.isStill = kind !== 'thaw';
    tell({ kind: ({ freeze: 'stands', thaw: 'runs', kill: 'killed' } as const)[kind], id });
    log.info({ instance: token, term: ward.term }, `${signal}: ${kind}`);
    if (kind !== 'kill') return;
    wards.delete(id);
    killAll(path, token);
  }

  killAll(path);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    agent?.destroy();
    agent = socket;
    begin(guard);
    socket.on('error', () => socket.destroy());
    hearAgent(socket, (line) => hear(socket, line));
    tell({ kind: 'alive' });
    look();
  });
  server.listen(path);
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  chmodSync(path, 0o660);
  const timers = [
    setInterval(look, TICK_MS),
    setInterval(() => tell({ kind: 'alive' }), HEARTBEAT_MS),
  ];
  return {
    close() {
      for (const timer of timers) clearInterval(timer);
      killAll(path);
      agent?.destroy();
      server.close();
    },
  };
}

/** Whatever runs under this guard, or what is left of one instance, wherever its processes have gone. */
function killAll(path: string, token?: string): void {
  for (const { stat, environment } of processesWith(GUARD_VARIABLE)) {
    if (environment.get(GUARD_VARIABLE) !== path) continue;
    if (token !== undefined && environment.get(INSTANCE_VARIABLE) !== token) continue;
    if (readStat(stat.pid)?.startTicks !== stat.startTicks) continue;
    try {
      process.kill(stat.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}
