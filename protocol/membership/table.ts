/**
 * The table of what this agent believes about all other hosts, and its readers. Advisory: it decides
 * when to try something, and nothing safe may hang on it (leases do that).
 *
 * Every change of a belief goes through `change`, which keeps the version, the journal and the
 * watchers in step with it. What changes beliefs is beside this file: `hearing.ts` (messages and
 * rumors) and `detector.ts` (silence).
 */
import { type HostId, type Incarnation, incarnation } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { type Instant, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';
import { journal, type Turn } from '../turn.ts';
import type { Favor } from './favors.ts';
import { afterDeath, type Flaps, STEADY } from './flaps.ts';
import type { Grace, Graces } from './grace.ts';
import { beatsMissed, HEARS_WELL, type LocalHealth, worsen } from './local-health.ts';
import { type Health, type Member, newMember } from './member.ts';
import type { Circle } from './suspicion.ts';
import { listen, type Watch } from './watch.ts';
import { watches, watchersOf } from './watchers.ts';

export type Membership = {
  /** Rises with any member's health or boot, when one is heard first, and with who is a member. */
  version: number;
  /** Our own: raised to refute news of our death. */
  incarnation: Incarnation;
  readonly members: Map<HostId, Member>;
  /** The subjects we watch. */
  readonly watched: Map<HostId, Watch>;
  /** What the connects of its watchers have shown of each host; by host, then by watcher. */
  readonly graces: Map<HostId, Map<HostId, Grace>>;
  /** Probes of ours on behalf of others, by nonce. */
  readonly favors: Map<number, Favor>;
  /** Of those that were dead once. */
  readonly flaps: Map<HostId, Flaps>;
  localHealth: LocalHealth;
  /** When we last told a host what is believed of it. */
  readonly toldAt: Map<HostId, Instant>;
  /** Who watches us. */
  watchers: readonly HostId[];
  /** Kept until the version changes. */
  derived: Derived | undefined;
  beatSeq: number;
  beatAt: Instant;
  heartbeatSeq: number;
  heartbeatAt: Instant;
  /** Last time anything was done here: a long gap is a stall of our own. */
  turnAt: Instant;
  /** We have listened without a stall since then. */
  listeningSince: Instant;
};

type Derived = {
  readonly version: number;
  /** Sorted. */
  readonly alive: readonly HostId[];
  readonly suspects: readonly HostId[];
  readonly awaited: readonly HostId[];
};

export const createMembership = (): Membership => ({
  version: 0,
  incarnation: incarnation(0),
  members: new Map(),
  watched: new Map(),
  graces: new Map(),
  favors: new Map(),
  flaps: new Map(),
  localHealth: HEARS_WELL,
  toldAt: new Map(),
  watchers: [],
  derived: undefined,
  beatSeq: 0,
  beatAt: NEVER,
  heartbeatSeq: 0,
  heartbeatAt: NEVER,
  turnAt: NEVER,
  listeningSince: NEVER,
});

/** `ids`: all members; ourselves among them or not. New ones start alive, removed ones vanish. */
export function setMembers(m: Membership, turn: Turn, ids: readonly HostId[]): void {
  const wanted = new Set(ids.filter((id) => id !== turn.self));
  const added = [...wanted].filter((id) => !m.members.has(id));
  const removed = [...m.members.keys()].filter((id) => !wanted.has(id));
  if (added.length === 0 && removed.length === 0) return;
  noticeStall(m, turn);
  for (const id of removed) {
    for (const table of [m.members, m.watched, m.graces, m.flaps, m.toldAt]) table.delete(id);
  }
  for (const id of added) m.members.set(id, newMember(turn.now));
  m.version += 1;
  rewatch(m, turn);
}

/** Alive hosts other than ourselves, sorted. */
export function aliveHosts(m: Membership): readonly HostId[] {
  return derive(m).alive;
}

/** Sorted. */
export function suspectHosts(m: Membership): readonly HostId[] {
  return derive(m).suspects;
}

/** Those that reboot, and are to be back. Sorted. */
export function awaitedHosts(m: Membership): readonly HostId[] {
  return derive(m).awaited;
}

function derive(m: Membership): Derived {
  if (m.derived?.version === m.version) return m.derived;
  const alive: HostId[] = [];
  const suspects: HostId[] = [];
  const awaited: HostId[] = [];
  for (const [id, { health, backBy }] of m.members) {
    if (health === 'alive') alive.push(id);
    else if (health === 'suspect') suspects.push(id);
    else if (backBy !== undefined) awaited.push(id);
  }
  m.derived = {
    version: m.version,
    alive: alive.sort(compareText),
    suspects: suspects.sort(compareText),
    awaited: awaited.sort(compareText),
  };
  return m.derived;
}

/** Everyone but ourselves. */
export const membersOf = (m: Membership): ReadonlyMap<HostId, Member> => m.members;

/** Undefined: not a member, or ourselves. */
export const healthOf = (m: Membership, host: HostId): Health | undefined =>
  m.members.get(host)?.health;

/** Writes a belief. `why` follows the health in the journal: `dead: says h3`. */
export function change(m: Membership, turn: Turn, host: HostId, next: Member, why: string): void {
  const was = m.members.get(host);
  if (was === undefined || was === next) return;
  m.members.set(host, next);
  const watch = m.watched.get(host);
  // Under a new belief we have accused it of nothing yet.
  if (watch?.insistAt !== undefined && !sameBelief(was, next))
    m.watched.set(host, listen(turn.now));
  const isFirstHeard = was.lastHeardAt === NEVER && next.lastHeardAt !== NEVER;
  const isSame = was.health === next.health && was.boot === next.boot && was.backBy === next.backBy;
  if (isSame && !isFirstHeard) return;
  m.version += 1;
  if (was.health !== 'dead' && next.health === 'dead')
    m.flaps.set(host, afterDeath(flapsOf(m, host), turn.now));
  if (was.health !== next.health) journal(turn, 'health', [host], `${next.health}: ${why}`);
  if (isBelieved(was) !== isBelieved(next)) rewatch(m, turn);
}

export const flapsOf = (m: Membership, host: HostId): Flaps => m.flaps.get(host) ?? STEADY;

const sameBelief = (a: Member, b: Member): boolean =>
  a.health === b.health && a.boot === b.boot && a.incarnation === b.incarnation;

/** Suspects go on watching and being watched: a suspicion is no verdict. */
const isBelieved = ({ health }: Member): boolean => health === 'alive' || health === 'suspect';

const candidates = (m: Membership, turn: Turn): readonly HostId[] => [
  turn.self,
  ...[...m.members].filter(([, member]) => isBelieved(member)).map(([id]) => id),
];

function rewatch(m: Membership, turn: Turn): void {
  const hosts = candidates(m, turn);
  const count = turn.config.watcherCountMax;
  m.watchers = watchersOf(turn.self, hosts, count);
  const subjects = new Set(hosts.filter((id) => watches(turn.self, id, hosts, count)));
  for (const id of m.watched.keys()) if (!subjects.has(id)) m.watched.delete(id);
  for (const id of subjects) if (!m.watched.has(id)) m.watched.set(id, listen(turn.now));
}

/** Who else watches `subject`, best first. */
export const otherWatchers = (m: Membership, turn: Turn, subject: HostId): readonly HostId[] =>
  watchersOf(subject, candidates(m, turn), turn.config.watcherCountMax).filter(
    (id) => id !== turn.self,
  );

export const isWatcher = (m: Membership, turn: Turn, host: HostId, subject: HostId): boolean =>
  watches(host, subject, candidates(m, turn), turn.config.watcherCountMax);

/** Of any suspect: it is believed itself, and so are all who may watch it, ourselves included. */
export function circleOf(m: Membership, config: Config): Circle {
  let believed = 0;
  for (const member of m.members.values()) if (isBelieved(member)) believed += 1;
  const watcherCount = Math.min(believed, config.watcherCountMax);
  return { hostCount: m.members.size + 1, watcherCount };
}

const NOTHING_SEEN: Graces = new Map();

export const gracesOf = (m: Membership, host: HostId): Graces => m.graces.get(host) ?? NOTHING_SEEN;

/**
 * After a stall of our own (a stopped process, a suspended machine) the others' silence was ours:
 * everything that counts silence starts anew, before the queued messages are read.
 */
export function noticeStall(m: Membership, turn: Turn): void {
  const { now, config } = turn;
  if (m.turnAt === now) return;
  const listened = m.turnAt !== NEVER && m.members.size > 0;
  const stalled = listened && now - m.turnAt > config.quietMs;
  if (listened) m.localHealth = worsen(m.localHealth, beatsMissed(m.beatAt, now, config), now);
  m.turnAt = now;
  if (!stalled) return;
  m.listeningSince = now;
  for (const id of m.watched.keys()) m.watched.set(id, listen(now));
  for (const [id, member] of m.members)
    if (member.health === 'suspect') m.members.set(id, { ...member, since: now });
}
