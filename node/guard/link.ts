/** The agent's end of the line to its guard: carries warrants and wards, and finds out when it is silent. */
import { connect, type Socket } from 'node:net';
import type { Key } from '../../protocol/base/ids.ts';
import type { Warrant } from '../../protocol/guard/guard.ts';
import type { Input } from '../../protocol/input.ts';
import { EngineError } from '../engine/engine.ts';
import type { ProcessIdentity } from '../engine/process/identity.ts';
import type { LeaseClock } from '../clock.ts';
import { type FromAgent, type FromGuard, hearGuard, say, SILENCE_MS, uptimeMs } from './lines.ts';

/** An instance that has stopped itself at its gate. */
export type AtGate = {
  readonly id: string;
  readonly token: string;
  readonly key: Key;
  readonly term: number;
  readonly process: ProcessIdentity;
};

export interface GuardLink extends Disposable {
  /** Begins to look for the guard; what becomes of it is given as inputs. */
  open(give: (input: Input) => void): void;
  warrant(key: Key, warrant: Warrant | undefined): void;
  /** Resolves when the guard has let the instance go on; rejects if it has not. */
  admit(instance: AtGate): Promise<void>;
}

const RETRY_MS = 200;
const READ_MS = 200;
/** Longest that an instance waits at its gate. */
const GATE_MS = 5000;

export function createGuardLink(path: string, clock: LeaseClock): GuardLink {
  let give: (input: Input) => void = () => {};
  let socket: Socket | undefined;
  let isJoined = false;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;
  let silence: NodeJS.Timeout | undefined;
  let nonce = 0;
  const told = new Map<number, { readonly key: Key; readonly warrant: Warrant }>();
  const atGate = new Map<string, (letIn: boolean) => void>();

  function dial(): void {
    const made = connect(path);
    socket = made;
    hearGuard(made, (line) => {
      if (socket === made) hear(line);
    });
    made.on('error', () => made.destroy());
    made.on('close', () => {
      if (socket === made) lost();
    });
  }

  function lost(): void {
    clearTimeout(silence);
    socket?.destroy();
    socket = undefined;
    told.clear();
    for (const settle of atGate.values()) settle(false);
    if (isJoined) give({ kind: 'guardLost' });
    isJoined = false;
    if (!isClosed) retry = setTimeout(dial, RETRY_MS);
  }

  function hear(line: FromGuard): void {
    clearTimeout(silence);
    // When this agent has stood still itself, what has come meanwhile is read first.
    silence = setTimeout(() => (silence = setTimeout(lost, READ_MS)), SILENCE_MS - READ_MS);
    if (!isJoined) {
      isJoined = true;
      give({ kind: 'guardJoined' });
    }
    if (line.kind === 'acknowledged') {
      const known = told.get(line.nonce);
      told.delete(line.nonce);
      if (known !== undefined) give({ kind: 'guardAcknowledged', ...known });
    } else if (line.kind !== 'alive') hearOf(line.id, line.kind);
  }

  function hearOf(id: string, what: 'runs' | 'stands' | 'killed'): void {
    const settle = atGate.get(id);
    if (settle !== undefined) settle(what === 'runs');
    else if (what === 'runs') give({ kind: 'instanceThawed', engineId: id });
    else if (what === 'stands') give({ kind: 'instanceFrozen', engineId: id });
  }

  const send = (line: FromAgent): void => {
    if (isJoined && socket !== undefined) say(socket, line);
  };

  return {
    open(to) {
      give = to;
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
      const answer = Promise.withResolvers<boolean>();
      atGate.set(instance.id, answer.resolve);
      const late = setTimeout(() => answer.resolve(false), GATE_MS);
      send({ kind: 'ward', ...instance });
      const isIn = isJoined && (await answer.promise);
      clearTimeout(late);
      atGate.delete(instance.id);
      if (isIn) return;
      const why = isJoined ? 'its lease does not last long enough' : 'no guard answers';
      const message = `${instance.token} was not let in: ${why}; it is tried again`;
      throw new EngineError('failed', message);
    },
    [Symbol.dispose]() {
      isClosed = true;
      isJoined = false;
      clearTimeout(retry);
      clearTimeout(silence);
      socket?.destroy();
    },
  };
}
