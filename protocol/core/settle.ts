/** After every input: everything that time, or what the input changed, asks for. One fixed order. */
import { type HostId, type Key, ROSTER_KEY } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { below } from '../base/prng.ts';
import { sameData } from '../base/same.ts';
import {
  after,
  between,
  earlier,
  FOREVER,
  type Instant,
  later,
  millis,
  NEVER,
} from '../base/time.ts';
import { adjustsDeadline, type AdjustScene, tendAdjusts } from '../command/adjusts.ts';
import { deploysDeadline, type Scene, tendDeploys } from '../command/deploys.ts';
import { forgetsDeadline, type ForgetScene, tendForgets } from '../command/forgets.ts';
import { type LeadScene, leadsDeadline, tendLeads } from '../command/leads.ts';
import {
  type Entry,
  HOST_ENTRY,
  instanceEntry,
  type Leadership,
  leaseEntry,
} from '../inventory/entry.ts';
import { entriesOf, forgetOwners, wakeInventories, writeEntry } from '../inventory/inventories.ts';
import { namesDecision } from '../inventory/log.ts';
import type { Field } from '../lease/candidate.ts';
import { isHeld } from '../lease/hold.ts';
import { hasQuorum } from '../lease/links.ts';
import { type Leases, leasesDeadline, releaseUnwanted, tendLeases } from '../lease/leases.ts';
import { ackedAt } from '../lease/links.ts';
import { healthOf, membersOf, setMembers } from '../membership/membership.ts';
import { tendBrake } from '../placement/brake.ts';
import { pusherDeadline, repeatPushes } from '../record/pusher.ts';
import { writerDeadline } from '../record/writer.ts';
import { reportsOf, slotsDeadline } from '../reconcile/slots.ts';
import type { Elector } from '../roster/autopilot.ts';
import { councilDeadline, fetchState, govern } from '../roster/council.ts';
import { send, type Turn } from '../turn.ts';
import { hasFreshQuorum, host, QUORUM_FRESH_MS } from './hosting.ts';
import { dismiss } from './dismissal.ts';
import { isolationDeadline } from './isolation.ts';
import { followBurials, tendGraves } from './burial.ts';
import { know } from './know.ts';
import { pulseDeadline, silentAfterMs, tendPulse } from './pulse.ts';
import { wakeDetector } from './rhythm.ts';
import { isGuarded, mayLeadStrict, strictDeadline, strictKeys, tellGuard } from './strict.ts';
import { decide, decisionDeadline, tellReturned, tendWriters, writerOf } from './leading.ts';
import { tendMembers } from './members.ts';
import type { Core } from './state.ts';

const JOIN_RETRY_MS = millis(500);
/** Peers asked at once to be let in. */
const JOIN_ASKED_MAX = 3;

export function fieldOf(core: Core, leases: Leases, turn: Turn): Field {
  const { urgent, leaders, alive } = know(core);
  return {
    wanted: wantedKeys(core),
    urgent,
    alive,
    leaderOf: (key) => leaders.get(key)?.host,
    isHeld: (key) => isHeld(leases.holder, leases.links, turn, core.council.roster, key),
    mayLeadStrict: mayLeadStrict(core),
  };
}

/** What should have a leader, and the strict slots that this host alone is to hold. */
function wantedKeys(core: Core): ReadonlySet<Key> {
  const { wanted } = know(core);
  const strict = strictKeys(core);
  return strict.length === 0 ? wanted : new Set([...wanted, ...strict].sort());
}

export function sceneOf(core: Core, leases: Leases, turn: Turn): Scene {
  return {
    roster: core.council.roster,
    quorum: hasFreshQuorum(core, leases, turn),
    writerOf: (key) => writerOf(core, leases, turn, key),
    leaderOf: (key) => know(core).leaders.get(key)?.host,
  };
}

export function leadSceneOf(core: Core, leases: Leases, turn: Turn): LeadScene {
  const { wanted, alive, isMember, leaders } = know(core);
  return {
    roster: core.council.roster,
    quorum: hasFreshQuorum(core, leases, turn),
    wanted,
    alive,
    isMember,
    leaderOf(key) {
      const term = leases.holder.holds.get(key)?.term;
      const isOurs = isHeld(leases.holder, leases.links, turn, core.council.roster, key);
      return isOurs && term !== undefined ? { host: turn.self, term } : leaders.get(key);
    },
  };
}

