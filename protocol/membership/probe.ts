/**
 * Asking whether a host lives: a message to its agent, a fresh connect to its port, and through other
 * watchers (`favors.ts`), all at once.
 */
import type { HostId } from '../base/ids.ts';
import { next } from '../base/prng.ts';
import { send, type Turn } from '../turn.ts';
import type { Probe } from '../wire/message.ts';
import { HELPERS_MAX } from './favors.ts';
import { stretched, worsen } from './local-health.ts';
import { type Membership, otherWatchers } from './table.ts';
import type { Probing } from './watch.ts';

/** Probes a watched host at once, unless a probe is under way or it is accused already. */
export function startProbe(m: Membership, turn: Turn, host: HostId): void {
  const watch = m.watched.get(host);
  if (watch === undefined || watch.probe !== undefined || watch.insistAt !== undefined) return;
  const probe: Probing = {
    nonce: next(turn.prng),
    sentAt: turn.now,
    lengthMs: stretched(turn.config.probeMs, m.localHealth),
    repeated: false,
    unanswered: otherWatchers(m, turn, host)
      .filter((id) => isUndoubted(m, id))
      .slice(0, HELPERS_MAX),
  };
  m.watched.set(host, { ...watch, probe });
  ask(turn, host, probe);
  turn.out.push({ kind: 'connectProbe', host });
}

/** Whoever has not answered may have missed the question. */
export function probeAgain(m: Membership, turn: Turn, host: HostId): void {
  const watch = m.watched.get(host);
  if (watch?.probe === undefined) return;
  m.watched.set(host, { ...watch, probe: { ...watch.probe, repeated: true } });
  ask(turn, host, watch.probe);
}

function ask(turn: Turn, about: HostId, { nonce, unanswered }: Probing): void {
  send(turn, about, { kind: 'probe', nonce });
  for (const helper of unanswered) send(turn, helper, { kind: 'probeFor', nonce, about });
}

export function onProbe(m: Membership, turn: Turn, from: HostId, { nonce }: Probe): void {
  const { boot } = turn;
  send(turn, from, { kind: 'probeAck', nonce, boot, incarnation: m.incarnation });
}

/**
 * A probe has failed. A helper that answered nothing, though nobody doubts it, may have been heard by
 * everyone but us.
 */
export function noteFailed(m: Membership, turn: Turn, { unanswered }: Probing): void {
  const missed = unanswered.filter((id) => isUndoubted(m, id)).length;
  m.localHealth = worsen(m.localHealth, missed, turn.now);
}

const isUndoubted = (m: Membership, id: HostId): boolean =>
  m.members.get(id)?.health === 'alive' && m.watched.get(id)?.probe === undefined;
