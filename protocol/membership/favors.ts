/**
 * Asking other watchers to look, and looking for them: what cannot be heard from here may be heard
 * from there. A helper probes for whoever asks and answers with what it heard, or with a nack once
 * most of a probe's time is over: that says that it lives and has looked.
 *
 *     asker ──probeFor──▶ helper ──probe──▶ subject          no answer within 4/5 of a probe:
 *     asker ◀─probeForAck─ helper ◀─probeAck─ subject        asker ◀─probeForAck, nothing heard─ helper
 *
 * Source: SWIM (Das et al., DSN 2002) §3.1; the nack is Lifeguard's (§IV-A).
 */
import type { HostId } from '../base/ids.ts';
import { next } from '../base/prng.ts';
import { after, earlier, type Instant, millis } from '../base/time.ts';
import { FAVORS_MAX } from '../limits.ts';
import { send, type Turn } from '../turn.ts';
import type { ProbeAck, ProbeFor } from '../wire/message.ts';
import type { Evidence } from './member.ts';
import type { Membership } from './table.ts';

/** A probe of ours on behalf of another. */
export type Favor = {
  readonly asker: HostId;
  /** The asker's own. */
  readonly nonce: number;
  readonly about: HostId;
  readonly nackAt: Instant;
};

/** Helpers asked for one probe. */
export const HELPERS_MAX = 3;

export function onProbeFor(m: Membership, turn: Turn, asker: HostId, asked: ProbeFor): void {
  const { about, nonce } = asked;
  if (about === turn.self) {
    const { boot } = turn;
    return answer(turn, { asker, nonce, about }, { boot, incarnation: m.incarnation });
  }
  if (!m.members.has(about)) return;
  if (m.favors.size >= FAVORS_MAX) return answer(turn, { asker, nonce, about }, undefined);
  const own = next(turn.prng);
  const nackAt = after(turn.now, millis(Math.floor((turn.config.probeMs * 4) / 5)));
  m.favors.set(own, { asker, nonce, about, nackAt });
  send(turn, about, { kind: 'probe', nonce: own });
}

/** The answer to a probe; if that was for another, it is passed on. */
export function passOn(m: Membership, turn: Turn, from: HostId, ack: ProbeAck): void {
  const favor = m.favors.get(ack.nonce);
  if (favor?.about !== from) return;
  m.favors.delete(ack.nonce);
  answer(turn, favor, { boot: ack.boot, incarnation: ack.incarnation });
}

/** Says of every host that has not answered in time that it has not. */
export function giveUpFavors(m: Membership, turn: Turn): void {
  for (const [own, favor] of m.favors) {
    if (turn.now < favor.nackAt) continue;
    m.favors.delete(own);
    answer(turn, favor, undefined);
  }
}

export function favorsDeadline(m: Membership): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { nackAt } of m.favors.values()) deadline = earlier(deadline, nackAt);
  return deadline;
}

function answer(
  turn: Turn,
  { asker, nonce, about }: Pick<Favor, 'asker' | 'nonce' | 'about'>,
  heard: Evidence | undefined,
): void {
  send(turn, asker, {
    kind: 'probeForAck',
    nonce,
    about,
    ...(heard === undefined ? {} : { heard }),
  });
}
