/** After every input: everything that time, or what the input changed, asks for. One fixed order. */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { below } from '../base/prng.ts';
import { after, earlier, FOREVER, type Instant, millis, NEVER } from '../base/time.ts';
import { deploysDeadline, keysWanted, type Scene, tendDeploys } from '../command/deploys.ts';
import { HOST_ENTRY, instanceEntry, leaseEntry } from '../inventory/entry.ts';
import {
  entriesOf,
  forgetOwners,
  inventoriesDeadline,
  ownVersion,
  wakeInventories,
  writeEntry,
} from '../inventory/inventories.ts';
import type { Field } from '../lease/candidate.ts';
import { isHeld } from '../lease/holder.ts';
import { type Leases, leasesDeadline, releaseUnwanted, tendLeases } from '../lease/leases.ts';
import {
  healthOf,
  membersOf,
  membershipDeadline,
  setMembers,
  wakeMembership,
} from '../membership/membership.ts';
import { recordsHash } from '../record/committed.ts';
import { pusherDeadline, repeatPushes } from '../record/pusher.ts';
import { writerDeadline } from '../record/writer.ts';
import { reportsOf, slotsDeadline } from '../reconcile/slots.ts';
import { councilDeadline, fetchState, govern } from '../roster/council.ts';
import { send, type Turn } from '../turn.ts';
import { hasFreshQuorum, host } from './hosting.ts';
import { know } from './know.ts';
import { decide, tellReturned, tendWriters, writerOf } from './leading.ts';
import type { Core } from './state.ts';

const JOIN_RETRY_MS = millis(500);
/** Peers asked at once to be let in. */
const JOIN_ASKED_MAX = 3;

export function fieldOf(core: Core, leases: Leases, turn: Turn): Field {
  const { wanted, leaders, alive } = know(core);
  return {
    wanted,
    urgent: new Set(keysWanted(core.deploys)),
    alive,
    leaderOf: (key) => leaders.get(key)?.host,
    isHeld: (key) => isHeld(leases.holder, leases.links, turn, core.council.roster, key),
  };
}

export function sceneOf(core: Core, leases: Leases, turn: Turn): Scene {
  return {
    roster: core.council.roster,
    quorum: hasFreshQuorum(core, leases, turn),
    writerOf: (key) => writerOf(core, leases, turn, key),
    leaderOf: (key) => know(core).leaders.get(key)?.host,
  };
}

export function settle(core: Core, leases: Leases, turn: Turn): void {
  const { roster } = core.council;
  followMembers(core, turn);
  fetchState(core.council, turn, core.durable);
  releaseUnwanted(leases, turn, roster, know(core).wanted);
  tendLeases(leases, turn, roster, fieldOf(core, leases, turn));
  tendWriters(core, leases, turn);
  tendDeploys(core.deploys, turn, sceneOf(core, leases, turn));
  decide(core, leases, turn);
  tellReturned(core, leases, turn);
  repeatPushes(core.pusher, turn, (peer) => healthOf(core.membership, peer) === 'alive');
  if (writerOf(core, leases, turn, ROSTER_KEY) !== undefined) governRoster(core, leases, turn);
  host(core, leases, turn);
  offer(core, leases, turn);
  wakeMembership(core.membership, turn, {
    inventoryVersion: ownVersion(core.inventories),
    epoch: roster.epoch,
    recordsHash: recordsHash(core.committed),
  });
  wakeInventories(core.inventories, core.committed, turn, know(core).alive);
  askToJoin(core, turn);
}

/** Who belongs to the cluster is a committed record; the tables and connections follow it. */
function followMembers(core: Core, turn: Turn): void {
  const { members } = know(core);
  const others = members.filter(({ id }) => id !== turn.self);
  const known = membersOf(core.membership);
  if (others.length === known.size && others.every(({ id }) => known.has(id))) return;
  setMembers(
    core.membership,
    turn,
    others.map(({ id }) => id),
  );
  forgetOwners(
    core.inventories,
    members.map(({ id }) => id),
  );
  turn.out.push({
    kind: 'keepPeers',
    peers: others.map(({ id, peerId }) => ({ host: id, peerId })),
  });
}

function governRoster(core: Core, leases: Leases, turn: Turn): void {
  const steady: HostId[] =
    turn.now >= after(core.startedAt, core.config.firstGrowthMs) ? [turn.self] : [];
  for (const [peer, { health, since, lastHeardAt }] of sorted(membersOf(core.membership))) {
    // A member is believed alive before it was ever heard; no vote is given on that.
    const heard = health === 'alive' && lastHeardAt !== NEVER;
    if (heard && turn.now >= after(since, core.config.firstGrowthMs)) steady.push(peer);
  }
  govern(core.council, turn, {
    links: leases.links,
    durable: core.durable,
    steady,
    isAlive: (peer) => know(core).alive.includes(peer),
  });
}

/** Our own inventory: facts, instances, leaderships. */
function offer(core: Core, leases: Leases, turn: Turn): void {
  const { inventories, identity } = core;
  const wanted = new Map<string, Parameters<typeof writeEntry>[3]>([[HOST_ENTRY, identity.facts]]);
  for (const report of reportsOf(core.slots).values())
    wanted.set(instanceEntry(report.component, report.slot), report);
  for (const [key, hold] of leases.holder.holds) {
    const held = isHeld(leases.holder, leases.links, turn, core.council.roster, key);
    if (held && hold.term !== undefined)
      wanted.set(leaseEntry(key), { kind: 'lease', key, term: hold.term });
  }
  for (const [name, entry] of sorted(wanted)) writeEntry(inventories, turn, name, entry);
  for (const name of entriesOf(inventories, identity.host).keys())
    if (!wanted.has(name)) writeEntry(inventories, turn, name, undefined);
}

/**
 * A host that has the secret but is no member yet asks its connected peers, again and again, and not
 * always the same: they may be newcomers themselves, who ask each other.
 */
function askToJoin(core: Core, turn: Turn): void {
  if (core.council.roster.epoch > 0 || turn.now < core.joinAt) return;
  core.joinAt = after(turn.now, JOIN_RETRY_MS);
  const { host: self, name, peerId } = core.identity;
  const peers = [...core.connected].sort();
  for (let asked = 0; asked < JOIN_ASKED_MAX && peers.length > 0; asked++)
    for (const peer of peers.splice(below(turn.prng, peers.length), 1))
      send(turn, peer, { kind: 'join', host: self, name, peerId });
}

/** When the core wants to be woken next. */
export function deadlineOf(core: Core, leases: Leases, turn: Turn): Instant | undefined {
  const leads = core.writers.has(ROSTER_KEY);
  const deadlines = [
    leasesDeadline(leases, turn, core.council.roster),
    councilDeadline(core.council, turn, leads),
    deploysDeadline(core.deploys),
    pusherDeadline(core.pusher),
    slotsDeadline(core.slots),
    membershipDeadline(core.membership, core.config),
    inventoriesDeadline(core.inventories),
    core.council.roster.epoch === 0 ? core.joinAt : undefined,
    turn.now < core.heldBackUntil && core.heldBackUntil !== FOREVER
      ? core.heldBackUntil
      : undefined,
    ...[...core.writers.values()].map(writerDeadline),
  ];
  return deadlines.reduce<Instant | undefined>((a, b) => earlier(a, b), undefined);
}
