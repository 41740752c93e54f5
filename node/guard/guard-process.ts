/**
 * `agentd guard`: a small process beside the agent that freezes, thaws and kills strict instances by the
 * rules of `protocol/guard/guard.ts`, and by them alone, though the agent and the engine hang or are gone.
 *
 * It has its own hand on groups of processes, as the embedded engine makes them, and on containers by
 * their cgroups (`gates.ts`). Each strict instance waits at its gate, before the first instruction of its
 * program, until the guard lets it go on: there is no other start. A container's gate that was shut is
 * emptied again whenever something has come into it, until no engine can start that container any more.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Key } from '../../protocol/base/ids.ts';
import { term } from '../../protocol/base/ids.ts';
import { instant } from '../../protocol/base/time.ts';
import { LAN } from '../../protocol/config.ts';
import { begin, createGuard, vouch, watch } from '../../protocol/guard/guard.ts';
import { readBootId } from '../engine/process/identity.ts';
import type { Logger } from '../log.ts';
import { CGROUP_MOUNT, type Gate, type Gates, openGates } from './gates.ts';
import {
  type ContainerHand,
  type Hand,
  handOnContainer,
  handOnProcess,
  killProcesses,
} from './hand.ts';
import { type FromAgent, type FromGuard, hearAgent, HEARTBEAT_MS, say, uptimeMs } from './lines.ts';

/** The exception that users are told: so long an instance may run after its machine was suspended. */
const TICK_MS = 50;
/** The uptime is shown in steps of this. */
const STEP_MS = 10;
const REMEDY = 'where this host works with Docker, run the guard as root on the machine itself';

type Ward = {
  readonly id: string;
  readonly token: string;
  readonly key: Key;
  readonly term: number;
  readonly hand: Hand | ContainerHand;
  /** As the guard wants it. */
  isStill: boolean;
};

type Line<K extends FromAgent['kind']> = Extract<FromAgent, { readonly kind: K }>;
type Reach = { readonly gates: Gates } | { readonly why: string };

export type GuardProcess = { readonly close: () => void };

/** Serves one agent at `path`. Kills what it finds of an earlier life: nobody vouches for that. */
export async function openGuard(
  path: string,
  log: Logger,
  mount: string = CGROUP_MOUNT,
): Promise<GuardProcess> {
  const guard = createGuard();
  const wards = new Map<string, Ward>();
  /** Of containers that may not run any more, by their folders. */
  const shut = new Map<string, Gate>();
  const boot = readBootId();
  const reach = reachOf(path, mount);
  let agent: Socket | undefined;

  const tell = (line: FromGuard): void => {
    if (agent?.writable === true) say(agent, line);
  };
  const alive = (): void =>
    'gates' in reach
      ? tell({ kind: 'alive', cgroups: reach.gates.version })
      : tell({ kind: 'alive', why: reach.why });

  function hear(socket: Socket, line: FromAgent): void {
    if (socket !== agent) return;
    switch (line.kind) {
      case 'ward':
        hearWard(line);
        break;
      case 'begun':
        return hearBegun(line);
      case 'removed':
        return 'gates' in reach ? removeGate(reach.gates.at(line.gate)) : undefined;
      case 'warrant': {
        const { key, first, untilMs, nonce } = line;
        const isGiven = first !== undefined && untilMs !== undefined;
        const warrant = isGiven ? { first: term(first), until: instant(untilMs) } : undefined;
        vouch(guard, key as Key, warrant);
        tell({ kind: 'acknowledged', nonce });
      }
    }
    look();
  }

  function hearWard({ id, token, key, term: made, body }: Line<'ward'>): void {
    try {
      const hand =
        body.kind === 'process'
          ? handOnProcess(body, { boot, socket: path, token })
          : handOnContainer(gatesOf(reach).at(body.gate), id);
      const ward = { id, token, key: key as Key, term: made, hand };
      wards.set(id, { ...ward, isStill: true });
    } catch (error) {
      log.error({ instance: token, error: String(error) }, 'it is not let in: no gate can be made');
      tell({ kind: 'killed', id });
    }
  }

  /** Whoever is not behind its own gate was never held by it. */
  function hearBegun({ id, pid }: Line<'begun'>): void {
    const ward = wards.get(id);
    if (ward !== undefined && 'begin' in ward.hand && ward.hand.begin(pid))
      return tell({ kind: 'runs', id });
    if (ward === undefined) return tell({ kind: 'killed', id });
    log.warn(
      { instance: ward.token, pid },
      'its main process has ended, or is not behind its gate',
    );
    attempt(ward.token, () => act(ward, 'kill'));
  }

  function look(): void {
    const now = instant(uptimeMs() + STEP_MS);
    for (const ward of wards.values()) if (ward.hand.isGone()) forget(ward);
    for (const { kind, id } of watch(guard, LAN, now, [...wards.values()])) {
      const ward = wards.get(id);
      if (ward !== undefined) attempt(ward.token, () => act(ward, kind));
    }
    // A signal of someone else may have let go on what has to stand still.
    for (const { isStill, token, hand } of wards.values())
      if (isStill && hand.hasArrived() && !hand.isStill()) attempt(token, () => hand.freeze());
    for (const gate of shut.values()) if (!gate.isEmpty()) attempt(gate.folder, () => gate.kill());
  }

  /** What the kernel does not let us do now is tried again at the next look. */
  function attempt(instance: string, deed: () => void): void {
    try {
      deed();
    } catch (error) {
      log.error({ instance, error: String(error) }, 'the kernel refuses; it is tried again');
    }
  }

  function act(ward: Ward, kind: 'freeze' | 'thaw' | 'kill'): void {
    const { id, token, hand } = ward;
    if (kind === 'thaw' && !hand.hasArrived()) return;
    hand[kind]();
    ward.isStill = kind !== 'thaw';
    tell({ kind: ({ freeze: 'stands', thaw: 'runs', kill: 'killed' } as const)[kind], id });
    log.info({ instance: token, term: ward.term }, kind);
    if (kind === 'kill') forget(ward);
  }

  function forget({ id, hand }: Ward): void {
    wards.delete(id);
    if ('gate' in hand) shutGate(hand.gate);
  }

  function shutGate(gate: Gate): void {
    shut.set(gate.folder, gate);
    attempt(gate.folder, () => (gate.isEmpty() ? gate.close() : gate.kill()));
  }

  function removeGate(gate: Gate): void {
    for (const { id, hand } of wards.values())
      if ('gate' in hand && hand.gate.folder === gate.folder) wards.delete(id);
    shut.delete(gate.folder);
    if (gate.isEmpty()) gate.remove();
    else shutGate(gate);
  }

  killProcesses(path);
  if ('gates' in reach) reach.gates.left().forEach(shutGate);
  else log.warn(`no strict container can run here: ${reach.why}; ${REMEDY}`);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    agent?.destroy();
    agent = socket;
    begin(guard);
    socket.on('error', () => socket.destroy());
    hearAgent(socket, (line) => hear(socket, line));
    alive();
    look();
  });
  server.listen(path);
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  chmodSync(path, 0o660);
  const timers = [setInterval(look, TICK_MS), setInterval(alive, HEARTBEAT_MS)];
  return {
    close() {
      for (const timer of timers) clearInterval(timer);
      killProcesses(path);
      wards.forEach(forget);
      agent?.destroy();
      server.close();
    },
  };
}

function reachOf(socket: string, mount: string): Reach {
  try {
    return { gates: openGates(socket, mount) };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

function gatesOf(reach: Reach): Gates {
  if ('gates' in reach) return reach.gates;
  throw new Error(reach.why);
}
