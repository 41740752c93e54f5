/** Rare states of leases: what voters answer, how leaders come and go, whose clock runs how. */
import type { Key } from '../../protocol/base/ids.ts';
import { NEVER } from '../../protocol/base/time.ts';
import { turnOf } from '../../protocol/core/state.ts';
import type { Effect } from '../../protocol/effect.ts';
import { heldUntil, type Hold } from '../../protocol/lease/hold.ts';
import { classOf } from '../../protocol/lease/class.ts';
import { countsUntil, sessionWith } from '../../protocol/lease/links.ts';
import type { Leases } from '../../protocol/lease/leases.ts';
import { sameGrant } from '../../protocol/lease/voter.ts';
import type {
  Accept,
  AcceptAck,
  KeepaliveAck,
  PrepareAck,
  Revoke,
} from '../../protocol/wire/message.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import { type Host, isPaused, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import { type Moment, type Observer, sometimes } from './observer.ts';

/** A voter answers a candidate. */
export function seePrepareAck(observer: Observer, moment: Moment, ack: PrepareAck): void {
  const { host, agent, now } = moment;
  for (const { key, ballot, status } of ack.items) {
    if (status === 'nack') sometimes(observer, 'ballots-cross');
    else observer.promises.set(`${host.index} ${key}`, { ballot, life: agent });
    if (status === 'held') sometimes(observer, 'challenge-while-held');
    if (status !== 'silent') continue;
    const readyAt = agent.core.leases?.voter.readyAt ?? NEVER;
    const isEarly = localNow(agent, now) < readyAt;
    sometimes(observer, isEarly ? 'silent-after-restart' : 'silent-until-confirmed');
  }
}

export function seeAccept(observer: Observer, { host, agent }: Moment, accept: Accept): void {
  for (const { key, ballot } of accept.items) {
    const promise = observer.promises.get(`${host.index} ${key}`);
    if (promise?.ballot === ballot && promise.life !== agent)
      sometimes(observer, 'accept-after-restart');
  }
}

/** A voter has answered `accept`, which `from` had sent; seen with what it holds since. */
export function seeAcceptAck(observer: Observer, moment: Moment, ack: AcceptAck): void {
  const { agent, input, now } = moment;
  const voter = agent.core.leases?.voter;
  if (voter === undefined || input.kind !== 'messageReceived') return;
  const { from } = input;
  const at = localNow(agent, now);
  for (const { key, ballot, ok } of ack.items) {
    if (ok) continue;
    const session = voter.sessions[classOf(key)].get(from);
    const isOpen =
      session?.sid === ack.sid && sameGrant(session.grant, ack.grant) && at < session.expiresAt;
    if (!isOpen) {
      sometimes(observer, 'accept-without-session');
      continue;
    }
    const place = voter.places.get(key);
    if (place?.binding === undefined) continue;
    const { promised, by, binding } = place;
    const isOwn = by?.host === from && by.sid === ack.sid;
    const isPromised = ballot > promised || (ballot === promised && isOwn);
    const isTaken = binding.session.owner !== from && at < binding.session.expiresAt;
    if (isPromised && isTaken) sometimes(observer, 'overwrite-refused');
  }
}

/** A voter has answered a keepalive. */
export function seeKeepaliveAck(observer: Observer, { agent }: Moment, ack: KeepaliveAck): void {
  if (ack.yourBoot > ack.sid) sometimes(observer, 'old-life-heard');
  const places = agent.core.leases?.voter.places;
  for (const { key } of ack.bindings)
    if (places?.get(key)?.binding?.session.sid !== ack.sid)
      sometimes(observer, 'old-session-binds');
}

/** A host has heard from a voter what that voter holds for it. */
export function seeReturn(observer: Observer, { input, effects }: Moment): void {
  if (input.kind !== 'messageReceived') return;
  const told = new Set<string>();
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'release') told.add(effect.to);
  if (told.size === 1 && told.has(input.from)) sometimes(observer, 'leak-returned');
}

/** A user has asked the leader of a key to let another host lead it. */
export function seeHandOver(observer: Observer, { effects }: Moment): void {
  if (effects.some((effect) => effect.kind === 'leaseChanged' && effect.event === 'ended'))
    sometimes(observer, 'handed-over');
}

/** A voter is told to take keys from their holder. */
export function seeRevoke(observer: Observer, { agent }: Moment, { items }: Revoke): void {
  for (const { key, ballot } of items) {
    const binding = agent.core.leases?.voter.places.get(key)?.binding;
    if (binding !== undefined && binding.ballot > ballot) sometimes(observer, 'revoked-too-late');
  }
}

/** A host has heard that keys were taken from it. */
export function seeTaken(observer: Observer, { effects }: Moment): void {
  if (effects.some((effect) => effect.kind === 'leaseChanged' && effect.event === 'ended'))
    sometimes(observer, 'taken-by-force');
}

