/**
 * The holder's side of its sessions: one link per voter, and on it a session of each class, with the
 * grant it now counts on and the send time of the newest keepalive that this grant has acknowledged.
 *
 * Source: README.md §5, L-b, L-c. A voter's session outlives ours by
 * construction: it counts T from receipt, we count Th < T from the send (send time, never ack time).
 */
import type { HostId } from '../base/ids.ts';
import { after, earlier, type Instant, type Millis, millis, NEVER } from '../base/time.ts';
import { holderTermMs, type Config } from '../config.ts';
import { majority, type Roster, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';
import type { Grant, KeepaliveAck } from '../wire/message.ts';
import { LEASE_CLASSES, type LeaseClass } from './class.ts';
import { sameGrant } from './voter.ts';

export type Session = {
  grant: Grant | undefined;
  /** Send time of the newest keepalive acknowledged under `grant`. */
  last: Instant;
  /** Send times of keepalives not acknowledged yet, by seq. */
  readonly sent: Map<number, Instant>;
  /** Send time of the newest keepalive, acknowledged or not. */
  sentAt: Instant;
  /** Send time of the newest keepalive acknowledged at all. */
  ackedAt: Instant;
};

export type Link = {
  readonly sessions: Readonly<Record<LeaseClass, Session>>;
  /** The voter knows our present boot. */
  confirmed: boolean;
  synced: boolean;
  /** Epoch of its newest answer. */
  epoch: number;
  /** The longest T it has said that it has ever granted. */
  maxTermMs: Millis;
};

export type Links = {
  readonly byVoter: Map<HostId, Link>;
  /** Rises with every change of a `grant` or a `last`, and of who votes. */
  version: number;
  seq: number;
  /** Whether sessions of class strict are kept up; those of class normal always are. */
  strict: boolean;
};

/** Keepalives remembered per session while unacknowledged; the oldest is forgotten. */
const SENT_MAX = 32;

export const createLinks = (): Links => ({
  byVoter: new Map(),
  version: 0,
  seq: 0,
  strict: false,
});

const createSession = (): Session => ({
  grant: undefined,
  last: NEVER,
  sent: new Map(),
  sentAt: NEVER,
  ackedAt: NEVER,
});

/** Our session of this class with the voter; undefined: it is no voter. */
export const sessionWith = (
  { byVoter }: Links,
  voter: HostId,
  leaseClass: LeaseClass,
): Session | undefined => byVoter.get(voter)?.sessions[leaseClass];

/** Follows a change of roster: links to voters that remain are kept. */
export function setVoters(links: Links, roster: Roster): void {
  const voters = votersOf(roster);
  links.version += 1;
  for (const host of links.byVoter.keys()) {
    if (!voters.includes(host)) links.byVoter.delete(host);
  }
  for (const host of voters) {
    if (links.byVoter.has(host)) continue;
    links.byVoter.set(host, {
      sessions: { normal: createSession(), strict: createSession() },
      confirmed: false,
      synced: false,
      epoch: 0,
      maxTermMs: millis(0),
    });
  }
}

/** The classes of which keepalives are sent: whoever needs no strict lease pays for none. */
const classesOf = ({ strict }: Links): readonly LeaseClass[] =>
  strict ? LEASE_CLASSES : ['normal'];

/**
 * When the next keepalive of a session is due: T/4 after the last, or the retry if it is unanswered
 * or its answer was a new grant, on which nothing counts before a keepalive has named it.
 */
function dueAt(session: Session, termMs: Millis, config: Config): Instant {
  const answered = session.ackedAt === session.sentAt && session.last !== NEVER;
  return after(session.sentAt, answered ? millis(termMs / 4) : config.retryMs);
}

/**
 * For as long as anything could count the voter has answered nothing. It may hear us all the same, and
 * would keep our bindings for as long as we name their grant (V4).
 */
const isDeaf = ({ ackedAt }: Session, { now, config }: Turn, termMs: Millis): boolean =>
  ackedAt !== NEVER && now >= after(ackedAt, holderTermMs(termMs, config));

export function sendKeepalives(links: Links, turn: Turn, roster: Roster): void {
  const classes = classesOf(links);
  for (const host of votersOf(roster))
    for (const leaseClass of classes) {
      const session = sessionWith(links, host, leaseClass);
      const termMs = roster.termMs[leaseClass];
      if (session === undefined || turn.now < dueAt(session, termMs, turn.config)) continue;
      if (isDeaf(session, turn, termMs)) {
        links.version += 1;
        session.grant = undefined;
        session.last = NEVER;
      }
      links.seq += 1;
      note(session, links.seq, turn.now);
      send(turn, host, {
        kind: 'keepalive',
        epoch: roster.epoch,
        class: leaseClass,
        termMs,
        seq: links.seq,
        sid: turn.boot,
        ...(session.grant === undefined ? {} : { grant: session.grant }),
      });
    }
}

function note(session: Session, seq: number, sentAt: Instant): void {
  session.sentAt = sentAt;
  session.sent.set(seq, sentAt);
  const oldest = session.sent.keys().next().value;
  if (session.sent.size > SENT_MAX && oldest !== undefined) session.sent.delete(oldest);
}

export function linksDeadline(links: Links, roster: Roster, config: Config): Instant | undefined {
  let deadline: Instant | undefined;
  for (const leaseClass of classesOf(links))
    for (const { sessions } of links.byVoter.values())
      deadline = earlier(deadline, dueAt(sessions[leaseClass], roster.termMs[leaseClass], config));
  return deadline;
}

/** Returns whether the answer counted; `message.sid` has been checked to be ours. */
export function onKeepaliveAck(links: Links, from: HostId, message: KeepaliveAck): boolean {
  const link = links.byVoter.get(from);
  if (link === undefined) return false;
  const session = link.sessions[message.class];
  links.version += 1;
  if (!sameGrant(session.grant, message.grant)) {
    if (session.grant !== undefined && olderGrant(message.grant, session.grant)) return false;
    // Every binding under the old grant is void from here on: `last` starts anew.
    session.grant = message.grant;
    session.last = NEVER;
  }
  const sentAt = session.sent.get(message.seq);
  if (sentAt !== undefined) {
    if (message.fresh && sentAt > session.last) session.last = sentAt;
    if (sentAt > session.ackedAt) session.ackedAt = sentAt;
    for (const seq of session.sent.keys()) if (seq <= message.seq) session.sent.delete(seq);
  }
  link.confirmed = true;
  link.synced = message.synced;
  link.epoch = Math.max(link.epoch, message.epoch);
  link.maxTermMs = millis(Math.max(link.maxTermMs, message.maxTermMs));
  return true;
}

/** Whether the answer, not taken in yet, only prolongs what we count on already. */
export function isRenewal(
  links: Links,
  turn: Turn,
  roster: Roster,
  from: HostId,
  message: KeepaliveAck,
): boolean {
  const link = links.byVoter.get(from);
  const session = link?.sessions[message.class];
  return (
    link !== undefined &&
    session !== undefined &&
    sameGrant(session.grant, message.grant) &&
    message.revoked.length === 0 &&
    message.class === 'normal' && // the guard hears of every renewal of a strict lease
    turn.now < countsUntil(session, roster.termMs[message.class], turn.config) &&
    link.synced === message.synced &&
    link.epoch === message.epoch &&
    link.maxTermMs >= message.maxTermMs
  );
}

const olderGrant = (a: Grant, b: Grant): boolean =>
  a.boot < b.boot || (a.boot === b.boot && a.nonce === b.nonce && a.count < b.count);

/** Until when a binding under the session's present grant surely lives at the voter. */
export function countsUntil({ last }: Session, termMs: Millis, config: Config): Instant {
  return last === NEVER ? NEVER : after(last, holderTermMs(termMs, config));
}

/**
 * The latest instant until which a quorum still answers `until(voter)` or later: the majority-th
 * largest in each set of voters, and the smaller of the two while a change is under way.
 */
export function quorumUntil(roster: Roster, until: (voter: HostId) => Instant): Instant {
  const group = (voters: readonly HostId[]): Instant => {
    const descending: Instant[] = [];
    for (const voter of voters) {
      const reading = until(voter);
      let i = descending.length;
      // By insertion: voters are few, and this is asked for every key in every step.
      for (; i > 0 && (descending[i - 1] ?? NEVER) < reading; i--)
        descending[i] = descending[i - 1] ?? NEVER;
      descending[i] = reading;
    }
    return descending[Math.floor(voters.length / 2)] ?? NEVER;
  };
  const old = group(roster.voters);
  if (roster.next === undefined) return old;
  const joint = group(roster.next);
  return joint < old ? joint : old;
}

/** When the newest keepalive that this voter has acknowledged was sent. */
export const ackedAt = (links: Links, voter: HostId): Instant =>
  sessionWith(links, voter, 'normal')?.ackedAt ?? NEVER;

/** Send time of the newest keepalives that a quorum has acknowledged; NEVER: none has yet. */
export const quorumAckedAt = (links: Links, roster: Roster): Instant =>
  quorumUntil(roster, (voter) => ackedAt(links, voter));

/** Whether a quorum has acknowledged a keepalive sent at most `withinMs` ago. */
export function hasQuorum(links: Links, turn: Turn, roster: Roster, withinMs: Millis): boolean {
  const heard = quorumAckedAt(links, roster);
  return heard !== NEVER && turn.now - heard <= withinMs;
}

/** Whether enough other voters know our boot for us to vote (V3); a sole voter alone. */
export function bootConfirmed(links: Links, self: HostId, roster: Roster): boolean {
  return majority(
    roster.voters,
    (voter) => voter === self || links.byVoter.get(voter)?.confirmed === true,
  );
}
