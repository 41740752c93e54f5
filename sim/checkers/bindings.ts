/**
 * S1 from below: as long as a leader counts on a voter for a key, that voter holds the key for it; and
 *    a quorum holds it for whoever leads, or is down or silent and so gives it to nobody. A hole shows
 *    itself where it is made, not only when a second leader comes of it.
 */
import type { Input } from '../../protocol/input.ts';
import type { HostId, Key } from '../../protocol/base/ids.ts';
import { classOf } from '../../protocol/lease/class.ts';
import { bootConfirmed, countsUntil, sessionWith } from '../../protocol/lease/links.ts';
import { sameGrant } from '../../protocol/lease/voter.ts';
import { quorum, votersOf } from '../../protocol/roster/roster.ts';
import type { Micros } from '../event-queue.ts';
import { type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { LeaseChecker } from './leases.ts';
import { type RosterChecker, rostersOf } from './rosters.ts';

export type BindingChecker = {
  readonly leases: LeaseChecker;
  readonly rosters: RosterChecker;
  /** How many sessions and bindings each voter had after its last step. */
  readonly sessions: Map<Host, number>;
  readonly hosts: Map<HostId, Host>;
};

export const createBindingChecker = (
  leases: LeaseChecker,
  rosters: RosterChecker,
): BindingChecker => ({ leases, rosters, sessions: new Map(), hosts: new Map() });

/** After a step of a voter: what it may have given away. */
export function checkBindings(
  checker: BindingChecker,
  host: Host,
  input: Input,
  now: Micros,
): void {
  const { leases, sessions, hosts } = checker;
  hosts.set(host.id, host);
  const voter = host.agent?.core.leases?.voter;
  if (voter === undefined) return;
  let size = voter.sessions.normal.size + voter.sessions.strict.size;
  for (const { binding } of voter.places.values()) if (binding !== undefined) size += 1;
  const isOther = (sessions.get(host) ?? 0) !== size;
  sessions.set(host, size);
  for (const key of isOther ? leases.holds.keys() : keysIn(input))
    for (const [leader, { until }] of leases.holds.get(key) ?? [])
      if (now < until) checkHold(checker, leader, host, key, now);
}

const NO_KEYS: readonly Key[] = [];

function keysIn(input: Input): Iterable<Key> {
  if (input.kind !== 'messageReceived') return NO_KEYS;
  const { message } = input;
  const { kind } = message;
  if (kind !== 'accept' && kind !== 'release' && kind !== 'revoke') return NO_KEYS;
  return message.items.map(({ key }) => key);
}

function checkHold(
  { leases: { report }, rosters, hosts }: BindingChecker,
  leader: Host,
  host: Host,
  key: Key,
  now: Micros,
): void {
  const what = `${leader.id} leads ${key}`;
  const owner = ownerAt(host, key, now);
  // Who was removed gives the key to nobody any more: the new voters hold it by then. That it is
  // forgotten it may hear before it hears of their roster.
  const { dismissed = true } = host.agent?.core ?? {};
  const since = leader.agent?.core.council.roster.epoch ?? 0;
  const wasRemoved = rostersOf(rosters, host).some(
    (roster) => roster.epoch > since && !votersOf(roster).includes(host.id),
  );
  if (
    !dismissed &&
    !wasRemoved &&
    votes(host) &&
    owner !== leader.id &&
    countsOn(leader, host, key, now)
  )
    report('S1', `${what} and counts on ${host.id}, which holds it for ${owner ?? 'nobody'}`);
  const isGuarded = rostersOf(rosters, leader).some((roster) =>
    quorum(roster, (voter) => guards(hosts.get(voter), leader, key, now)),
  );
  if (!isGuarded) report('S1', `${what}, and no quorum holds it for ${leader.id}`);
}

const votes = ({ agent, id }: Host): boolean =>
  agent !== undefined && votersOf(agent.core.council.roster).includes(id);

/** For whom the voter holds the key now. */
function ownerAt({ agent }: Host, key: Key, now: Micros): HostId | undefined {
  const binding = agent?.core.leases?.voter.places.get(key)?.binding;
  if (agent === undefined || binding === undefined) return undefined;
  const at = localNow(agent, now);
  const { session, revoked } = binding;
  const isOver = at >= session.expiresAt || (revoked !== undefined && at >= revoked.until);
  return isOver ? undefined : session.owner;
}

/** Whether the voter gives the key to nobody but the leader. */
function guards(voter: Host | undefined, leader: Host, key: Key, now: Micros): boolean {
  const { agent } = voter ?? {};
  if (voter === undefined || agent?.core.leases === undefined) return true;
  const { leases, council, identity, durable } = agent.core;
  if (localNow(agent, now) < leases.voter.readyAt || !durable.synced) return true;
  if (!bootConfirmed(leases.links, identity.host, council.roster)) return true;
  return ownerAt(voter, key, now) === leader.id;
}

/** Whether the leader counts on what this very life of the voter has granted. */
function countsOn({ agent: life }: Host, { id, agent }: Host, key: Key, now: Micros): boolean {
  if (life?.core.leases === undefined) return false;
  const { holder, links } = life.core.leases;
  const grant = holder.holds.get(key)?.accepted.get(id);
  const session = sessionWith(links, id, classOf(key));
  if (session === undefined || !sameGrant(grant, session.grant)) return false;
  if (grant?.boot !== agent?.core.boot) return false;
  const termMs = life.core.council.roster.termMs[classOf(key)];
  return localNow(life, now) < countsUntil(session, termMs, CONFIG);
}
