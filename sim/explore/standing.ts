/**
 * One candidate for a key in a walk: the holder's machine that ships, its links, and its timers, which
 * run out when the walk says so.
 */
import { ballot, boot, type Boot, type HostId, key } from '../../protocol/base/ids.ts';
import { after, type Instant, instant, millis, NEVER } from '../../protocol/base/time.ts';
import { CEILING_BLOCK, type Durable } from '../../protocol/lease/durable.ts';
import { createHolder, heldUntil, type Hold, type Holder } from '../../protocol/lease/hold.ts';
import {
  acquire,
  onAcceptAck,
  onPrepareAck,
  release,
  returnLeaks,
  tend,
} from '../../protocol/lease/holder.ts';
import {
  createLinks,
  type Link,
  type Links,
  onKeepaliveAck,
  sendKeepalives,
  type Session,
  sessionWith,
  setVoters,
} from '../../protocol/lease/links.ts';
import { sameGrant } from '../../protocol/lease/voter.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Turn } from '../../protocol/turn.ts';
import type { Grant, Message } from '../../protocol/wire/message.ts';
import { NOW, turnAt } from './voting.ts';

export const KEY = key('component/shop.web');

/** A send so long ago that nothing counts on it any more. */
export const LONG_AGO = instant(0);
export const SOON = after(NOW, millis(1));

export type Standing = {
  readonly holder: Holder;
  readonly links: Links;
  readonly boot: Boot;
  /** Number of the newest keepalive on each link. */
  readonly seqs: Map<HostId, number>;
  disk: Durable;
};

export type CandidateEvent =
  | { readonly kind: 'heard'; readonly voter: HostId; readonly message: Message }
  /** A ballot for the key, be it the first or another. */
  | { readonly kind: 'try' }
  /** The retry of its ballot is due. */
  | { readonly kind: 'retry' }
  /** Its ballot has found no quorum within T/2. */
  | { readonly kind: 'timeOut' }
  | { readonly kind: 'release' }
  | { readonly kind: 'keepalive'; readonly voter: HostId }
  /** Th from the last keepalive is over, on this link alone; only under grants of an earlier boot. */
  | { readonly kind: 'fade'; readonly voter: HostId; readonly before?: Boot }
  | { readonly kind: 'crash' };

export function createStanding(disk: Durable, roster: Roster): Standing {
  const links = createLinks();
  setVoters(links, roster);
  const durable = { ...disk };
  const seqs = new Map(roster.voters.map((voter) => [voter, 0]));
  return { holder: createHolder(durable, durable.ceiling), links, boot: disk.boot, seqs, disk };
}

export const copyStanding = (standing: Standing): Standing => ({
  ...standing,
  seqs: new Map(standing.seqs),
  links: copyLinks(standing.links),
  holder: copyHolder(standing.holder, { ...standing.holder.durable }),
});

export const copyLinks = ({ byVoter, ...links }: Links): Links => ({
  ...links,
  byVoter: new Map(
    [...byVoter].map(([voter, { sessions, ...link }]) => {
      const { normal, strict } = sessions;
      return [
        voter,
        { ...link, sessions: { normal: copySession(normal), strict: copySession(strict) } },
      ];
    }),
  ),
});

const copySession = (session: Session): Session => ({ ...session, sent: new Map(session.sent) });

export const copyHolder = (holder: Holder, durable: Durable): Holder => ({
  ...holder,
  durable,
  holds: new Map([...holder.holds].map(([name, hold]) => [name, copyHold(hold)])),
});

const copyHold = (hold: Hold): Hold => ({
  ...hold,
  promises: new Set(hold.promises),
  refusals: new Set(hold.refusals),
  outbid: new Set(hold.outbid),
  accepted: new Map(hold.accepted),
  current: new Map(hold.current),
});

export const holdOf = ({ holder }: Standing): Hold | undefined => holder.holds.get(KEY);

/** Apart for what concerns each voter, so that voters in the same state are alike. */
export function printStanding(
  standing: Standing,
  roster: Roster,
): { readonly own: string; readonly links: readonly string[] } {
  const { holder, links } = standing;
  const hold = holdOf(standing);
  const ballots = hold && `${hold.ballot} ${hold.phase} ${hold.term}`;
  const own = `${standing.boot} ${holder.durable.ceiling} ${ballots}`;
  return {
    own,
    links: roster.voters.map((voter) => {
      const link = links.byVoter.get(voter);
      return `${standing.seqs.get(voter)} ${printLink(link)} ${printVotes(hold, voter)}`;
    }),
  };
}

export function printLink(link: Link | undefined): string {
  if (link === undefined) return '';
  const { sent, grant, last } = link.sessions.normal;
  const asked = [...sent].map(([n, at]) => `${n}${ageOf(at)}`);
  return `${showGrant(grant)}${ageOf(last)} ${asked.join(' ')}`;
}

