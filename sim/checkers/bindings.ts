/**
 * S1 from below: as long as a leader counts on a voter for a key, that voter holds the key for it, under
 *    the very grant. So a hole shows itself where it is made, not only when a second leader comes of it.
 */
import type { Input } from '../../protocol/input.ts';
import type { Key } from '../../protocol/base/ids.ts';
import { countsUntil } from '../../protocol/lease/links.ts';
import { sameGrant, type Voter } from '../../protocol/lease/voter.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { LeaseChecker } from './leases.ts';

export type BindingChecker = {
  readonly leases: LeaseChecker;
  /** How many sessions each voter had after its last step. */
  readonly sessions: Map<Host, number>;
};

export const createBindingChecker = (leases: LeaseChecker): BindingChecker => ({
  leases,
  sessions: new Map(),
});

/** After a step of a voter: what it may have given away. */
export function checkBindings(
  { leases, sessions }: BindingChecker,
  host: Host,
  input: Input,
  now: Micros,
): void {
  const voter = host.agent?.core.leases?.voter;
  if (host.agent === undefined || voter === undefined) return;
  const { size } = voter.sessions;
  const isOther = (sessions.get(host) ?? 0) !== size;
  sessions.set(host, size);
  const keys = isOther ? leases.holds.keys() : keysIn(input);
  for (const key of keys) checkKey(leases, host, host.agent, voter, key, now);
}

const NO_KEYS: readonly Key[] = [];

function keysIn(input: Input): Iterable<Key> {
  if (input.kind !== 'messageReceived') return NO_KEYS;
  const { message } = input;
  if (message.kind !== 'accept' && message.kind !== 'release') return NO_KEYS;
  return message.items.map(({ key }) => key);
}

function checkKey(
  { holds, report }: LeaseChecker,
  host: Host,
  agent: Agent,
  voter: Voter,
  key: Key,
  now: Micros,
): void {
  const binding = voter.places.get(key)?.binding;
  const isLive = binding !== undefined && localNow(agent, now) < binding.session.expiresAt;
  for (const [leader, { until }] of holds.get(key) ?? []) {
    if (now >= until || !countsOn(leader, host, agent, key, now)) continue;
    if (isLive && binding.session.owner === leader.id) continue;
    const owner = isLive ? `holds it for ${binding.session.owner}` : 'holds it for nobody';
    report('S1', `${leader.id} leads ${key} and counts on ${host.id}, which ${owner}`);
  }
}

/** Whether the leader counts on what this very life of the voter has granted. */
function countsOn(
  { agent: life }: Host,
  { id }: Host,
  voter: Agent,
  key: Key,
  now: Micros,
): boolean {
  if (life?.core.leases === undefined) return false;
  const { holder, links } = life.core.leases;
  const grant = holder.holds.get(key)?.accepted.get(id);
  const link = links.byVoter.get(id);
  if (link === undefined || !sameGrant(grant, link.grant)) return false;
  if (grant?.boot !== voter.core.boot) return false;
  const { normal } = life.core.council.roster.termMs;
  return localNow(life, now) < countsUntil(link, normal, CONFIG);
}
