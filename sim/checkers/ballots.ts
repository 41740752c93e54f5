/**
 * S3 A term is a ballot that a quorum of voters accepted.
 * S4 No two hosts, nor two lives of one, both find a quorum of promises for the same ballot of a key,
 *    and nobody asks for acceptances without one.
 *
 * Promises and acceptances count from when they leave their voter; a host's own are not seen here.
 */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import { quorum, type Roster } from '../../protocol/roster/roster.ts';
import type { Host, Outward } from '../host.ts';
import type { Report } from './report.ts';

export type BallotChecker = {
  readonly report: Report;
  /** Who promised, by key, ballot and candidate. */
  readonly promised: Map<string, Set<HostId>>;
  /** Who accepted, by key, ballot and candidate. */
  readonly accepted: Map<string, Set<HostId>>;
  /** Who has claimed a quorum of promises, by key and ballot. */
  readonly claims: Map<string, string>;
};

export const createBallotChecker = (report: Report): BallotChecker => ({
  report,
  promised: new Map(),
  accepted: new Map(),
  claims: new Map(),
});

const lifeOf = (host: HostId, boot: number): string => `${host}/${boot}`;

/** A voter's answer leaves. */
export function noteVote(checker: BallotChecker, host: Host, effect: Outward): void {
  if (effect.kind !== 'send') return;
  const { message, to } = effect;
  if (message.kind === 'prepareAck') {
    for (const { key, ballot, status } of message.items)
      if (status === 'open' || status === 'self')
        add(checker.promised, `${key} ${ballot} ${lifeOf(to, message.sid)}`, host.id);
  } else if (message.kind === 'acceptAck') {
    for (const { key, ballot, ok } of message.items)
      if (ok) add(checker.accepted, `${key} ${ballot} ${lifeOf(to, message.sid)}`, host.id);
  }
}

function add(table: Map<string, Set<HostId>>, name: string, voter: HostId): void {
  const voters = table.get(name);
  if (voters === undefined) table.set(name, new Set([voter]));
  else voters.add(voter);
}

/** A host asks for acceptances, and so claims to have a quorum of promises. */
export function checkClaims(
  checker: BallotChecker,
  host: Host,
  rosters: readonly Roster[],
  effects: readonly Effect[],
): void {
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'accept') continue;
    for (const { key, ballot } of effect.message.items)
      checkClaim(checker, host, rosters, { key, ballot, sid: effect.message.sid });
  }
}

function checkClaim(
  { report, claims, promised }: BallotChecker,
  host: Host,
  rosters: readonly Roster[],
  { key, ballot, sid }: { readonly key: Key; readonly ballot: number; readonly sid: number },
): void {
  const name = `${key} ${ballot}`;
  const life = lifeOf(host.id, sid);
  const claimed = claims.get(name);
  if (claimed === life) return;
  if (claimed !== undefined)
    report(
      'S4',
      `${life} and ${claimed} both have a quorum of promises for ballot ${ballot} of ${key}`,
    );
  claims.set(name, life);
  const voters = promised.get(`${name} ${life}`);
  if (!isQuorum(rosters, host, voters))
    report(
      'S4',
      `${host.id} goes on with ballot ${ballot} of ${key}, ${listed(voters)} promised it`,
    );
}

/** The host says that it leads under a term. */
export function checkTerm(
  { report, accepted }: BallotChecker,
  host: Host,
  rosters: readonly Roster[],
  key: Key,
  term: number,
): void {
  const boot = host.agent?.core.boot ?? 0;
  const voters = accepted.get(`${key} ${term} ${lifeOf(host.id, boot)}`);
  if (!isQuorum(rosters, host, voters))
    report('S3', `${host.id} leads ${key} under term ${term}, ${listed(voters)} accepted it`);
}

const isQuorum = (
  rosters: readonly Roster[],
  { id }: Host,
  voters: ReadonlySet<HostId> | undefined,
): boolean =>
  rosters.some((roster) => quorum(roster, (voter) => voter === id || voters?.has(voter) === true));

const listed = (voters: ReadonlySet<HostId> | undefined): string =>
  voters === undefined ? 'nobody else has' : `of the others only ${[...voters].join(' ')} has`;
