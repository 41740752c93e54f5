/**
 * What time brings: our own beats and heartbeats, doubts about silent subjects, verdicts.
 *
 *     beat, heartbeat ──▶ heard ──quietMs──▶ probe ──probeMs──▶ suspect ──suspicionMs──▶ dead
 *
 * Source: README.md §4.
 */
import type { Epoch, HostId } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import {
  after,
  between,
  earlier,
  FOREVER,
  type Instant,
  later,
  type Millis,
  millis,
  NEVER,
} from '../base/time.ts';
import type { Config } from '../config.ts';
import { journal, publish, send, type Turn } from '../turn.ts';
import { favorsDeadline, giveUpFavors } from './favors.ts';
import { ease } from './local-health.ts';
import { believe, confirm, giveUp, type Member } from './member.ts';
import { noteFailed, probeAgain, startProbe } from './probe.ts';
import { spread, tell } from './rumors.ts';
import { verdictAt } from './suspicion.ts';
import {
  awaitedHosts,
  change,
  circleOf,
  gracesOf,
  type Membership,
  noticeStall,
  suspectHosts,
} from './table.ts';
import { type Act, nextAct } from './watch.ts';

/** What beats and heartbeats carry of the rest of the core. */
export type SelfReport = {
  readonly inventoryVersion: number;
  readonly epoch: Epoch;
  readonly recordsHash: number;
};

/** Heartbeats that all hosts together send to each other: at most one in this time per host. */
const HEARTBEAT_SPACING_MS = 50;

/** Does whatever is due. Early or late is harmless. */
export function wakeMembership(m: Membership, turn: Turn, self: SelfReport): void {
  noticeStall(m, turn);
  if (m.members.size === 0) return;
  m.localHealth = ease(m.localHealth, turn.now);
  if (turn.now >= m.beatAt) beat(m, turn, self);
  if (turn.now >= m.heartbeatAt) {
    heartbeat(m, turn, self);
    doubtUnheard(m, turn);
  }
  const isDue = turn.now >= (watchesDeadline(m, turn.config) ?? FOREVER);
  for (const [host, watch] of isDue ? sorted(m.watched) : []) {
    const member = m.members.get(host);
    // The one before may have changed who watches whom.
    if (member === undefined || m.watched.get(host) !== watch) continue;
    const act = nextAct(watch, member, m.localHealth, turn.config);
    if (turn.now >= act.at) perform(m, turn, host, member, act);
  }
  giveUpFavors(m, turn);
  for (const host of awaitedHosts(m)) stopWaiting(m, turn, host);
  for (const { host, member, at } of verdictsOf(m, turn.config))
    if (turn.now >= at) condemn(m, turn, host, member);
}

/** When to wake next; the same conditions as in `wakeMembership`. */
export function membershipDeadline(m: Membership, config: Config): Instant | undefined {
  if (m.members.size === 0) return undefined;
  let deadline = earlier(earlier(m.beatAt, m.heartbeatAt), favorsDeadline(m));
  deadline = earlier(deadline, watchesDeadline(m, config));
  for (const { at } of verdictsOf(m, config)) deadline = earlier(deadline, at);
  for (const host of awaitedHosts(m)) deadline = earlier(deadline, m.members.get(host)?.backBy);
  return deadline;
}

/** When the next of the hosts that we watch has been silent for too long. */
function watchesDeadline(m: Membership, config: Config): Instant | undefined {
  let deadline: Instant | undefined;
  for (const [host, watch] of m.watched) {
    const member = m.members.get(host);
    if (member !== undefined)
      deadline = earlier(deadline, nextAct(watch, member, m.localHealth, config).at);
  }
  return deadline;
}

/** A host that said that it reboots, and is not back by then. */
function stopWaiting(m: Membership, turn: Turn, host: HostId): void {
  const member = m.members.get(host);
  if (member?.backBy === undefined || turn.now < member.backBy) return;
  journal(turn, 'health', [host], 'left: it has rebooted, and is not back in time');
  change(m, turn, host, giveUp(member), 'not back in time');
}

/**
 * Hosts that we do not watch are their watchers' affair, but what those said may have been lost: so
 * many heartbeats missed are reason for a doubt of our own. We tell the host, and nobody else: its
 * watchers know better.
 */
const MISSED_HEARTBEATS = 10;

