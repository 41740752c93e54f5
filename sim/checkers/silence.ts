/**
 * S6 A restarted voter calls no key free before every lease it has granted in an earlier life has run
 *    out, and before enough other voters know that it has restarted. A new voter answers no ballot and
 *    nothing about records before it has fetched the state of a majority of the old ones (roster rule 4);
 *    who does not vote answers never. So does one that was removed in the meantime and added again,
 *    whether it has heard of that or not.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { LeaseClass } from '../../protocol/lease/class.ts';
import { majority, type Roster, votersOf } from '../../protocol/roster/roster.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Agent, Host, Outward } from '../host.ts';
import type { Report } from './report.ts';
import type { RosterChecker } from './rosters.ts';

/** What one agent has heard as a voter since it started. */
type Hearing = {
  readonly life: Agent;
  roster: Roster;
  /** Voters that know of this start. */
  readonly confirmedBy: Set<HostId>;
  /** Old voters whose last page has arrived, under the present roster. */
  readonly fetched: Set<HostId>;
};

/** The newest answer of one life of a voter to a keepalive of one class. */
type Given = {
  readonly life: Agent;
  readonly class: LeaseClass;
  readonly at: Micros;
  readonly termMs: number;
};

export type SilenceChecker = {
  readonly report: Report;
  /** What each voter has granted, of each life and class the last. */
  readonly grants: Map<HostId, readonly Given[]>;
  readonly hearings: Map<Host, Hearing>;
  /** Voters that still have to fetch, and since which epoch. */
  readonly unsynced: Map<HostId, number>;
  readonly rosters: RosterChecker;
};

export const createSilenceChecker = (report: Report, rosters: RosterChecker): SilenceChecker => ({
  report,
  rosters,
  grants: new Map(),
  hearings: new Map(),
  unsynced: new Map(),
});

/** A voter's answer to a keepalive leaves: from here on a lease may stand on it. */
export function noteGrant(
  { grants }: SilenceChecker,
  host: Host,
  effect: Outward,
  at: Micros,
): void {
  if (effect.kind !== 'send' || effect.message.kind !== 'keepaliveAck') return;
  const { agent: life } = host;
  if (life === undefined) return;
  const { class: leaseClass, yourBoot, sid } = effect.message;
  if (yourBoot > sid) return; // told an earlier life that it is over: it gets nothing
  const termMs = life.core.council.roster.termMs[leaseClass];
  const others = (grants.get(host.id) ?? []).filter((given) => {
    const isOver = at - given.at > ofMillis(2 * given.termMs); // by every clock
    return !isOver && (given.life !== life || given.class !== leaseClass);
  });
  grants.set(host.id, [...others, { life, class: leaseClass, at, termMs }]);
}

/** A user has made it the only voter by what it knows (E2): of the voters before it fetches nothing. */
export const noteForcedVoter = ({ unsynced }: SilenceChecker, { id }: Host): void =>
  void unsynced.delete(id);

export function checkSilence(
  checker: SilenceChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
  now: Micros,
): void {
  if (host.agent === undefined) return;
  const hearing = hear(checker, host, host.agent, input);
  for (const effect of effects) {
    if (effect.kind !== 'send' || !ANSWERS.has(effect.message.kind)) continue;
    const { message } = effect;
    checkStanding(checker, host, hearing.roster, message.kind);
    if (message.kind === 'prepareAck' && message.items.some(isFree))
      checkRested(checker, host, hearing, now);
  }
  follow(checker, host, hearing);
}

const ANSWERS: ReadonlySet<Message['kind']> = new Set([
  'prepareAck',
  'acceptAck',
  'readAck',
  'writeAck',
]);

const isFree = ({ status }: { readonly status: string }): boolean =>
  status === 'open' || status === 'self';

function hear(checker: SilenceChecker, host: Host, life: Agent, input: Input): Hearing {
  const known = checker.hearings.get(host);
  const hearing: Hearing =
    known?.life === life
      ? known
      : { life, roster: life.core.council.roster, confirmedBy: new Set(), fetched: new Set() };
  checker.hearings.set(host, hearing);
  // The life before may have followed a roster that never reached its disk.
  if (hearing !== known && hearing.roster.epoch < (checker.unsynced.get(host.id) ?? 0))
    checker.unsynced.delete(host.id);
  if (input.kind !== 'messageReceived') return hearing;
  const { from, message } = input;
  const { boot } = life.core;
  if (message.kind === 'keepaliveAck' && message.sid === boot && message.yourBoot === boot)
    hearing.confirmedBy.add(from);
  if (message.kind === 'syncPage' && message.last && message.epoch === hearing.roster.epoch)
    hearing.fetched.add(from);
  const { voters } = hearing.roster;
  if (
    message.kind === 'syncPage' &&
    majority(voters, (voter) => voter !== host.id && hearing.fetched.has(voter))
  )
    checker.unsynced.delete(host.id);
  return hearing;
}

function checkStanding(
  { report, unsynced }: SilenceChecker,
  host: Host,
  was: Roster,
  kind: Message['kind'],
): void {
  const is = host.agent?.core.council.roster ?? was;
  if (![was, is].some((roster) => votersOf(roster).includes(host.id)))
    report('S6', `${host.id} answers as a voter (${kind}), and is none`);
  else if (unsynced.has(host.id))
    report(
      'S6',
      `${host.id} answers as a voter (${kind}) before it has fetched the old voters' state`,
    );
}

function checkRested(
  { report, grants }: SilenceChecker,
  host: Host,
  { life, roster, confirmedBy }: Hearing,
  now: Micros,
): void {
  for (const given of grants.get(host.id) ?? []) {
    if (given.life === life) continue;
    const restedMs = ((now - given.at) * (1000 + life.clock.ratePermille)) / 1_000_000;
    // Two readings of whole milliseconds.
    if (restedMs < given.termMs - 2)
      report(
        'S6',
        `${host.id} calls a key free ${Math.round(restedMs)} ms after a grant of class ${given.class} of its earlier life`,
      );
  }
  const { voters } = life.core.council.roster;
  const isKnown = (voter: HostId): boolean => voter === host.id || confirmedBy.has(voter);
  if (!majority(roster.voters, isKnown) && !majority(voters, isKnown))
    report(
      'S6',
      `${host.id} calls a key free, and only ${[...confirmedBy].join(' ')} knows of its restart`,
    );
}

/** A change of roster may have made the host a voter, or none. */
function follow({ unsynced, rosters }: SilenceChecker, host: Host, hearing: Hearing): void {
  const roster = hearing.life.core.council.roster;
  if (roster === hearing.roster) return;
  const is = votersOf(roster).includes(host.id);
  if (is && !stayed(rosters, host.id, hearing.roster, roster)) unsynced.set(host.id, roster.epoch);
  if (!is) unsynced.delete(host.id);
  hearing.roster = roster;
  hearing.fetched.clear();
}

/** Whether it voted under all rosters that were chosen between these two. */
function stayed({ chosen }: RosterChecker, host: HostId, from: Roster, to: Roster): boolean {
  for (let at: number = from.epoch; at < to.epoch; at++) {
    const roster = at === from.epoch ? from : chosen.get(at);
    if (roster !== undefined && !votersOf(roster).includes(host)) return false;
  }
  return true;
}