export function seeLeaving(observer: Observer, { effects }: Moment): void {
  if (effects.some((effect) => effect.kind === 'leaseChanged' && effect.event === 'ended'))
    sometimes(observer, 'left-as-leader');
}

export function seePrepare(observer: Observer, { agent }: Moment, key: Key): void {
  if (agent.core.leases?.holder.holds.get(key)?.term !== undefined)
    sometimes(observer, 'raise-while-held');
}

type LeaseChanged = Extract<Effect, { readonly kind: 'leaseChanged' }>;

export function seeLeaseEnd(
  observer: Observer,
  { host, agent, effects }: Moment,
  { key }: LeaseChanged,
): void {
  if (classOf(key) === 'strict') seeSlotEnd(observer, effects, key);
  if (agent.core.knowledge?.wanted.has(key) === true) sometimes(observer, 'lease-lapsed');
  // Nobody wants it led any more: whoever is the next to win it takes nothing over.
  else if (observer.leaders.get(key)?.host === host) observer.leaders.delete(key);
}

function seeSlotEnd(observer: Observer, effects: Moment['effects'], key: Key): void {
  const isReleased = effects.some(
    (effect) =>
      effect.kind === 'send' &&
      effect.message.kind === 'release' &&
      effect.message.items.some((item) => item.key === key),
  );
  if (isReleased) sometimes(observer, 'strict-released');
}

/** A host says that it has won a key. */
export function seeWin(
  observer: Observer,
  host: Host,
  { key, validUntil }: LeaseChanged,
  now: Micros,
): void {
  const { agent } = host;
  // Said late, behind a slow write, it is over already.
  if (agent === undefined || localNow(agent, now) >= validUntil) return;
  const before = observer.leaders.get(key);
  observer.leaders.set(key, { host, life: agent });
  seeClocks(observer, host, agent.core.leases?.holder.holds.get(key));
  if (before === undefined || before.life === agent) return;
  if (before.host === host) return sometimes(observer, 'led-again-after-restart');
  if (classOf(key) === 'strict') sometimes(observer, 'strict-moved');
  if (now < observer.faultyUntil) sometimes(observer, 'led-anew-under-fault');
  if (before.host.agent === before.life && !isPaused(before.host, now))
    sometimes(observer, 'led-anew-alive');
}

function seeClocks(observer: Observer, host: Host, hold: Hold | undefined): void {
  const { options, byId } = observer.world;
  const rateOf = ({ index }: Host): number => options.ratesPermille[index] ?? 0;
  const own = rateOf(host);
  if (own === 0) return;
  for (const id of hold?.accepted.keys() ?? []) {
    const voter = byId.get(id);
    if (voter === undefined || rateOf(voter) !== -own) continue;
    return sometimes(observer, own > 0 ? 'fast-leads-slow' : 'slow-leads-fast');
  }
}

/** Later than this it is not the timer that was late. */
const LATE = ofMillis(100);

/** Before a step: what the host held after its last one. */
export function seeStandstill(observer: Observer, { host, now }: Moment): void {
  const { firstEnds } = observer.panel.leases;
  if (now > (firstEnds.get(host) ?? Infinity) + LATE) sometimes(observer, 'leader-stood-still');
}

/** What no single message shows. */
export function lookAtLeases(observer: Observer, moment: Moment): void {
  const { host, agent } = moment;
  const { core } = observer.world;
  if (agent.core.leases === undefined) return;
  for (const [key, hold] of agent.core.leases.holder.holds)
    if (hold.term !== undefined) lookAtHold(observer, moment, agent.core.leases, key, hold);
  const isOutside = core !== undefined && !core.has(host.index);
  if (isOutside && observer.panel.leases.keysOf.has(host)) sometimes(observer, 'outsider-leads');
}

function lookAtHold(
  observer: Observer,
  { agent, now }: Moment,
  { holder, links }: Leases,
  key: Key,
  hold: Hold,
): void {
  const { roster } = agent.core.council;
  const turn = turnOf(agent.core, localNow(agent, now));
  const until = (one: Hold): number =>
    heldUntil({ ...holder, holds: new Map([[key, one]]) }, links, turn, roster, key);
  if (turn.now >= until(hold)) return;
  if (turn.now < hold.carriedUntil && turn.now >= until({ ...hold, carriedUntil: NEVER }))
    sometimes(observer, 'lease-carried');
  let lapsed = 0;
  for (const [voter, grant] of hold.accepted) {
    const session = sessionWith(links, voter, classOf(key));
    const counts =
      session !== undefined &&
      sameGrant(grant, session.grant) &&
      turn.now < countsUntil(session, roster.termMs[classOf(key)], CONFIG);
    if (!counts) lapsed += 1;
  }
  if (lapsed === 1 && hold.accepted.size > 2) sometimes(observer, 'lapse-at-one-voter');
}