function doubtUnheard(m: Membership, turn: Turn): void {
  const { config, now } = turn;
  const patience = millis(MISSED_HEARTBEATS * heartbeatPeriod(m, config) + config.agentGraceMs);
  for (const [host, member] of sorted(m.members)) {
    const heardAt = later(later(member.since, member.lastHeardAt), m.listeningSince);
    if (member.health !== 'alive' || m.watched.has(host) || now < after(heardAt, patience))
      continue;
    const suspect = believe(member, { ...member, health: 'suspect' }, now);
    change(m, turn, host, suspect, silence(member, now));
    tell(m, turn, host, suspect);
  }
}

type Verdict = { readonly host: HostId; readonly member: Member; readonly at: Instant };

/** For every suspect, when it is dead if nothing more is heard. */
function verdictsOf(m: Membership, config: Config): readonly Verdict[] {
  const suspects = suspectHosts(m);
  if (suspects.length === 0) return [];
  const circle = circleOf(m, config);
  return suspects.flatMap((host) => {
    const member = m.members.get(host);
    if (member === undefined) return [];
    const watch = { watched: m.watched.has(host), graces: gracesOf(m, host) };
    return [{ host, member, at: verdictAt(member, watch, circle, config) }];
  });
}

function beat(m: Membership, turn: Turn, { inventoryVersion }: SelfReport): void {
  m.beatAt = after(turn.now, turn.config.beatMs);
  m.beatSeq += 1;
  const { boot } = turn;
  const { beatSeq: seq, incarnation } = m;
  for (const watcher of m.watchers)
    send(turn, watcher, { kind: 'beat', boot, seq, incarnation, inventoryVersion });
}

function heartbeat(m: Membership, turn: Turn, self: SelfReport): void {
  m.heartbeatAt = after(turn.now, heartbeatPeriod(m, turn.config));
  m.heartbeatSeq += 1;
  const { boot, self: host } = turn;
  const { heartbeatSeq: seq, incarnation } = m;
  publish(turn, { kind: 'heartbeat', host, boot, seq, incarnation, ...self });
}

/** However many hosts there are, each hears about twenty heartbeats a second at most. */
const heartbeatPeriod = (m: Membership, config: Config): Millis =>
  millis(Math.max(config.heartbeatMs, (m.members.size + 1) * HEARTBEAT_SPACING_MS));

function perform(m: Membership, turn: Turn, host: HostId, member: Member, act: Act): void {
  const watch = m.watched.get(host);
  if (watch === undefined) return;
  switch (act.kind) {
    case 'probe':
      return startProbe(m, turn, host);
    case 'probeAgain':
      return probeAgain(m, turn, host);
    case 'accuse':
      return accuse(m, turn, host, member);
    case 'insist':
      m.watched.set(host, { ...watch, insistAt: after(turn.now, turn.config.refusedRepeatMs) });
      turn.out.push({ kind: 'connectProbe', host });
      return tell(m, turn, host, member);
  }
}

/** We ourselves found it silent: the first accusation, or our confirmation of another's. */
function accuse(m: Membership, turn: Turn, host: HostId, member: Member): void {
  const suspect = believe(member, { ...member, health: 'suspect' }, turn.now);
  const accused = confirm(suspect, suspect, turn.self);
  change(m, turn, host, accused, silence(member, turn.now));
  const watch = m.watched.get(host);
  if (watch?.probe !== undefined) noteFailed(m, turn, watch.probe);
  const insistAt = after(turn.now, turn.config.refusedRepeatMs);
  if (watch !== undefined) m.watched.set(host, { ...watch, probe: undefined, insistAt });
  spread(m, turn, host, accused);
}

function condemn(m: Membership, turn: Turn, host: HostId, member: Member): void {
  const dead = believe(member, { ...member, health: 'dead' }, turn.now);
  const others = member.suspectedBy.filter((id) => id !== turn.self);
  const confirmed = others.length === 0 ? '' : `, confirmed by ${others.join(' ')}`;
  // No watcher has doubted it: see `doubtUnheard`.
  if (m.watched.has(host) || member.suspectedBy.length > 0) spread(m, turn, host, dead);
  else tell(m, turn, host, dead);
  change(m, turn, host, dead, silence(member, turn.now) + confirmed);
}

function silence({ lastHeardAt }: Member, now: Instant): string {
  if (lastHeardAt === NEVER) return 'never heard';
  return `silent for ${(between(lastHeardAt, now) / 1000).toFixed(1)} s`;
}

/** A connection has ended: no evidence of death, but reason enough to ask now. */
export function onPeerDisconnected(m: Membership, turn: Turn, host: HostId): void {
  const member = m.members.get(host);
  if (member !== undefined && member.lastHeardAt !== NEVER) startProbe(m, turn, host);
}
