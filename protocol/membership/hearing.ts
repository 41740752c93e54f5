/**
 * Messages as proof of life, and what others say: of hosts, and of us.
 *
 * A message proves that its sender lived, not that a rumor of its death was wrong for everyone: only
 * its own refutation, under a higher incarnation, changes what all believe (M3).
 */
import { type HostId, incarnation } from '../base/ids.ts';
import { journal, publish, send, type Turn } from '../turn.ts';
import type { Beat, Heartbeat, ProbeAck, ProbeForAck, Rumor } from '../wire/message.ts';
import { passOn } from './favors.ts';
import { afterHeard } from './grace.ts';
import { reassure, worsen } from './local-health.ts';
import { believe, confirm, type Evidence, hear, type Member, supersedes } from './member.ts';
import { startProbe } from './probe.ts';
import { beliefIn, brief, rumorOf, tell } from './rumors.ts';
import { change, isWatcher, type Membership, noticeStall } from './table.ts';

/** Any authenticated message of a member's own; `evidence` if it says boot and incarnation. */
export function noteHeard(m: Membership, turn: Turn, host: HostId, evidence?: Evidence): void {
  noticeStall(m, turn);
  const was = m.members.get(host);
  if (was === undefined) return;
  const is = hear(was, turn.now, evidence);
  if (is === was) return; // from an older boot
  const watch = m.watched.get(host);
  if (watch?.probe !== undefined) {
    m.watched.set(host, { ...watch, probe: undefined });
    m.localHealth = reassure(m.localHealth);
  }
  const graces = m.graces.get(host);
  for (const [watcher, grace] of graces ?? []) graces?.set(watcher, afterHeard(grace));
  change(m, turn, host, is, revival(was, is));
  if (is.boot > was.boot && m.watched.has(host)) brief(m, turn, host);
  // Also one that has left: a copy of its disk may have said so, under the same boot.
  if (is.health !== 'alive') tell(m, turn, host, is);
}

const revival = (was: Member, is: Member): string =>
  is.boot > was.boot
    ? `its agent has started again (boot ${is.boot})`
    : `it refuted (incarnation ${is.incarnation})`;

export function onBeat(m: Membership, turn: Turn, from: HostId, beat: Beat): void {
  noteHeard(m, turn, from, beat);
}

export function onProbeAck(m: Membership, turn: Turn, from: HostId, ack: ProbeAck): void {
  passOn(m, turn, from, ack);
  noteHeard(m, turn, from, ack);
}

/** A helper has looked. What it heard is the subject's own word, if our probe is not over. */
export function onProbeForAck(m: Membership, turn: Turn, from: HostId, ack: ProbeForAck): void {
  const { about, nonce, heard } = ack;
  const watch = m.watched.get(about);
  if (watch?.probe?.nonce !== nonce) return;
  if (heard !== undefined) return noteHeard(m, turn, about, heard);
  const unanswered = watch.probe.unanswered.filter((id) => id !== from);
  m.watched.set(about, { ...watch, probe: { ...watch.probe, unanswered } });
}

/** From gossip, which repeats and delays: only one newer than all before proves anything. */
export function onHeartbeat(m: Membership, turn: Turn, heartbeat: Heartbeat): void {
  const { host, boot, seq } = heartbeat;
  const known = m.members.get(host);
  if (known === undefined || boot < known.boot) return;
  if (boot === known.boot && known.heartbeat !== undefined && seq <= known.heartbeat.seq) return;
  noteHeard(m, turn, host, heartbeat);
  const heard = m.members.get(host);
  if (heard !== undefined) m.members.set(host, { ...heard, heartbeat });
}

/** `by`: who said it, as far as we can tell: the sender, or the author that gossip names. */
export function onRumor(m: Membership, turn: Turn, by: HostId, rumor: Rumor): void {
  const { about } = rumor;
  if (by === turn.self) return;
  if (about === turn.self) return refute(m, turn, by, rumor);
  const was = m.members.get(about);
  if (was === undefined) return;
  if (rumor.health === 'alive') {
    if (by === about && supersedes(rumor, was)) noteHeard(m, turn, about, rumor); // M3
    return;
  }
  const believed = believe(was, beliefIn(rumor, turn.now), turn.now);
  const is = isWatcher(m, turn, by, about) ? confirm(believed, rumor, by) : believed;
  change(m, turn, about, is, `says ${by}`);
  // A watcher does not wait for its own doubt: it looks at once, and confirms or hears an answer.
  if (is.health === 'suspect' && is !== was) startProbe(m, turn, about);
}

/** News of our own death: we raise our incarnation above it, tell all, and the accuser directly. */
function refute(m: Membership, turn: Turn, by: HostId, rumor: Rumor): void {
  // Of a newer boot than ours: not for us to refute. That is a copied disk; the leases find it out.
  if (rumor.health === 'alive' || rumor.boot > turn.boot) return;
  const current = rumor.boot === turn.boot && rumor.incarnation >= m.incarnation;
  if (current) m.incarnation = incarnation(rumor.incarnation + 1);
  const { boot } = turn;
  const refutation = rumorOf(turn, turn.self, {
    health: 'alive',
    boot,
    incarnation: m.incarnation,
  });
  if (current) {
    m.localHealth = worsen(m.localHealth, 1, turn.now);
    publish(turn, refutation);
    journal(turn, 'health', [turn.self, by], `refuted: ${by} said ${rumor.health}`);
  }
  // Old news too: whoever still believes it has missed the refutation.
  if (m.members.has(by)) send(turn, by, refutation);
}
