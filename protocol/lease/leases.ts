/** All of leasing on one host: its part as a voter, as a holder and as a candidate, put together. */
import type { HostId, Key, Term } from '../base/ids.ts';
import { compareText, rendezvous, sorted } from '../base/order.ts';
import { earlier, type Instant, NEVER } from '../base/time.ts';
import type { Effect } from '../effect.ts';
import { batches } from '../limits.ts';
import { type Roster, surelyStayed, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';
import type { HandOver, Message } from '../wire/message.ts';
import {
  type Candidacies,
  candidaciesDeadline,
  type Field,
  noteFailed,
  noteOpen,
  standBack,
  survey,
  takeDue,
} from './candidate.ts';
import { classOf } from './class.ts';
import { type Durable, silentUntil } from './durable.ts';
import { createHolder, heldUntil, type Holder } from './hold.ts';
import {
  acquire,
  askAgain,
  changeRoster,
  holderDeadline,
  onAcceptAck,
  onPrepareAck,
  release,
  returnLeaks,
  endSession,
  takenFrom,
  tend,
} from './holder.ts';
import {
  bootConfirmed,
  createLinks,
  type Links,
  onKeepaliveAck,
  sendKeepalives,
  setVoters,
} from './links.ts';
import {
  createVoter,
  expireSessions,
  type Freed,
  onAccept,
  onKeepalive,
  onPrepare,
  onRelease,
  onRevoke,
  type Voter,
  voterDeadline,
  wipeVoter,
} from './voter.ts';

export type Leases = {
  readonly durable: Durable;
  readonly voter: Voter;
  readonly links: Links;
  readonly holder: Holder;
  readonly candidacies: Candidacies;
};

/** `durable` as found on disk, `boot` already raised; the caller persists it before anything else. */
export function createLeases(
  durable: Durable,
  turn: Turn,
  roster: Roster,
  isFree?: Holder['isFree'],
): Leases {
  const links = createLinks();
  setVoters(links, roster);
  return {
    durable,
    voter: createVoter(durable, durable.ceiling, silentUntil(durable, turn.now), turn),
    links,
    holder: createHolder(durable, durable.ceiling, isFree),
    candidacies: new Map(),
  };
}

type LeaseMessage = Extract<
  Message,
  {
    readonly kind:
      | 'keepalive'
      | 'keepaliveAck'
      | 'prepare'
      | 'prepareAck'
      | 'accept'
      | 'acceptAck'
      | 'release'
      | 'open'
      | 'handOver'
      | 'revoke';
  }
>;

/** The caller has compared epochs, and that this host votes and is synced where it must be. */
export function onLeaseMessage(
  leases: Leases,
  turn: Turn,
  roster: Roster,
  field: Field,
  from: HostId,
  message: LeaseMessage,
): void {
  const { voter, holder, links } = leases;
  switch (message.kind) {
    case 'keepalive':
      // L-c: exactly the term both rosters name, or nothing.
      if (message.termMs === roster.termMs[message.class]) onKeepalive(voter, turn, from, message);
      return;
    case 'prepare':
      return onPrepare(voter, turn, from, message, bootConfirmed(links, turn.self, roster));
    case 'accept':
      return onAccept(voter, turn, from, message);
    case 'release':
      return announceOpen(turn, field, onRelease(voter, from, message));
    case 'keepaliveAck':
      letGo(leases, turn, roster, takenFrom(holder, message.revoked));
      if (onKeepaliveAck(links, from, message)) returnLeaks(holder, turn, from, message.bindings);
      return reportRenewals(leases, turn, roster);
    case 'prepareAck':
      return onPrepareAck(holder, links, turn, roster, from, message);
    case 'acceptAck':
      return onAcceptAck(holder, links, roster, from, message);
    case 'open':
      askAgain(holder, turn, roster, from, message.keys);
      return noteOpen(leases.candidacies, turn, field, message);
    case 'revoke':
      return onRevoke(voter, turn, message);
    case 'handOver':
      return onHandOver(leases, turn, roster, field, message);
  }
}

function onHandOver(
  leases: Leases,
  turn: Turn,
  roster: Roster,
  { alive, isHeld }: Field,
  { key, to }: HandOver,
): void {
  if (classOf(key) === 'strict' || !isHeld(key) || to === turn.self || !alive.includes(to)) return;
  letGo(leases, turn, roster, [key], to);
}

/** Hosts told that a key is free: the first in its rank, the others find out by themselves. */
const OPEN_HOSTS_MAX = 4;

function announceOpen(turn: Turn, field: Field, freed: Freed): void {
  for (const prefer of new Set(freed.map((each) => each.prefer))) {
    const byHost = new Map<HostId, Key[]>();
    for (const { key } of freed.filter((each) => each.prefer === prefer)) {
      const hosts = rendezvous(key, field.alive).slice(0, OPEN_HOSTS_MAX);
      for (const host of new Set(prefer === undefined ? hosts : [prefer, ...hosts]))
        byHost.set(host, [...(byHost.get(host) ?? []), key]);
    }
    const hint = prefer === undefined ? {} : { prefer };
    for (const [host, free] of sorted(byHost))
      for (const part of batches(free)) send(turn, host, { kind: 'open', keys: part, ...hint });
  }
}

/** Which leaderships began and ended since the last look. */
export type Turnover = {
  readonly won: readonly { readonly key: Key; readonly term: Term }[];
  readonly lost: readonly Key[];
};

/** Everything that time or new knowledge asks for: renewals, expiries, retries, candidacies. */
export function tendLeases(leases: Leases, turn: Turn, roster: Roster, field: Field): Turnover {
  const { holder, links, candidacies } = leases;
  announceOpen(turn, field, expireSessions(leases.voter, turn.now));
  links.strict = field.mayLeadStrict && wantsStrict(field);
  sendKeepalives(links, turn, roster);
  const reported = new Set<Key>();
  for (const [key, hold] of holder.holds) if (hold.reportedUntil !== NEVER) reported.add(key);
  const { abandoned, lapsed } = tend(holder, links, turn, roster);
  noteFailed(candidacies, turn, abandoned);
  for (const { key } of lapsed) candidacies.delete(key);
  const lost = lapsed.filter(({ key }) => reported.has(key));
  for (const { key, term } of lost)
    turn.out.push({ kind: 'leaseChanged', key, term, event: 'ended', validUntil: turn.now });
  survey(candidacies, turn, field);
  const due = takeDue(candidacies, turn).filter((key) => !holder.holds.has(key));
  acquire(holder, links, turn, roster, due);
  reportRenewals(leases, turn, roster);
  return { won: reportWins(leases, turn, roster), lost: lost.map(({ key }) => key) };
}

/** Whoever neither holds nor wants a strict key keeps up no strict sessions: their cost stays flat (M3). */
function wantsStrict({ wanted }: Field): boolean {
  for (const key of wanted) if (classOf(key) === 'strict') return true;
  return false;
}

/** Says once of each hold that it was won. */
function reportWins(
  { holder, links }: Leases,
  turn: Turn,
  roster: Roster,
): readonly { readonly key: Key; readonly term: Term }[] {
  const won: LeaseChanged[] = [];
  for (const [key, hold] of holder.holds) {
    const { term } = hold;
    if (term === undefined || hold.reportedUntil !== NEVER) continue;
    const validUntil = heldUntil(holder, links, turn, roster, key);
    if (validUntil <= turn.now) continue;
    hold.reportedUntil = validUntil;
    won.push({ kind: 'leaseChanged', key, term, event: 'won', validUntil });
  }
  turn.out.push(...won.sort((a, b) => compareText(a.key, b.key)));
  return won;
}

type LeaseChanged = Extract<Effect, { readonly kind: 'leaseChanged' }>;

/** Says each time of a hold that it lasts longer than was said. */
function reportRenewals({ holder, links }: Leases, turn: Turn, roster: Roster): void {
  const renewed: LeaseChanged[] = [];
  for (const [key, hold] of holder.holds) {
    const { term } = hold;
    if (term === undefined || hold.reportedUntil === NEVER) continue;
    const validUntil = heldUntil(holder, links, turn, roster, key);
    if (validUntil <= turn.now || validUntil <= hold.reportedUntil) continue;
    hold.reportedUntil = validUntil;
    renewed.push({ kind: 'leaseChanged', key, term, event: 'renewed', validUntil });
  }
  turn.out.push(...renewed.sort((a, b) => compareText(a.key, b.key)));
}

/** Gives up what nobody wants led any more; returns the keys that were held. */
export function releaseUnwanted(
  leases: Leases,
  turn: Turn,
  roster: Roster,
  wanted: ReadonlySet<Key>,
): readonly Key[] {
  const keys: Key[] = [];
  for (const key of leases.holder.holds.keys()) if (!wanted.has(key)) keys.push(key);
  giveUp(leases, turn, roster, keys);
  return keys;
}

/** Says that it leads these keys no longer, then releases them (H4). */
function giveUp(
  { holder }: Leases,
  turn: Turn,
  roster: Roster,
  keys: readonly Key[],
  prefer?: HostId,
): void {
  for (const key of [...keys].sort(compareText)) {
    const hold = holder.holds.get(key);
    if (hold?.term === undefined || hold.reportedUntil === NEVER) continue;
    const { term } = hold;
    turn.out.push({ kind: 'leaseChanged', key, term, event: 'ended', validUntil: turn.now });
  }
  release(holder, turn, roster, keys, prefer);
}

/** Lets another host lead these keys, and tries for them again only if none does. */
function letGo(
  leases: Leases,
  turn: Turn,
  roster: Roster,
  keys: readonly Key[],
  prefer?: HostId,
): void {
  giveUp(leases, turn, roster, keys, prefer);
  standBack(leases.candidacies, turn, keys);
}

/**
 * Before the agent ends: of the hosts alive the first in its rank is to lead each key next. Voters forget
 * our session, so that nothing on its way can bind a key to it again. Returns the keys that were given.
 */
export function giveAway(
  leases: Leases,
  turn: Turn,
  roster: Roster,
  others: readonly HostId[],
): readonly Key[] {
  const keys = [...leases.holder.holds.keys()].filter((key) => classOf(key) === 'normal');
  const heirOf = (key: Key): HostId | undefined => rendezvous(key, others)[0];
  for (const heir of new Set(keys.sort(compareText).map(heirOf)))
    giveUp(
      leases,
      turn,
      roster,
      keys.filter((key) => heirOf(key) === heir),
      heir,
    );
  endSession(turn, roster);
  return keys;
}

/** Follows an adopted roster (Roster 2, 3, 4, 6). */
export function followRoster(
  leases: Leases,
  turn: Turn,
  change: { readonly from: Roster; readonly to: Roster },
): void {
  const { from, to } = change;
  // Whoever may have been removed in between has forgotten what it granted: nobody counts on that.
  const unsure = votersOf(from).filter((voter) => !surelyStayed(from, to, voter));
  if (unsure.includes(turn.self)) wipeVoter(leases.voter);
  for (const voter of unsure) leases.links.byVoter.delete(voter);
  // First: what was granted by those who vote no more counts for nothing, once they are forced (E4).
  setVoters(leases.links, change.to);
  changeRoster(leases.holder, leases.links, turn, change);
}

/** Keepalives have a rhythm of their own (`linksDeadline`). */
export function leasesDeadline(leases: Leases, turn: Turn, roster: Roster): Instant | undefined {
  const { voter, holder, links, candidacies } = leases;
  const deadline = earlier(voterDeadline(voter), holderDeadline(holder, links, turn, roster));
  return earlier(deadline, candidaciesDeadline(candidacies));
}
