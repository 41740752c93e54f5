/**
 * What a host counts on as a holder of leases: its ballots, who has accepted them, and from that until
 * when each key is held. What becomes of them is in `holder.ts`, whose invariants this file shares.
 */
import type { Ballot, HostId, Key, Term } from '../base/ids.ts';
import { type Instant, later, NEVER } from '../base/time.ts';
import { type Roster } from '../roster/roster.ts';
import type { Turn } from '../turn.ts';
import type { Grant } from '../wire/message.ts';
import { classOf, type LeaseClass } from './class.ts';
import type { Durable } from './durable.ts';
import { countsUntil, type Links, quorumUntil, sessionWith } from './links.ts';
import { sameGrant } from './voter.ts';

export type Hold = {
  ballot: Ballot;
  phase: 'prepare' | 'accept';
  /** First prepare of the present ballot. */
  startedAt: Instant;
  resendAt: Instant;
  /** Voters that promised the present ballot and hold nothing of another's. */
  readonly promises: Set<HostId>;
  /** Voters that refused the present ballot, or hold the key for another. */
  readonly refusals: Set<HostId>;
  /** Those of them that have promised a higher ballot, or this one to another: they never will. */
  readonly outbid: Set<HostId>;
  /** The grant under which each voter accepted the present ballot or one it replaced (H5). */
  readonly accepted: Map<HostId, Grant>;
  /** The same for the present ballot alone. */
  readonly current: Map<HostId, Grant>;
  /** The ballot a quorum accepted; undefined: not a leader yet. */
  term: Term | undefined;
  /** Acknowledged under a roster since replaced: counts until it lapses, never longer. */
  carriedUntil: Instant;
  /** What we told others last, to report each change once. */
  reportedUntil: Instant;
  /** Until when `accepted` counts under these links and this roster; undefined: to be counted (H7). */
  counted: Counted | undefined;
};
type Counted = { readonly roster: Roster; readonly linksVersion: number; readonly until: Instant };

export type Holder = {
  readonly durable: Durable;
  readonly holds: Map<Key, Hold>;
  /** The highest ballot seen or tried; the first comes from the ceiling on disk (L-b). */
  highest: Ballot;
  /** No ballot of an earlier start of this host was higher. */
  readonly floor: Ballot;
  /** False: what was made here under the key lives, so that nobody else may have it (X4). */
  readonly isFree: (key: Key) => boolean;
};

export const createHolder = (
  durable: Durable,
  floor: Ballot,
  isFree: Holder['isFree'] = () => true,
): Holder => ({ durable, holds: new Map(), highest: floor, floor, isFree });

/** The instant from which `key` is not held; in the past or NEVER if it is not held now. */
export function heldUntil(
  holder: Holder,
  links: Links,
  turn: Turn,
  roster: Roster,
  key: Key,
): Instant {
  const hold = holder.holds.get(key);
  if (hold?.term === undefined) return NEVER;
  let { counted } = hold;
  if (counted?.linksVersion !== links.version || counted.roster !== roster) {
    const until = acceptedUntil(hold, links, turn, roster, classOf(key));
    counted = { roster, linksVersion: links.version, until };
    hold.counted = counted;
  }
  return later(counted.until, hold.carriedUntil);
}

function acceptedUntil(
  { accepted }: Hold,
  links: Links,
  turn: Turn,
  roster: Roster,
  leaseClass: LeaseClass,
): Instant {
  return quorumUntil(roster, (voter) => {
    const session = sessionWith(links, voter, leaseClass);
    const grant = accepted.get(voter);
    if (session === undefined || !sameGrant(grant, session.grant)) return NEVER; // H1
    return countsUntil(session, roster.termMs[leaseClass], turn.config);
  });
}

export function isHeld(
  holder: Holder,
  links: Links,
  turn: Turn,
  roster: Roster,
  key: Key,
): boolean {
  return turn.now < heldUntil(holder, links, turn, roster, key);
}
