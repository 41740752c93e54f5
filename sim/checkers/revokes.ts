/**
 * S18 A term that a quorum of voters has revoked ends when the last of their bindings would have ended at
 *     that moment, within T: whatever its leader hears or says in the meantime, it gains nothing by it.
 *     What a voter has revoked it does not bind again under the same ballot.
 */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import { quorum } from '../../protocol/roster/roster.ts';
import { momentOf } from '../clock.ts';
import type { Micros } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import type { LeaseChecker } from './leases.ts';
import { type RosterChecker, rostersOf } from './rosters.ts';

/** One ballot of one key, and who has revoked it so far. */
type Revoked = {
  readonly owner: HostId;
  readonly ballot: number;
  readonly by: Set<HostId>;
  /** When the last of their bindings ends. */
  until: Micros;
};
export type RevokeChecker = {
  readonly leases: LeaseChecker;
  readonly rosters: RosterChecker;
  readonly revoked: Map<Key, Revoked>;
  /** By voter and key: what it revoked last, in which life. */
  readonly atVoter: Map<string, { readonly life: Agent; readonly ballot: number }>;
};

export const createRevokeChecker = (
  leases: LeaseChecker,
  rosters: RosterChecker,
): RevokeChecker => ({ leases, rosters, revoked: new Map(), atVoter: new Map() });

export function checkRevokes(checker: RevokeChecker, host: Host, input: Input, now: Micros): void {
  if (input.kind === 'messageReceived' && input.message.kind === 'revoke')
    for (const { key } of input.message.items) noteRevoke(checker, host, key, now);
  if (input.kind === 'messageReceived' && input.message.kind === 'accept')
    for (const { key } of input.message.items) checkUndone(checker, host, key);
  if (checker.revoked.size === 0) return;
  for (const [key, revoked] of checker.revoked) checkEnd(checker, host, key, revoked, now);
}

function noteRevoke(checker: RevokeChecker, host: Host, key: Key, now: Micros): void {
  const { agent } = host;
  const binding = agent?.core.leases?.voter.places.get(key)?.binding;
  if (agent === undefined || binding?.revoked === undefined) return;
  const { ballot, session } = binding;
  const until = momentOf(agent.clock, binding.revoked.until);
  checker.atVoter.set(`${host.id} ${key}`, { life: agent, ballot });
  const { revoked } = checker;
  const known = revoked.get(key);
  if (known?.ballot !== ballot || known.owner !== session.owner)
    revoked.set(key, { owner: session.owner, ballot, by: new Set([host.id]), until });
  else if (!known.by.has(host.id)) {
    known.by.add(host.id);
    known.until = Math.max(known.until, until, now);
  }
}

function checkUndone({ leases, atVoter }: RevokeChecker, host: Host, key: Key): void {
  const last = atVoter.get(`${host.id} ${key}`);
  const binding = host.agent?.core.leases?.voter.places.get(key)?.binding;
  if (last === undefined || last.life !== host.agent || binding?.ballot !== last.ballot) return;
  if (binding.revoked === undefined)
    leases.report(
      'S18',
      `${host.id} binds ${key} again under ballot ${last.ballot}, revoked there`,
    );
}

function checkEnd(
  { leases, rosters }: RevokeChecker,
  host: Host,
  key: Key,
  { owner, ballot, by, until }: Revoked,
  now: Micros,
): void {
  if (host.id !== owner || now <= until) return;
  const hold = leases.holds.get(key)?.get(host);
  if (hold === undefined || now >= hold.until || hold.term > ballot) return;
  // By the roster that it counts by now: a voter that once voted alone is no quorum any more.
  const roster = rostersOf(rosters, host).at(-1);
  if (roster !== undefined && quorum(roster, (voter) => by.has(voter)))
    leases.report(
      'S18',
      `${host.id} leads ${key} under term ${hold.term}, which ${[...by].join(' ')} have revoked, longer than they were bound to`,
    );
}