/** What the voter has said to the present ballot. */
export function printVotes(hold: Hold | undefined, voter: HostId): string {
  if (hold === undefined) return '';
  const { promises, refusals, outbid, accepted, current } = hold;
  const said = `${promises.has(voter)} ${refusals.has(voter)} ${outbid.has(voter)}`;
  return `${said} ${showGrant(accepted.get(voter))} ${showGrant(current.get(voter))}`;
}

const showGrant = (grant: Grant | undefined): string =>
  grant === undefined ? '-' : `${grant.boot}.${grant.count}`;
const ageOf = (at: Instant | undefined): string =>
  at === NOW ? 'fresh' : at === LONG_AGO ? 'old' : 'none';

export const isFresh = ({ links }: Standing, voter: HostId): boolean =>
  sessionWith(links, voter, 'normal')?.last === NOW;

/** Whether it leads by its own clock, and under which term. */
export function termHeld(standing: Standing, self: HostId, roster: Roster): number | undefined {
  const { holder, links } = standing;
  const until = heldUntil(holder, links, turnAt(self, standing.boot), roster, KEY);
  return NOW < until ? holdOf(standing)?.term : undefined;
}

/** Whether a retry would send anything that is not under way already. */
export function mayRetry(standing: Standing): boolean {
  const hold = holdOf(standing);
  if (hold === undefined) return false;
  if (hold.term !== undefined && hold.refusals.size > 0) return true;
  const stale = ([voter, { sessions }]: readonly [HostId, Link]): boolean =>
    sessions.normal.grant !== undefined &&
    !sameGrant(hold.current.get(voter), sessions.normal.grant);
  return hold.phase === 'accept' && [...standing.links.byVoter].some(stale);
}

/** What the event makes the host say, and to whom. */
export function befallStanding(
  standing: Standing,
  self: HostId,
  roster: Roster,
  event: CandidateEvent,
): { readonly next: Standing; readonly out: Turn['out'] } {
  const turn = turnAt(self, standing.boot);
  const { holder, links } = standing;
  const hold = holdOf(standing);
  switch (event.kind) {
    case 'heard':
      hear(standing, turn, roster, event.voter, event.message);
      break;
    case 'try':
      acquire(holder, links, turn, roster, [KEY]);
      break;
    case 'retry':
      if (hold !== undefined) hold.resendAt = NOW;
      break;
    case 'timeOut':
      if (hold !== undefined) hold.startedAt = LONG_AGO;
      break;
    case 'release':
      release(holder, turn, roster, [KEY]);
      break;
    case 'keepalive':
      keepAlive(standing, turn, roster, event.voter);
      break;
    case 'fade':
      ageLink(links, event.voter, event.before);
      break;
    case 'crash':
      return { next: restart(standing, roster), out: [] };
  }
  tend(holder, links, turn, roster);
  const now = holdOf(standing);
  if (now !== undefined) restTimers(now);
  for (const effect of turn.out)
    if (effect.kind === 'persist')
      for (const { name, value } of effect.writes)
        if (name === 'host') standing.disk = value as Durable;
  return { next: standing, out: turn.out };
}

/** Timers run out when the walk says so. */
export function restTimers(hold: Hold): void {
  hold.resendAt = SOON;
  hold.startedAt = NOW;
}

/** As `core/messages.ts` hands it on: replies to another life are dropped (L-b). */
function hear(
  { holder, links }: Standing,
  turn: Turn,
  roster: Roster,
  from: HostId,
  message: Message,
): void {
  if ('sid' in message && message.sid !== turn.boot) return;
  if (message.kind === 'prepareAck') onPrepareAck(holder, links, turn, roster, from, message);
  if (message.kind === 'acceptAck') onAcceptAck(holder, links, roster, from, message);
  if (message.kind === 'keepaliveAck' && onKeepaliveAck(links, from, message))
    returnLeaks(holder, turn, from, message.bindings);
}

/** One keepalive, to this voter alone. */
function keepAlive(standing: Standing, turn: Turn, roster: Roster, voter: HostId): void {
  const { links, seqs } = standing;
  links.seq = seqs.get(voter) ?? 0;
  seqs.set(voter, links.seq + 1);
  for (const [other, { sessions }] of links.byVoter)
    sessions.normal.sentAt = other === voter ? NEVER : NOW;
  sendKeepalives(links, turn, roster);
}

export function ageLink(links: Links, voter: HostId, before?: Boot): void {
  const session = sessionWith(links, voter, 'normal');
  if (session === undefined) return;
  if (before !== undefined && (session.grant?.boot ?? before) >= before) return;
  if (session.last !== NEVER) session.last = LONG_AGO;
  links.version += 1;
  for (const seq of session.sent.keys()) session.sent.set(seq, LONG_AGO);
}

function restart({ disk, boot: last }: Standing, roster: Roster): Standing {
  const anew = createStanding({ ...disk, boot: boot(last + 1) }, roster);
  anew.holder.durable.ceiling = ballot(disk.ceiling + CEILING_BLOCK);
  return { ...anew, disk: { ...anew.holder.durable } };
}
