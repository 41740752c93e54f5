/**
 * One voter's part in all leases: sessions it grants to hosts, bindings of keys to those sessions,
 * promises of ballots. It decides nothing; the holder counts a quorum of its answers.
 *
 *     keepalive ──▶ session of a class (expires T after the last one)
 *     prepare n ──▶ promise: no lower ballot is accepted any more
 *     accept  n ──▶ binding of the key to the sender's session of the key's class, for as long as that lives
 *     release n ──▶ binding gone
 *
 * Invariants:
 *  V1 A promise never falls, across restarts too: the floor is a persisted ceiling (S5).
 *  V2 A live binding is replaced only by its own owner, by a release with its exact ballot, or by the
 *     end of its session (L-a), or by its own end where a user has revoked it.
 *  V3 A restarted voter says `silent` for as long as a lease it may have granted can live (S6), and
 *     until the roster's other voters have confirmed its boot.
 *  V4 A session is extended only by a keepalive that names its grant; by one that names none as long
 *     as nothing is bound in it.
 *  V5 A revoked binding ends when its session would have ended at that moment, and every later answer
 *     to its owner says so (L-e).
 *
 * Source: README.md §5, L-a to L-f. Unlike PaxosLease, promises are durable,
 * one session carries all bindings of a host, and an acceptance never overwrites a live binding.
 */
import { type Ballot, ballot, type Boot, type HostId, type Key } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { next } from '../base/prng.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { ITEMS_MAX, PLACES_MAX } from '../limits.ts';
import { send, type Turn } from '../turn.ts';
import type {
  Accept,
  AcceptAck,
  Attempt,
  Grant,
  Keepalive,
  KeepaliveAck,
  Prepare,
  PrepareAck,
  Release,
  Revoke,
} from '../wire/message.ts';
import { classOf, LEASE_CLASSES, type LeaseClass } from './class.ts';
import { type Durable, raiseCeiling, raiseMaxTerm } from './durable.ts';

/** Mutable only in `expiresAt`: a replaced session is never extended, its bindings run out with it (L-f). */
type Session = {
  readonly owner: HostId;
  readonly sid: Boot;
  readonly grant: Grant;
  expiresAt: Instant;
};
type Binding = {
  readonly ballot: Ballot;
  readonly session: Session;
  readonly revoked?: Revoked;
};
/** A user has taken the key from its leader: what the session gains from here on the binding does not. */
type Revoked = { readonly until: Instant; readonly prefer: HostId };
type Place = {
  promised: Ballot;
  /** Who owns the promise (L-b). */
  by: { readonly host: HostId; readonly sid: Boot } | undefined;
  binding: Binding | undefined;
};

export type Voter = {
  readonly durable: Durable;
  /** The ceiling found on disk: no promise starts lower (V1). */
  floor: Ballot;
  readonly readyAt: Instant;
  readonly sessions: Readonly<Record<LeaseClass, Map<HostId, Session>>>;
  readonly places: Map<Key, Place>;
  /** Highest sid seen from each host, for `yourBoot`. */
  readonly boots: Map<HostId, Boot>;
  grantCount: number;
  readonly nonce: number;
};

export function createVoter(durable: Durable, floor: Ballot, readyAt: Instant, turn: Turn): Voter {
  return {
    durable,
    floor,
    readyAt,
    sessions: { normal: new Map(), strict: new Map() },
    places: new Map(),
    boots: new Map(),
    grantCount: 0,
    nonce: next(turn.prng),
  };
}

