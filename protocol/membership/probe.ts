/** Asking a host directly whether it lives: a message to its agent and, beside it, a fresh connect. */
import type { HostId } from '../base/ids.ts';
import { next } from '../base/prng.ts';
import { send, type Turn } from '../turn.ts';
import type { Probe } from '../wire/message.ts';
import type { Membership } from './table.ts';

/** Probes a watched host at once, unless a probe is under way or it is accused already. */
export function startProbe(m: Membership, turn: Turn, host: HostId): void {
  const watch = m.watched.get(host);
  if (watch === undefined || watch.probe !== undefined || watch.insistAt !== undefined) return;
  const nonce = next(turn.prng);
  m.watched.set(host, { ...watch, probe: { nonce, sentAt: turn.now, repeated: false } });
  send(turn, host, { kind: 'probe', nonce });
  turn.out.push({ kind: 'connectProbe', host });
}

export function onProbe(m: Membership, turn: Turn, from: HostId, { nonce }: Probe): void {
  const { boot } = turn;
  send(turn, from, { kind: 'probeAck', nonce, boot, incarnation: m.incarnation });
}