export function forgetSceneOf(core: Core, leases: Leases, turn: Turn): ForgetScene {
  return {
    roster: core.council.roster,
    quorum: hasFreshQuorum(core, leases, turn),
    isMember: know(core).isMember,
    healthOf: (peer) => healthOf(core.membership, peer),
    leader: leadSceneOf(core, leases, turn).leaderOf(ROSTER_KEY)?.host,
    alive: know(core).alive,
    leaving: know(core).leaving,
  };
}

export function adjustSceneOf(core: Core, leases: Leases, turn: Turn): AdjustScene {
  const { members, adjusted } = know(core);
  return {
    quorum: hasFreshQuorum(core, leases, turn),
    members,
    adjusted,
    leader: leadSceneOf(core, leases, turn).leaderOf(ROSTER_KEY)?.host,
  };
}

export function settle(core: Core, leases: Leases, turn: Turn): void {
  const { roster } = core.council;
  followMembers(core, leases, turn);
  followBurials(core, turn);
  if (know(core).isDismissed) return settleDismissed(core, leases, turn);
  fetchState(core.council, turn, core.durable);
  releaseUnwanted(leases, turn, roster, wantedKeys(core));
  tendLeases(leases, turn, roster, fieldOf(core, leases, turn));
  tendWriters(core, leases, turn);
  tendRequests(core, leases, turn);
  const answered = hasQuorum(leases.links, turn, roster, millis(core.config.termMs / 2));
  tendBrake(core.brake, turn, core.membership, answered);
  decide(core, leases, turn);
  tellReturned(core, leases, turn);
  repeatPushes(core.pusher, turn, (peer) => healthOf(core.membership, peer) === 'alive');
  if (writerOf(core, leases, turn, ROSTER_KEY) !== undefined) {
    governRoster(core, leases, turn);
    tendMembers(core, leases, turn);
  }
  tendGraves(core, leases, turn);
  tellGuard(core, leases, turn);
  host(core, leases, turn);
  tendPulse(core, turn);
  offer(core, leases, turn);
  wakeDetector(core, turn);
  wakeInventories(core.inventories, core.committed, turn, know(core).alive);
  askToJoin(core, turn);
}

/** What users still wait for comes to its end, and so does what runs here. */
function settleDismissed(core: Core, leases: Leases, turn: Turn): void {
  tendRequests(core, leases, turn);
  tellGuard(core, leases, turn);
  host(core, leases, turn);
  tendPulse(core, turn);
  askToJoin(core, turn);
}

/** What users have asked of this host; mostly nothing. */
function tendRequests(core: Core, leases: Leases, turn: Turn): void {
  const { deploys, leads, forgets, adjusts } = core;
  if (deploys.errands.size > 0) tendDeploys(deploys, turn, sceneOf(core, leases, turn));
  if (leads.size > 0) tendLeads(leads, turn, leadSceneOf(core, leases, turn));
  if (forgets.size > 0) tendForgets(forgets, turn, forgetSceneOf(core, leases, turn));
  if (adjusts.size > 0) tendAdjusts(adjusts, turn, adjustSceneOf(core, leases, turn));
}

/** Who belongs to the cluster is a committed record; the tables and connections follow it. */
function followMembers(core: Core, leases: Leases, turn: Turn): void {
  if (core.followedVersion === core.committed.version) return;
  core.followedVersion = core.committed.version;
  const { members, isDismissed } = know(core);
  if (isDismissed) {
    if (!core.dismissed) dismiss(core, leases, turn);
    core.followedVersion = core.committed.version;
    return;
  }
  core.dismissed = false;
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
  const { council, startedAt } = core;
  const witness = (id: HostId): boolean => {
    const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
    return facts?.kind === 'host' && facts.runs === 'nothing';
  };
  const { leaving } = know(core);
  const own = {
    id: turn.self,
    witness: core.identity.facts.runs === 'nothing',
    leaving: leaving.has(turn.self),
  };
  const hosts: Elector[] = [{ ...own, aliveMs: between(startedAt, turn.now) }];
  for (const [id, { health, since, lastHeardAt }] of sorted(membersOf(core.membership))) {
    const forMs = between(since, turn.now);
    // A member is believed alive before it was ever heard; no vote is given on that.
    const heard = health === 'alive' && lastHeardAt !== NEVER;
    hosts.push({
      id,
      witness: witness(id),
      leaving: leaving.has(id),
      ...(heard ? { aliveMs: forMs } : {}),
      ...(health === 'dead' || health === 'left' ? { deadMs: forMs } : {}),
    });
  }
  govern(council, turn, {
    links: leases.links,
    durable: core.durable,
    electorate: {
      hosts,
      answers: (voter) => turn.now - ackedAt(leases.links, voter) <= QUORUM_FRESH_MS,
      stoodMs: between(later(startedAt, council.since), turn.now),
    },
    isAlive: (peer) => know(core).alive.includes(peer),
  });
}

