/**
 * The holder's side of all leases: ballots for keys, the bindings a quorum has accepted, and from
 * them until when each key is held.
 *
 *     (none) ──acquire──▶ prepare ──quorum open/self──▶ accept ──quorum ok──▶ confirmed
 *        ▲                   │ not within T/2: abandon     │                      │
 *        └───────────────────┴─────────────────────────────┴──── lapse, release ──┘
 *
 * Invariants:
 *  H1 `heldUntil` counts a voter only while our session of the key's class carries the grant under
 *     which it accepted, and from the send time of the keepalive, never from its answer.
 *  H2 Voters are counted, not replies: sets and maps keyed by voter.
 *  H3 The term is a ballot that a quorum accepted, never one in progress; it only rises.
 *  H4 Nothing is released before we have stopped counting on it.
 *  H5 A raised ballot (`keep`) drops no acceptance it still counts on.
 *  H6 What a voter calls revoked is let go of before its answer counts for anything.
 *  H7 How long a hold lasts follows from what was accepted, from the links and from the roster alone, so
 *     it is counted anew only when one of them has changed.
 *
 * Source: README.md §5, L-a, L-b, Roster 3.
 */
import { ballot, type Ballot, type HostId, type Key, type Term, term } from '../base/ids.ts';
import { compareText, sorted } from '../base/order.ts';
import { after, earlier, type Instant, millis, NEVER } from '../base/time.ts';
import { batches } from '../limits.ts';
import { quorum, type Roster, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';
import type { AcceptAck, Attempt, Grant, PrepareAck } from '../wire/message.ts';
import { classOf, LEASE_CLASSES } from './class.ts';
import { raiseCeiling } from './durable.ts';
import { type Hold, type Holder, heldUntil, isHeld } from './hold.ts';
import { countsUntil, type Links, sessionWith } from './links.ts';
import { sameGrant } from './voter.ts';

/** Starts a ballot for each key; `keep` for one that is held: its term rises without a gap (H5). */
export function acquire(
  holder: Holder,
  links: Links,
  turn: Turn,
  roster: Roster,
  keys: readonly Key[],
): void {
  if (keys.length === 0) return;
  const items: Attempt[] = [];
  for (const key of keys) {
    const old = holder.holds.get(key);
    const keep = old !== undefined && isHeld(holder, links, turn, roster, key);
    if (old !== undefined && !keep) release(holder, turn, roster, [key]);
    const n = ballot(holder.highest + 1);
    holder.highest = n;
    items.push({ key, ballot: n });
    holder.holds.set(key, {
      ballot: n,
      phase: 'prepare',
      startedAt: turn.now,
      resendAt: after(turn.now, turn.config.retryMs),
      promises: new Set(),
      refusals: new Set(),
      outbid: new Set(),
      accepted: keep ? old.accepted : new Map<HostId, Grant>(),
      current: new Map(),
      term: keep ? old.term : undefined,
      carriedUntil: keep ? old.carriedUntil : NEVER,
      reportedUntil: keep ? old.reportedUntil : NEVER,
      counted: undefined,
    });
  }
  raiseCeiling(holder.durable, turn, holder.highest);
  for (const voter of votersOf(roster))
    for (const part of batches(items))
      send(turn, voter, { kind: 'prepare', epoch: roster.epoch, sid: turn.boot, items: part });
}

/** Gives keys up: stops counting first (H4), then tells the voters, and who should lead them next. */
export function release(
  holder: Holder,
  turn: Turn,
  roster: Roster,
  keys: readonly Key[],
  prefer?: HostId,
): void {
  if (keys.length === 0) return;
  const items: Attempt[] = [];
  for (const key of keys) {
    const hold = holder.holds.get(key);
    if (hold === undefined) continue;
    holder.holds.delete(key);
    if (!holder.isFree(key)) continue; // X4: its bindings run out, or are returned when it is free
    items.push({ key, ballot: hold.ballot });
    if (hold.term !== undefined && hold.term !== (hold.ballot as number))
      items.push({ key, ballot: ballot(hold.term) });
  }
  for (const voter of votersOf(roster))
    for (const part of batches(items))
      send(turn, voter, {
        kind: 'release',
        sid: turn.boot,
        items: part,
        ends: false,
        ...(prefer === undefined ? {} : { prefer }),
      });
}

/** All releases are said: the voters shall forget our session of class normal. */
export function endSession(turn: Turn, roster: Roster): void {
  for (const voter of votersOf(roster))
    send(turn, voter, { kind: 'release', sid: turn.boot, items: [], ends: true });
}

const noteHint = (holder: Holder, hint: Ballot): void => {
  if (hint > holder.highest) holder.highest = hint;
};

export function onPrepareAck(
  holder: Holder,
  links: Links,
  turn: Turn,
  roster: Roster,
  from: HostId,
  message: PrepareAck,
): void {
  const ready: Attempt[] = [];
  for (const { key, ballot: n, status, hint } of message.items) {
    noteHint(holder, hint);
    const hold = holder.holds.get(key);
    if (hold === undefined || hold.ballot !== n || hold.phase !== 'prepare') continue;
    if (status === 'open' || status === 'self') hold.promises.add(from);
    else if (status !== 'silent') hold.refusals.add(from);
    if (status === 'nack') hold.outbid.add(from);
    if (!quorum(roster, (voter) => hold.promises.has(voter))) continue;
    hold.phase = 'accept';
    hold.refusals.clear();
    hold.resendAt = after(turn.now, turn.config.retryMs);
    ready.push({ key, ballot: n });
  }
  for (const voter of votersOf(roster)) sendAccept(links, turn, roster, voter, ready);
}

/** The voter held these keys for others when it promised our ballots, and does no more: it is asked again. */
export function askAgain(
  holder: Holder,
  turn: Turn,
  roster: Roster,
  from: HostId,
  keys: readonly Key[],
): void {
  const items: Attempt[] = [];
  for (const key of keys) {
    const hold = holder.holds.get(key);
    if (hold?.phase === 'prepare' && !hold.outbid.has(from) && hold.refusals.delete(from))
      items.push({ key, ballot: hold.ballot });
  }
  if (items.length > 0)
    send(turn, from, { kind: 'prepare', epoch: roster.epoch, sid: turn.boot, items });
}

function sendAccept(
  links: Links,
  turn: Turn,
  roster: Roster,
  voter: HostId,
  items: readonly Attempt[],
): void {
  for (const leaseClass of LEASE_CLASSES) {
    const own = items.filter(({ key }) => classOf(key) === leaseClass);
    const grant = sessionWith(links, voter, leaseClass)?.grant;
    if (own.length === 0 || grant === undefined) continue; // resent once the session stands
    send(turn, voter, { kind: 'accept', epoch: roster.epoch, sid: turn.boot, grant, items: own });
  }
}

export function onAcceptAck(
  holder: Holder,
  links: Links,
  roster: Roster,
  from: HostId,
  message: AcceptAck,
): void {
  for (const { key, ballot: n, ok, hint } of message.items) {
    noteHint(holder, hint);
    const hold = holder.holds.get(key);
    if (hold === undefined || hold.ballot !== n || hold.phase !== 'accept') continue;
    if (!ok) {
      if (hint > n) hold.refusals.add(from);
      continue;
    }
    hold.accepted.set(from, message.grant);
    hold.counted = undefined;
    hold.current.set(from, message.grant);
    if (
      quorum(roster, (voter) =>
        sameGrant(hold.current.get(voter), sessionWith(links, voter, classOf(key))?.grant),
      )
    )
      hold.term = term(n); // H3
  }
}

/** What became of the holds since the last look, and what must be tried again. */
export type Upkeep = {
  /** Not won within T/2, or refused by too many: back off. */
  readonly abandoned: readonly Key[];
  /** Won once, not held any more. */
  readonly lapsed: readonly { readonly key: Key; readonly term: Term }[];
};

/**
 * Re-sends what is unanswered, raises ballots that were overtaken while held, gives up the hopeless.
 */
export function tend(holder: Holder, links: Links, turn: Turn, roster: Roster): Upkeep {
  const abandoned: Key[] = [];
  const lapsed: { readonly key: Key; readonly term: Term }[] = [];
  const raise: Key[] = [];
  const unanswered = new Map<Key, Hold>();
  for (const [key, hold] of holder.holds) {
    const held = isHeld(holder, links, turn, roster, key);
    if (hold.term !== undefined && !held) lapsed.push({ key, term: hold.term });
    else if (hold.term === undefined && hopeless(key, hold, turn, roster)) abandoned.push(key);
    else if (held && overtaken(key, hold, turn, roster)) raise.push(key);
    else if (turn.now >= hold.resendAt && !settled(key, hold, links, turn, roster))
      unanswered.set(key, hold);
  }
  for (const [key, hold] of sorted(unanswered)) resend(key, hold, links, turn, roster);
  abandoned.sort(compareText);
  lapsed.sort((a, b) => compareText(a.key, b.key));
  raise.sort(compareText);
  release(holder, turn, roster, [...abandoned, ...lapsed.map(({ key }) => key)]);
  acquire(holder, links, turn, roster, raise);
  return { abandoned, lapsed };
}

/** A candidate's ballot that cannot win any more, or did not within T/2 (L-a). */
function hopeless(key: Key, hold: Hold, turn: Turn, roster: Roster): boolean {
  if (!quorum(roster, (voter) => !hold.refusals.has(voter))) return true;
  return turn.now >= givenUpAt(key, hold, roster);
}

const givenUpAt = (key: Key, { startedAt }: Hold, { termMs }: Roster): Instant =>
  after(startedAt, millis(termMs[classOf(key)] / 2));

/** A leader's ballot that a voter has promised away, or that found no quorum within T/2. */
function overtaken(key: Key, hold: Hold, turn: Turn, roster: Roster): boolean {
  if (hold.term === (hold.ballot as number) && hold.refusals.size === 0) return false;
  if (turn.now < hold.resendAt) return false;
  return hold.refusals.size > 0 || hopeless(key, hold, turn, roster);
}

function resend(key: Key, hold: Hold, links: Links, turn: Turn, roster: Roster): void {
  hold.resendAt = after(turn.now, turn.config.retryMs);
  const items = [{ key, ballot: hold.ballot }];
  for (const voter of votersOf(roster)) {
    if (hold.phase === 'accept') {
      if (!sameGrant(hold.current.get(voter), sessionWith(links, voter, classOf(key))?.grant))
        sendAccept(links, turn, roster, voter, items);
    } else if (!hold.promises.has(voter) && !hold.outbid.has(voter)) {
      send(turn, voter, { kind: 'prepare', epoch: roster.epoch, sid: turn.boot, items });
    }
  }
}

/** False while some voter still has to answer the present ballot, or a leader's session accept it. */
function settled(key: Key, hold: Hold, links: Links, turn: Turn, roster: Roster): boolean {
  if (hold.phase === 'prepare' || hold.refusals.size > 0) return false;
  const leaseClass = classOf(key);
  for (const [voter, { sessions }] of links.byVoter) {
    const session = sessions[leaseClass];
    if (sameGrant(hold.current.get(voter), session.grant)) continue;
    // A leader waits for no voter that is away; its next keepalive answer ends the wait.
    const away = turn.now >= countsUntil(session, roster.termMs[leaseClass], turn.config);
    if (hold.term === undefined || !away) return false;
  }
  return true;
}

export function holderDeadline(
  holder: Holder,
  links: Links,
  turn: Turn,
  roster: Roster,
): Instant | undefined {
  let deadline: Instant | undefined;
  for (const [key, hold] of holder.holds) {
    if (hold.term === undefined) deadline = earlier(deadline, givenUpAt(key, hold, roster));
    else deadline = earlier(deadline, heldUntil(holder, links, turn, roster, key));
    if (!settled(key, hold, links, turn, roster)) deadline = earlier(deadline, hold.resendAt);
  }
  return deadline;
}

/** A binding a voter reports that we do not count on is returned, or it would block the key for ever. */
export function returnLeaks(
  holder: Holder,
  turn: Turn,
  from: HostId,
  bindings: readonly { readonly key: Key; readonly ballot: Ballot }[],
): void {
  const items = bindings.filter(({ key, ballot: n }) => {
    const hold = holder.holds.get(key);
    if (classOf(key) === 'strict' && (n <= holder.floor || !holder.isFree(key))) return false; // X4
    return !(hold !== undefined && (hold.ballot === n || hold.accepted.has(from)));
  });
  if (items.length > 0) send(turn, from, { kind: 'release', sid: turn.boot, items, ends: false });
}

/**
 * Keys that a user has taken from us, says a voter. Whatever we count on it for them, now or once an
 * accept of before is answered, may end before its session does: we must let go of them (H6).
 */
export const takenFrom = (holder: Holder, revoked: readonly Attempt[]): readonly Key[] =>
  revoked
    .filter(({ key, ballot: n }) => n <= (holder.holds.get(key)?.ballot ?? 0))
    .map(({ key }) => key);

/**
 * The roster has changed: what is acknowledged under `old` counts until it lapses, and every key is
 * balloted anew under the new rule (Roster 3).
 */
export function changeRoster(
  holder: Holder,
  links: Links,
  turn: Turn,
  change: { readonly from: Roster; readonly to: Roster },
): void {
  for (const [key, hold] of sorted(holder.holds))
    hold.carriedUntil = heldUntil(holder, links, turn, change.from, key);
  acquire(
    holder,
    links,
    turn,
    change.to,
    sorted(holder.holds).map(([key]) => key),
  );
}