export const sameGrant = (a: Grant | undefined, b: Grant | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.boot === b.boot &&
  a.count === b.count &&
  a.nonce === b.nonce;

/** Whether the binding still counts for its owner, seen from this voter. */
const live = (binding: Binding | undefined, now: Instant): binding is Binding =>
  binding !== undefined && now < endOf(binding);

const endOf = ({ session: { expiresAt }, revoked }: Binding): Instant =>
  revoked !== undefined && revoked.until < expiresAt ? revoked.until : expiresAt;

/** Grants or extends the sender's session (V4). The caller has checked epoch and T (L-c). */
export function onKeepalive(voter: Voter, turn: Turn, from: HostId, message: Keepalive): void {
  const known = voter.boots.get(from);
  if (known !== undefined && message.sid < known) {
    // An old incarnation, or a clone, hears of the newer boot and gets nothing.
    const grant = message.grant ?? { boot: voter.durable.boot, count: 0, nonce: voter.nonce };
    return answer(turn, from, message, {
      grant,
      fresh: false,
      yourBoot: known,
      synced: false,
      maxTermMs: voter.durable.maxTermMs,
      revoked: [],
      bindings: [],
    });
  }
  voter.boots.set(from, message.sid);
  raiseMaxTerm(voter.durable, turn, message.termMs);
  let session = voter.sessions[message.class].get(from);
  let fresh = false;
  if (session === undefined || message.sid > session.sid || turn.now >= session.expiresAt) {
    session = openSession(voter, turn, from, message);
    fresh = message.grant === undefined;
  } else if (extendsSession(voter, session, message)) {
    session.expiresAt = after(turn.now, message.termMs);
    fresh = true;
  }
  answer(turn, from, message, {
    grant: session.grant,
    fresh,
    yourBoot: message.sid,
    synced: voter.durable.synced,
    maxTermMs: voter.durable.maxTermMs,
    revoked: revokedOf(voter, from, message.class),
    bindings: bindingsOf(voter, from, message.class),
  });
}

/** A holder that hears no answers names no grant: what it had bound must run out, not live for ever. */
function extendsSession(voter: Voter, session: Session, { grant }: Keepalive): boolean {
  if (grant !== undefined) return sameGrant(grant, session.grant);
  for (const { binding } of voter.places.values()) if (binding?.session === session) return false;
  return true;
}

function answer(
  turn: Turn,
  to: HostId,
  { epoch, class: leaseClass, seq, sid }: Keepalive,
  rest: Omit<KeepaliveAck, 'kind' | 'epoch' | 'class' | 'seq' | 'sid'>,
): void {
  send(turn, to, { kind: 'keepaliveAck', epoch, class: leaseClass, seq, sid, ...rest });
}

function openSession(voter: Voter, turn: Turn, from: HostId, message: Keepalive): Session {
  voter.grantCount += 1;
  const session: Session = {
    owner: from,
    sid: message.sid,
    grant: { boot: voter.durable.boot, count: voter.grantCount, nonce: voter.nonce },
    expiresAt: after(turn.now, message.termMs),
  };
  voter.sessions[message.class].set(from, session);
  return session;
}

function bindingsOf(
  voter: Voter,
  owner: HostId,
  leaseClass: LeaseClass,
  is: (binding: Binding) => boolean = () => true,
): readonly Attempt[] {
  const found: Attempt[] = [];
  for (const [key, { binding }] of voter.places)
    if (binding?.session.owner === owner && classOf(key) === leaseClass && is(binding))
      found.push({ key, ballot: binding.ballot });
  return found.sort((a, b) => compareText(a.key, b.key)).slice(0, ITEMS_MAX);
}

/** All of them: whoever counts on this voter must hear of each (V5). */
const revokedOf = (voter: Voter, owner: HostId, leaseClass: LeaseClass): readonly Attempt[] =>
  bindingsOf(voter, owner, leaseClass, ({ revoked }) => revoked !== undefined);

function placeOf(voter: Voter, key: Key): Place {
  let place = voter.places.get(key);
  if (place === undefined) {
    if (voter.places.size >= PLACES_MAX) forgetPlaces(voter);
    place = { promised: voter.floor, by: undefined, binding: undefined };
    voter.places.set(key, place);
  }
  return place;
}

/** Forgets every key that nobody holds; the floor remembers what was promised for any of them (V1). */
function forgetPlaces(voter: Voter): void {
  for (const [key, { promised, binding }] of voter.places) {
    if (binding !== undefined) continue;
    voter.floor = ballot(Math.max(voter.floor, promised));
    voter.places.delete(key);
  }
}

const owns = (place: Place, host: HostId, sid: Boot): boolean =>
  place.by !== undefined && place.by.host === host && place.by.sid === sid;

/** `confirmed`: the other voters know this boot (V3). */
export function onPrepare(
  voter: Voter,
  turn: Turn,
  from: HostId,
  message: Prepare,
  confirmed: boolean,
): void {
  const silent = turn.now < voter.readyAt || !confirmed;
  const items = message.items.map(({ key, ballot: n }): PrepareAck['items'][number] => {
    const place = placeOf(voter, key);
    if (n < place.promised || (n === place.promised && !owns(place, from, message.sid)))
      return { key, ballot: n, status: 'nack', hint: place.promised };
    raiseCeiling(voter.durable, turn, n);
    place.promised = n;
    place.by = { host: from, sid: message.sid };
    if (silent) return { key, ballot: n, status: 'silent', hint: n };
    if (!live(place.binding, turn.now)) return { key, ballot: n, status: 'open', hint: n };
    const status = place.binding.session.owner === from ? 'self' : 'held';
    return { key, ballot: n, status, hint: n };
  });
  send(turn, from, { kind: 'prepareAck', epoch: message.epoch, sid: message.sid, items });
}

export function onAccept(voter: Voter, turn: Turn, from: HostId, message: Accept): void {
  const items = message.items.map(({ key, ballot: n }): AcceptAck['items'][number] => {
    const place = placeOf(voter, key);
    const session = voter.sessions[classOf(key)].get(from);
    const promised = n > place.promised || (n === place.promised && owns(place, from, message.sid));
    // V2. Without the next line there are two leaders: test/sim/directed/lease-hole.test.ts.
    const overwrites = live(place.binding, turn.now) && place.binding.session.owner !== from;
    const ok =
      promised &&
      !overwrites &&
      session !== undefined &&
      session.sid === message.sid &&
      sameGrant(session.grant, message.grant) &&
      turn.now < session.expiresAt;
    if (ok) {
      raiseCeiling(voter.durable, turn, n);
      place.promised = n;
      place.by = { host: from, sid: message.sid };
      place.binding = { ballot: n, session };
    }
    return { key, ballot: n, ok, hint: place.promised };
  });
  send(turn, from, {
    kind: 'acceptAck',
    epoch: message.epoch,
    sid: message.sid,
    grant: message.grant,
    items,
  });
}

/** Takes keys from their holders: each binding keeps the end it has, and gets no other (V5). */
export function onRevoke(voter: Voter, turn: Turn, { items, prefer }: Revoke): void {
  for (const { key, ballot: n } of items) {
    const place = voter.places.get(key);
    const { binding } = place ?? {};
    if (place === undefined || binding === undefined || turn.now >= endOf(binding)) continue;
    if (binding.ballot > n || binding.revoked !== undefined) continue;
    // A strict key is let go of by who has ended what it runs, and by nobody else.
    if (classOf(key) === 'strict') continue;
    const { owner, expiresAt: until } = binding.session;
    if (revokedOf(voter, owner, 'normal').length === ITEMS_MAX) continue; // V5
    // L-e. Otherwise a resent accept of the holder undoes it.
    place.promised = ballot(Math.max(place.promised, n + 1));
    place.by = undefined;
    raiseCeiling(voter.durable, turn, place.promised);
    place.binding = { ...binding, revoked: { until, prefer } };
  }
}

/** Keys that have become free, and who should lead each next. */
export type Freed = readonly { readonly key: Key; readonly prefer?: HostId }[];

const freedOf = (key: Key, prefer: HostId | undefined): Freed[number] =>
  prefer === undefined ? { key } : { key, prefer };

/** A strict key is wanted by one host alone: who asked for it last. */
function heirOf(key: Key, { by }: Place, { session, revoked }: Binding): HostId | undefined {
  if (classOf(key) === 'normal') return revoked?.prefer;
  return by?.host === session.owner ? undefined : by?.host;
}

/**
 * Drops the bindings with exactly these ballots, or with a session that its owner ends; returns the keys
 * that became free.
 */
export function onRelease(voter: Voter, from: HostId, message: Release): Freed {
  const freed: Freed[number][] = [];
  for (const { key, ballot: n } of message.items) {
    const place = voter.places.get(key);
    const binding = place?.binding;
    if (place === undefined || binding === undefined) continue;
    if (binding.session.owner !== from || binding.ballot !== n) continue;
    place.binding = undefined;
    freed.push(freedOf(key, message.prefer ?? heirOf(key, place, binding)));
  }
  if (message.ends) freed.push(...endSession(voter, from, message.sid));
  return freed;
}

function endSession(voter: Voter, owner: HostId, sid: Boot): Freed {
  const session = voter.sessions.normal.get(owner);
  if (session?.sid !== sid) return [];
  voter.sessions.normal.delete(owner);
  const freed: Freed[number][] = [];
  for (const [key, place] of voter.places) {
    if (place.binding?.session !== session) continue;
    freed.push(freedOf(key, place.binding.revoked?.prefer));
    place.binding = undefined;
  }
  return freed;
}

/** Forgets bindings whose session has ended; returns the keys that became free. */
export function expireSessions(voter: Voter, now: Instant): Freed {
  const freed: Freed[number][] = [];
  for (const [key, place] of voter.places) {
    const { binding } = place;
    if (binding === undefined || now < endOf(binding)) continue;
    freed.push(freedOf(key, heirOf(key, place, binding)));
    place.binding = undefined;
  }
  for (const leaseClass of LEASE_CLASSES)
    for (const [host, session] of voter.sessions[leaseClass])
      if (now >= session.expiresAt) voter.sessions[leaseClass].delete(host);
  return freed.sort((a, b) => compareText(a.key, b.key));
}

/** When the next session or binding ends. */
export function voterDeadline(voter: Voter): Instant | undefined {
  let deadline: Instant | undefined;
  for (const leaseClass of LEASE_CLASSES)
    for (const { expiresAt } of voter.sessions[leaseClass].values())
      deadline = earlier(deadline, expiresAt);
  for (const { binding } of voter.places.values())
    if (binding !== undefined) deadline = earlier(deadline, endOf(binding));
  return deadline;
}

/** A new voter starts above every ballot the old voters ever promised (roster rule 4). */
export function liftFloor(voter: Voter, turn: Turn, ceiling: Ballot): void {
  raiseCeiling(voter.durable, turn, ceiling);
  voter.floor = ballot(Math.max(voter.floor, ceiling));
  for (const place of voter.places.values()) {
    if (place.promised >= ceiling) continue;
    place.promised = ceiling;
    place.by = undefined;
  }
}

/** A removed voter forgets everything it granted (roster rule 6). */
export function wipeVoter(voter: Voter): void {
  for (const leaseClass of LEASE_CLASSES) voter.sessions[leaseClass].clear();
  voter.places.clear();
  voter.floor = voter.durable.ceiling; // V1: what it promised until now stays promised
}