/** Our own inventory: facts, instances, leaderships. */
export function offer(core: Core, leases: Leases, turn: Turn): void {
  const { inventories, identity, slots } = core;
  const led = leadershipsOf(core, leases, turn);
  const guard = isGuarded(core, turn);
  const silentAfter = silentAfterMs(core);
  const offered = { version: slots.version, guard, silentAfter, led };
  if (sameData(offered, core.offered)) return;
  const facts = {
    ...identity.facts,
    ...(guard ? { guard } : {}),
    ...(silentAfter === undefined ? {} : { engineSilentAfterMs: silentAfter }),
  };
  const was = inventories.version;
  const wanted = new Map<string, Entry>([[HOST_ENTRY, facts]]);
  for (const report of reportsOf(slots).values())
    wanted.set(instanceEntry(report.component, report.slot), report);
  for (const leadership of led) wanted.set(leaseEntry(leadership.key), leadership);
  for (const [name, entry] of sorted(wanted)) writeEntry(inventories, turn, name, entry);
  for (const name of entriesOf(inventories, identity.host).keys())
    if (!wanted.has(name) && !namesDecision(name)) writeEntry(inventories, turn, name, undefined);
  // What has just gone may have made room for what did not fit.
  if (inventories.version === was) core.offered = offered;
}

function leadershipsOf(core: Core, leases: Leases, turn: Turn): readonly Leadership[] {
  const { holder, links } = leases;
  const led: Leadership[] = [];
  for (const [key, { term }] of holder.holds)
    if (term !== undefined && isHeld(holder, links, turn, core.council.roster, key))
      led.push({ kind: 'lease', key, term });
  return led;
}

/** Ballots sent again and tried anew: true, if that made no difference to anything else. */
export function tendQuietly(core: Core, leases: Leases, turn: Turn): boolean {
  if (turn.now < core.leasesAt || know(core).isDismissed) return true;
  const { roster } = core.council;
  const { won, lost } = tendLeases(leases, turn, roster, fieldOf(core, leases, turn));
  core.leasesAt = leasesDeadline(leases, turn, roster) ?? FOREVER;
  return won.length === 0 && lost.length === 0;
}

/**
 * A host that has the secret but is no member yet asks its connected peers, again and again, and not
 * always the same: they may be newcomers themselves, who ask each other.
 */
function askToJoin(core: Core, turn: Turn): void {
  if (!core.joins || turn.now < core.joinAt) return;
  core.joinAt = after(turn.now, JOIN_RETRY_MS);
  const { host: self, name, peerId } = core.identity;
  const peers = [...core.connected].sort();
  for (let asked = 0; asked < JOIN_ASKED_MAX && peers.length > 0; asked++)
    for (const peer of peers.splice(below(turn.prng, peers.length), 1))
      send(turn, peer, { kind: 'join', host: self, name, peerId, boot: core.boot });
}

/** When everything is to be settled next; what has a rhythm of its own is left out (`rhythm.ts`). */
export function deadlineOf(core: Core, leases: Leases, turn: Turn): Instant | undefined {
  const { council, writers, heldBackUntil } = core;
  let deadline = deadlineDismissed(core, leases, turn);
  // Nobody else counts on one that is a member no more: what is due of it stays undone.
  if (know(core).isDismissed) return deadline;
  deadline = earlier(deadline, councilDeadline(council, turn, writers.has(ROSTER_KEY)));
  deadline = earlier(deadline, pusherDeadline(core.pusher));
  deadline = earlier(deadline, isolationDeadline(core, turn));
  deadline = earlier(deadline, decisionDeadline(core, turn));
  if (turn.now < heldBackUntil && heldBackUntil !== FOREVER)
    deadline = earlier(deadline, heldBackUntil);
  for (const writer of writers.values()) deadline = earlier(deadline, writerDeadline(writer));
  return deadline;
}

/** Of `settleDismissed`. */
function deadlineDismissed(core: Core, leases: Leases, turn: Turn): Instant | undefined {
  let deadline = deploysDeadline(core.deploys);
  deadline = earlier(deadline, leadsDeadline(core.leads));
  deadline = earlier(deadline, forgetsDeadline(core.forgets));
  deadline = earlier(deadline, adjustsDeadline(core.adjusts));
  deadline = earlier(deadline, slotsDeadline(core.slots));
  deadline = earlier(deadline, strictDeadline(core, leases, turn));
  deadline = earlier(deadline, pulseDeadline(core));
  return core.joins ? earlier(deadline, core.joinAt) : deadline;
}
