/** The agent's end of the line to its guard: carries warrants and wards, and finds out when it is silent. */
import { connect, type Socket } from 'node:net';
import type { Key } from '../../protocol/base/ids.ts';
import type { Warrant } from '../../protocol/guard/guard.ts';
import type { Input } from '../../protocol/input.ts';
import { EngineError, type GuardReach } from '../engine/engine.ts';
import type { LeaseClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { GateName } from './gates.ts';
import {
  type Body,
  type FromAgent,
  type FromGuard,
  hearGuard,
  say,
  SILENCE_MS,
  uptimeMs,
} from './lines.ts';

/** An instance that waits at its gate. */
export type AtGate = {
  readonly id: string;
  readonly token: string;
  readonly key: Key;
  readonly term: number;
  readonly body: Body;
};

export interface GuardLink extends Disposable {
  readonly socket: string;
  /**
   * Begins to look for the guard; what becomes of it is given as inputs. One that has no hand on what
   * the engine runs is none, and the log says why.
   */
  open(give: (input: Input) => void, reach: GuardReach): void;
  warrant(key: Key, warrant: Warrant | undefined): void;
  /** Resolves when the guard has let the instance go on; rejects if it has not. */
  admit(instance: AtGate): Promise<void>;
  /** Resolves if the guard has its hand on the container whose main process this is. */
  begun(instance: Pick<AtGate, 'id' | 'token'>, pid: number): Promise<void>;
  /** No engine can start the container behind this gate any more. */
  removed(gate: GateName): void;
  /** Whether a guard answers that has a hand on what the engine runs; if not, why, where it said so. */
  standing(): { readonly joined: boolean; readonly why?: string };
  /** Whether the guard has frozen this instance. */
  hasFrozen(id: string): boolean;
}

const RETRY_MS = 200;
const READ_MS = 200;
/** A guard that starts beside its agent, or anew, is not missed for so long. */
const MISSED_MS = 5_000;
/** Longest that an instance waits at its gate. */
const GATE_MS = 5000;

/** Gates whose going was not told yet; of more, cgroups are left until the machine starts anew. */
const UNTOLD_COUNT_MAX = 1024;

export function createGuardLink(socketPath: string, clock: LeaseClock, log: Logger): GuardLink {
  let give: (input: Input) => void = () => {};
  let reach: GuardReach = { kind: 'processes' };
  let complaint: string | undefined;
  let socket: Socket | undefined;
  let isJoined = false;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;
  let silence: NodeJS.Timeout | undefined;
  let missed: NodeJS.Timeout | undefined;
  let trouble = SILENT;
  let nonce = 0;
  const told = new Map<number, { readonly key: Key; readonly warrant: Warrant }>();
  const atGate = new Map<string, (letIn: boolean) => void>();
  const frozen = new Set<string>();
  const untold = new Set<GateName>();

  function dial(): void {
    const made = connect(socketPath);
    socket = made;
    made.on('connect', () => (trouble = SILENT));
    hearGuard(made, (line) => {
      if (socket === made) hear(line);
    });
    made.on('error', (error: NodeJS.ErrnoException) => {
      trouble = error.code ?? error.message;
      made.destroy();
    });
    made.on('close', () => {
      if (socket === made) lost();
    });
  }

  function lost(): void {
    clearTimeout(silence);
    socket?.destroy();
    socket = undefined;
    told.clear();
    frozen.clear();
    for (const settle of atGate.values()) settle(false);
    if (isJoined) give({ kind: 'guardLost' });
    isJoined = false;
    if (isClosed) return;
    miss();
    retry = setTimeout(dial, RETRY_MS);
  }

  /** Once for each time that it goes. */
  function miss(): void {
    missed ??= setTimeout(() => log.warn(missing(socketPath, trouble)), MISSED_MS).unref();
  }

  function hear(line: FromGuard): void {
    clearTimeout(silence);
    // When this agent has stood still itself, what has come meanwhile is read first.
    silence = setTimeout(() => (silence = setTimeout(lost, READ_MS)), SILENCE_MS - READ_MS);
    if (!isJoined && line.kind === 'alive') join(line);
    if (!isJoined) return;
    if (line.kind === 'acknowledged') {
      const known = told.get(line.nonce);
      told.delete(line.nonce);
      if (known !== undefined) give({ kind: 'guardAcknowledged', ...known });
    } else if (line.kind !== 'alive') hearOf(line.id, line.kind);
  }

  function join(guard: Line<'alive'>): void {
    const why = whyNot(reach, guard);
    if (why !== complaint && why !== undefined) log.error(`no strict singleton runs here: ${why}`);
    complaint = why;
    clearTimeout(missed);
    missed = undefined;
    if (why !== undefined) return;
    isJoined = true;
    for (const gate of untold) send({ kind: 'removed', gate });
    untold.clear();
    give({ kind: 'guardJoined' });
  }

  function hearOf(id: string, what: 'runs' | 'stands' | 'killed'): void {
    if (what === 'stands') frozen.add(id);
    else frozen.delete(id);
    const settle = atGate.get(id);
    if (settle !== undefined) settle(what === 'runs');
    else if (what === 'runs') give({ kind: 'instanceThawed', engineId: id });
    else if (what === 'stands') give({ kind: 'instanceFrozen', engineId: id });
  }

  const send = (line: FromAgent): void => {
    if (isJoined && socket !== undefined) say(socket, line);
  };

  /** What the guard answers to a line about this instance. */
  async function asked(id: string, line: FromAgent): Promise<boolean> {
    const answer = Promise.withResolvers<boolean>();
    atGate.set(id, answer.resolve);
    const late = setTimeout(() => answer.resolve(false), GATE_MS);
    send(line);
    const isIn = isJoined && (await answer.promise);
    clearTimeout(late);
    atGate.delete(id);
    return isIn;
  }

  function refused({ token }: Pick<AtGate, 'token'>, why: string): EngineError {
    const cause = isJoined ? why : 'no guard answers';
    return new EngineError('failed', `${token} was not let in: ${cause}; it is tried again`);
  }

  return {
    socket: socketPath,
    open(to, needed) {
      give = to;
      reach = needed;
      miss();
      dial();
    },
    warrant(key, warrant) {
      nonce += 1;
      if (warrant === undefined) return send({ kind: 'warrant', key, nonce });
      told.set(nonce, { key, warrant });
      // In this order: what passes between the two readings makes V earlier, never later.
      const upMs = uptimeMs();
      const untilMs = upMs + (warrant.until - clock.now());
      send({ kind: 'warrant', key, first: warrant.first, untilMs, nonce });
    },
    async admit(instance) {
      if (await asked(instance.id, { kind: 'ward', ...instance })) return;
      throw refused(instance, 'its lease does not last long enough');
    },
    async begun(instance, pid) {
      if (await asked(instance.id, { kind: 'begun', id: instance.id, pid })) return;
      throw refused(instance, 'it has ended at once, or runs where the guard has no hand on it');
    },
    removed(gate) {
      if (isJoined) send({ kind: 'removed', gate });
      else if (untold.size < UNTOLD_COUNT_MAX) untold.add(gate);
    },
    standing: () => ({
      joined: isJoined,
      ...(socket?.readyState === 'open' && complaint !== undefined ? { why: complaint } : {}),
    }),
    hasFrozen: (id) => frozen.has(id),
    [Symbol.dispose]() {
      isClosed = true;
      isJoined = false;
      clearTimeout(retry);
      clearTimeout(silence);
      clearTimeout(missed);
      socket?.destroy();
    },
  };
}

/** It took the connection. */
const SILENT = 'it says nothing';

const missing = (socket: string, why: string): string =>
  `no strict singleton runs here: no guard answers on ${socket} (${why}); ` +
  'start it: sudo systemctl restart agentd-guard';

type Line<K extends FromGuard['kind']> = Extract<FromGuard, { readonly kind: K }>;

/** Why this guard is of no use to this engine, and what to do; undefined: it is of use. */
function whyNot(reach: GuardReach, { cgroups, why }: Line<'alive'>): string | undefined {
  if (reach.kind === 'processes') return undefined;
  if (reach.kind === 'none') return reach.why;
  if (cgroups === reach.version) return undefined;
  const found =
    cgroups === undefined ? (why ?? 'it says nothing of cgroups') : `it finds ${cgroups}`;
  return (
    `its guard has no hand on the containers, whose cgroups are ${reach.version} (${found}); ` +
    'run agentd guard as root, beside the Docker Engine'
  );
}
