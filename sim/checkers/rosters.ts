/**
 * S7 Of each epoch there is one roster, chosen by a quorum of the one before. When a change is
 *    concluded nobody counts by the roster of before it any more: any two quorums in use intersect.
 * S8 That is also what makes it one cluster: every roster descends from the first.
 */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import { classOf } from '../../protocol/lease/class.ts';
import { countsUntil, quorumUntil, sessionWith } from '../../protocol/lease/links.ts';
import { NEVER } from '../../protocol/base/time.ts';
import type { Acceptor } from '../../protocol/roster/acceptor.ts';
import { isForced } from '../../protocol/roster/fork.ts';
import { quorum, type Roster } from '../../protocol/roster/roster.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import type { Micros } from '../event-queue.ts';
import { type Host, localNow, type Outward } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { LeaseChecker } from './leases.ts';
import type { Report } from './report.ts';

export type RosterChecker = {
  readonly report: Report;
  readonly chosen: Map<number, Roster>;
  /** Who has accepted it on disk, by epoch and roster, then by ballot. */
  readonly accepted: Map<string, Map<string, Set<HostId>>>;
  /** Under which rosters each host may have counted lately, the newest last. */
  readonly lately: Map<Host, readonly Roster[]>;
};

export const createRosterChecker = (report: Report): RosterChecker => ({
  report,
  chosen: new Map(),
  accepted: new Map(),
  lately: new Map(),
});

const LATELY = 3;
const NONE: readonly Roster[] = [];

export const rostersOf = ({ lately }: RosterChecker, host: Host): readonly Roster[] =>
  lately.get(host) ?? NONE;

/** After a step: it may have taken over another roster. */
export function checkAdoption(
  checker: RosterChecker,
  leases: LeaseChecker,
  host: Host,
  now: Micros,
): void {
  const roster = host.agent?.core.council.roster;
  const known = rostersOf(checker, host);
  if (roster === undefined || known.at(-1) === roster) return;
  checker.lately.set(host, [...known, roster].slice(-LATELY));
  // The first of all is nobody's choice.
  if (checker.chosen.size === 0 && roster.epoch > 0) checker.chosen.set(roster.epoch, roster);
  const before = known.at(-1);
  if (before?.next === undefined || roster.next !== undefined) return;
  if (before.epoch === roster.epoch - 1) checkDrained(checker, leases, roster, now);
}

/** A change is concluded, so no lease may stand any more that was counted by the old rule alone. */
function checkDrained(
  { report }: RosterChecker,
  leases: LeaseChecker,
  { epoch }: Roster,
  now: Micros,
): void {
  for (const [key, holders] of leases.holds)
    for (const [host, { until }] of holders) {
      const standsOn = host.agent?.core.council.roster.epoch ?? epoch;
      const isOld = standsOn < epoch - 1 || (standsOn === epoch - 1 && isCarried(host, key, now));
      if (now < until && isOld)
        report(
          'S7',
          `epoch ${epoch} begins while ${host.id} leads ${key} by the rule of epoch ${epoch - 2}`,
        );
    }
}

/** Under a joint roster, but by acknowledgments that are no quorum of it. */
function isCarried({ agent }: Host, key: Key, now: Micros): boolean {
  if (agent?.core.leases === undefined) return false;
  const { holder, links } = agent.core.leases;
  const { roster } = agent.core.council;
  const hold = holder.holds.get(key);
  const until = quorumUntil(roster, (voter) => {
    const session = sessionWith(links, voter, classOf(key));
    const isSame =
      session?.grant !== undefined && hold?.accepted.get(voter)?.count === session.grant.count;
    return isSame ? countsUntil(session, roster.termMs[classOf(key)], CONFIG) : NEVER;
  });
  return until <= localNow(agent, now);
}

/** A message leaves: others may count on the roster in it. */
export function checkTold(checker: RosterChecker, host: Host, effect: Outward): void {
  if (effect.kind === 'send' && effect.message.kind === 'rosterChosen')
    checkChosen(checker, host, effect.message.roster);
}

/** Writes have become durable. */
export function checkRosterDisk(
  checker: RosterChecker,
  host: Host,
  writes: readonly DiskWrite[],
): void {
  for (const { name, value } of writes) {
    if (name === 'acceptor') noteAccepted(checker, host, value as Acceptor);
    if (name === 'roster') checkChosen(checker, host, value as Roster);
  }
}

function noteAccepted(checker: RosterChecker, host: Host, { epoch, accepted }: Acceptor): void {
  if (accepted === undefined) return;
  const name = `${epoch} ${textOf(accepted.roster)}`;
  const ballot = `${accepted.ballot.n}/${accepted.ballot.host}`;
  const votes = checker.accepted.get(name) ?? new Map<string, Set<HostId>>();
  checker.accepted.set(name, votes);
  const hosts = (votes.get(ballot) ?? new Set()).add(host.id);
  votes.set(ballot, hosts);
  const base = checker.chosen.get(epoch - 1);
  // Then it is chosen, whether anybody knows that or not.
  if (base !== undefined && quorum(base, (voter) => hosts.has(voter)))
    checkChosen(checker, host, accepted.roster);
}

const textOf = ({ voters, next }: Roster): string =>
  `${voters.join(' ')}${next === undefined ? '' : ` -> ${next.join(' ')}`}`;

function checkChosen(checker: RosterChecker, host: Host, roster: Roster): void {
  const { report, chosen } = checker;
  const { epoch } = roster;
  if (isForced(epoch) && !chosen.has(epoch) && textOf(roster) !== host.id)
    report('S7', `${host.id} has ${textOf(roster)} as a roster that nobody has forced`);
  const known = chosen.get(epoch);
  if (epoch === 0 || known === roster) return;
  const text = textOf(roster);
  if (known !== undefined) {
    if (textOf(known) !== text)
      report(
        'S7',
        `${host.id} has ${text} as the roster of epoch ${epoch}, others ${textOf(known)}`,
      );
    return;
  }
  chosen.set(epoch, roster);
  const base = chosen.get(epoch - 1);
  if (base !== undefined && !isChosen(checker, base, epoch, text))
    report(
      'S7',
      `${host.id} has ${text} as the roster of epoch ${epoch}, which no quorum of ${textOf(base)} has accepted`,
    );
}

function isChosen({ accepted }: RosterChecker, base: Roster, epoch: number, text: string): boolean {
  const votes = [...(accepted.get(`${epoch} ${text}`)?.values() ?? [])];
  return votes.some((hosts) => quorum(base, (voter) => hosts.has(voter)));
}
