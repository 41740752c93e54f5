/**
 * The holder's side of its sessions: one link per voter, with the grant it now counts on and the send
 * time of the newest keepalive that this grant has acknowledged.
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
import { sameGrant } from './voter.ts';

export type Link = {
  grant: Grant | undefined;
  /** Send time of the newest keepalive acknowledged under `grant`. */
  last: Instant;
  /** Send times of keepalives not acknowledged yet, by seq. */
  readonly sent: Map<number, Instant>;
  /** Send time of the newest keepalive, acknowledged or not. */
  sentAt: Instant;
  /** Send time of the newest keepalive acknowledged at all. */
  ackedAt: Instant;
  /** The voter knows our present boot. */
  confirmed: boolean;
  synced: boolean;
  /** Epoch of its newest answer. */
  epoch: number;
};

export type Links = { readonly byVoter: Map<HostId, Link>; seq: number };

/** Keepalives remembered per voter while unacknowledged; the oldest is forgotten. */
const SENT_MAX = 32;

export const createLinks = (): Links => ({ byVoter: new Map(), seq: 0 });

/** Follows a change of roster: links to voters that remain are kept. */
export function setVoters(links: Links, roster: Roster): void {
  const voters = votersOf(roster);
  for (const host of links.byVoter.keys()) {
    if (!voters.includes(host)) links.byVoter.delete(host);
  }
  for (const host of voters) {
    if (links.byVoter.has(host)) continue;
    links.byVoter.set(host, {
      grant: undefined,
      last: NEVER,
      sent: new Map(),
      sentAt: NEVER,
      ackedAt: NEVER,
      confirmed: false,
      synced: false,
      epoch: 0,
    });
  }
}

/**
 * When the next keepalive to this voter is due: T/4 after the last, or the retry if it is unanswered
 * or its answer was a new grant, on which nothing counts before a keepalive has named it.
 */
function dueAt(link: Link, termMs: Millis, config: Config): Instant {
  const answered = link.ackedAt === link.sentAt && link.last !== NEVER;
  return after(link.sentAt, answered ? millis(termMs / 4) : config.retryMs);
}

/**
 * For as long as anything could count the voter has answered nothing. It may hear us all the same, and
 * would keep our bindings for as long as we name their grant (V4).
 */
const isDeaf = ({ ackedAt }: Link, { now, config }: Turn, { termMs }: Roster): boolean =>
  ackedAt !== NEVER && now >= after(ackedAt, holderTermMs(termMs.normal, config));

export function sendKeepalives(links: Links, turn: Turn, roster: Roster): void {
  for (const host of votersOf(roster)) {
    const link = links.byVoter.get(host);
    if (link === undefined || turn.now < dueAt(link, roster.termMs.normal, turn.config)) continue;
    if (isDeaf(link, turn, roster)) {
      link.grant = undefined;
      link.last = NEVER;
    }
    links.seq += 1;
    link.sentAt = turn.now;
    link.sent.set(links.seq, turn.now);
    const oldest = link.sent.keys().next().value;
    if (link.sent.size > SENT_MAX && oldest !== undefined) link.sent.delete(oldest);
    send(turn, host, {
      kind: 'keepalive',
      epoch: roster.epoch,
      class: 'normal',
      termMs: roster.termMs.normal,
      seq: links.seq,
      sid: turn.boot,
      ...(link.grant === undefined ? {} : { grant: link.grant }),
    });
  }
}

export function linksDeadline(links: Links, roster: Roster, config: Config): Instant | undefined {
  let deadline: Instant | undefined;
  for (const link of links.byVoter.values())
    deadline = earlier(deadline, dueAt(link, roster.termMs.normal, config));
  return deadline;
}

/** Returns whether the answer counted; `message.sid` has been checked to be ours. */
export function onKeepaliveAck(links: Links, from: HostId, message: KeepaliveAck): boolean {
  const link = links.byVoter.get(from);
  if (link === undefined) return false;
  if (!sameGrant(link.grant, message.grant)) {
    if (link.grant !== undefined && olderGrant(message.grant, link.grant)) return false;
    // Every binding under the old grant is void from here on: `last` starts anew.
    link.grant = message.grant;
    link.last = NEVER;
  }
  const sentAt = link.sent.get(message.seq);
  if (sentAt !== undefined) {
    if (message.fresh && sentAt > link.last) link.last = sentAt;
    if (sentAt > link.ackedAt) link.ackedAt = sentAt;
    for (const seq of link.sent.keys()) if (seq <= message.seq) link.sent.delete(seq);
  }
  link.confirmed = true;
  link.synced = message.synced;
  link.epoch = Math.max(link.epoch, message.epoch);
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
  return (
    link !== undefined &&
    sameGrant(link.grant, message.grant) &&
    turn.now < countsUntil(link, roster.termMs.normal, turn.config) &&
    link.synced === message.synced &&
    link.epoch === message.epoch
  );
}

const olderGrant = (a: Grant, b: Grant): boolean =>
  a.boot < b.boot || (a.boot === b.boot && a.nonce === b.nonce && a.count < b.count);

/** Until when a binding under the link's present grant surely lives at the voter. */
export function countsUntil(link: Link, termMs: Millis, config: Config): Instant {
  return link.last === NEVER ? NEVER : after(link.last, holderTermMs(termMs, config));
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

/** Whether a quorum has acknowledged a keepalive sent at most `withinMs` ago. */
export function hasQuorum(links: Links, turn: Turn, roster: Roster, withinMs: Millis): boolean {
  const heard = quorumUntil(roster, (voter) => links.byVoter.get(voter)?.ackedAt ?? NEVER);
  return heard !== NEVER && turn.now - heard <= withinMs;
}

/** Whether enough other voters know our boot for us to vote (V3); a sole voter alone. */
export function bootConfirmed(links: Links, self: HostId, roster: Roster): boolean {
  return majority(
    roster.voters,
    (voter) => voter === self || links.byVoter.get(voter)?.confirmed === true,
  );
}
