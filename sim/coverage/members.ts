/** Rare states of what hosts believe of each other, and of what they know of each other's inventories. */
import type { HostId } from '../../protocol/base/ids.ts';
import { FOREVER } from '../../protocol/base/time.ts';
import type { Delta, InventoryDelta, ProbeForAck, Rumor } from '../../protocol/wire/message.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import { hasData } from '../../protocol/placement/fit.ts';
import { type Agent, type Host, isPaused, localNow } from '../host.ts';
import { type Moment, type Observer, sometimes } from './observer.ts';

/** A rumor is published. */
export function seeRumor(observer: Observer, rumor: Rumor): void {
  if (rumor.health === 'alive' && rumor.by === rumor.about) sometimes(observer, 'refuted');
}

/** A fresh connect has come to its end. */
export function seeConnect(observer: Observer, { host, agent, input }: Moment): void {
  if (input.kind !== 'connectProbed') return;
  const grace = agent.core.membership.graces.get(input.host)?.get(host.id);
  if (grace === undefined) return;
  const believed = agent.core.membership.members.get(input.host);
  if (grace.connected && believed?.health === 'suspect') sometimes(observer, 'stall-waited-out');
  if (input.outcome === 'refused' && grace.spared) sometimes(observer, 'grace-given');
  // The second in a row is the one that ends it.
  if (input.outcome === 'silent' && grace.misses === 2 && observer.seen.has('grace-given'))
    sometimes(observer, 'grace-ended');
}

/** A change of an inventory arrives by gossip. */
export function seeGossip(
  observer: Observer,
  { agent, life }: Moment,
  { owner, boot, from }: InventoryDelta,
): void {
  const known = agent.core.inventories.byOwner.get(owner);
  if (known?.boot !== boot || from <= known.version) return;
  life.gaps.set(owner, from);
  sometimes(observer, 'gap-met');
}

/** What a host has asked for arrives. */
export function seeDelta(observer: Observer, { agent, life }: Moment, delta: Delta): void {
  for (const { owner } of delta.inventories) {
    const gap = life.gaps.get(owner);
    const version = agent.core.inventories.byOwner.get(owner)?.version ?? 0;
    if (gap === undefined || version < gap) continue;
    life.gaps.delete(owner);
    sometimes(observer, 'gap-repaired');
  }
}

/** A helper has answered. */
export function seeHelp(
  observer: Observer,
  { agent, now }: Moment,
  { about, heard }: ProbeForAck,
): void {
  const heardAt = agent.core.membership.members.get(about)?.lastHeardAt;
  if (heard !== undefined && heardAt === localNow(agent, now))
    sometimes(observer, 'heard-through-another');
}

function lookAtDecisions(observer: Observer, { agent }: Moment): void {
  const { past, byOwner } = agent.core.inventories;
  if (past.size > 0) sometimes(observer, 'earlier-decisions-known');
  if (observer.seen.has('decisions-of-the-gone')) return;
  const gone = observer.world.hosts.filter(({ lost }) => lost);
  const told = gone.flatMap(({ id }) => [...(byOwner.get(id)?.entries.values() ?? [])]);
  if (told.some(({ kind }) => kind === 'decision')) sometimes(observer, 'decisions-of-the-gone');
}

export function lookAtMembers(observer: Observer, moment: Moment): void {
  lookAtDecisions(observer, moment);
  const { agent, life, now } = moment;
  const { membership, heldBackUntil } = agent.core;
  if (heldBackUntil !== FOREVER && localNow(agent, now) < heldBackUntil)
    sometimes(observer, 'held-back');
  const { phase } = agent.core.brake;
  if (phase !== 'free') sometimes(observer, phase === 'held' ? 'braked' : 'brake-eased');
  if (membership.localHealth.score > 0) sometimes(observer, 'ears-distrusted');
  if (membership.version === life.membership) return;
  life.membership = membership.version;
  const dead = new Map<HostId, number>();
  seeLeft(observer, moment);
  seeDismissed(observer, moment);
  for (const { deaths } of membership.flaps.values())
    if (deaths > 1) sometimes(observer, 'host-flapped');
  for (const [id, { health, boot }] of membership.members)
    if (health === 'dead') dead.set(id, boot);
  for (const [id, boot] of life.dead) seeReturned(observer, moment, id, boot);
  life.dead = dead;
  for (const id of dead.keys()) seeDead(observer, moment.host, id, now);
}

function seeDismissed(observer: Observer, { host, agent }: Moment): void {
  const { knowledge, council } = agent.core;
  if (knowledge?.isDismissed === true) {
    observer.dismissed.add(host.id);
    sometimes(observer, 'dismissed');
    if (votersOf(council.roster).includes(host.id)) sometimes(observer, 'dismissed-as-voter');
  } else if (observer.dismissed.delete(host.id)) {
    sometimes(observer, 'let-in-again');
  }
}

/** A host decides who is a member. */
export function seeForgotten(observer: Observer, text: string): void {
  if (!text.startsWith('forgotten, ')) return;
  if (text.includes('it leaves')) return sometimes(observer, 'has-left');
  sometimes(observer, text.includes('a user') ? 'forgotten-by-user' : 'forgotten-in-time');
}

function seeLeft(observer: Observer, { agent, life }: Moment): void {
  for (const [id, { health, backBy }] of agent.core.membership.members) {
    if (backBy !== undefined && hasDataAt(agent, id)) sometimes(observer, 'reboot-waited-for');
    if (health === 'left') {
      life.left.add(id);
      sometimes(observer, 'left-for-good');
    } else if (life.left.delete(id)) {
      sometimes(observer, 'left-came-back');
    }
  }
}

const hasDataAt = ({ core }: Agent, id: HostId): boolean =>
  [...(core.knowledge?.assignments.values() ?? [])].some(
    ({ component: { spec, slots } }) => hasData(spec) && slots.some(({ host }) => host === id),
  );

/** What a host says of others that have left. */
export function seeOverdue(observer: Observer, text: string): void {
  if (text.startsWith('left: it has rebooted')) sometimes(observer, 'reboot-overdue');
}

/** It was believed dead when it was in this boot. */
function seeReturned(observer: Observer, { agent }: Moment, id: HostId, was: number): void {
  const member = agent.core.membership.members.get(id);
  if (member?.health !== 'alive') return;
  sometimes(observer, member.boot > was ? 'dead-came-back' : 'dead-lived');
}

function seeDead(observer: Observer, host: Host, id: HostId, now: number): void {
  const { world, panel } = observer;
  const other = world.byId.get(id);
  if (other?.agent === undefined) return;
  const runs = !isPaused(other, now) && !isPaused(host, now);
  if (runs && other.agent.core.membership.members.get(host.id)?.health === 'dead')
    sometimes(observer, 'dead-each-other');
  for (const key of panel.leases.keysOf.get(other) ?? [])
    if (now < (panel.leases.holds.get(key)?.get(other)?.until ?? 0))
      sometimes(observer, 'dead-yet-leading');
}
