/**
 * S17 Where nothing else is wrong, no watcher condemns a host that has stood still for at most two
 *     seconds, nor one that it alone cannot hear while other watchers can; and all condemn a machine that
 *     has been gone for five. Looked at in clusters of up to five hosts, where everyone watches everyone,
 *     and in fair weather.
 *
 * Counts, besides, verdicts on hosts that lived and could be heard, and that stood for a second.
 */
import { NEVER } from '../../protocol/base/time.ts';
import { unreachable } from '../../protocol/base/assert.ts';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import { type Host, isPaused } from '../host.ts';
import { isStalled } from '../network/network.ts';
import { obstacleOf } from '../network/obstacles.ts';
import type { Options } from '../options.ts';
import type { HostIndex, Strike } from '../strike.ts';
import type { World } from '../world.ts';
import type { Report } from './report.ts';

type Verdict = { readonly by: Host; readonly about: HostId; readonly at: Micros };
type Stall = { readonly from: Micros; readonly until: Micros };

export type VerdictWatch = {
  readonly report: Report;
  readonly world: World;
  /** What ails a host, or one direction of a link, does so until then. */
  readonly hostAilsUntil: Map<HostIndex, Micros>;
  readonly wayAilsUntil: Map<string, Micros>;
  readonly stalls: Map<HostIndex, Stall>;
  /** Machines that went while nothing was wrong among the others, nor has been since, and when. */
  readonly gone: Map<HostIndex, Micros>;
  /** Verdicts on the living that have not stood long enough to count. */
  fresh: Verdict[];
  verdicts: number;
  falseVerdicts: number;
};

export const createVerdictWatch = (world: World, report: Report): VerdictWatch => ({
  report,
  world,
  hostAilsUntil: new Map(),
  wayAilsUntil: new Map(),
  stalls: new Map(),
  gone: new Map(),
  fresh: [],
  verdicts: 0,
  falseVerdicts: 0,
});

/** A stall that must be no death. */
const STALL_MAX_MS = 2000;
/** A machine that has been gone for so long is dead for all. */
const CONDEMNED = ofMillis(5000);
/** After this nothing is left of a fault. */
const HEALED = ofMillis(6000);
/** After this an agent that has started is known to all. */
const SETTLED = ofMillis(15_000);
const STANDS = ofMillis(1000);
/** Everyone watches everyone, and is asked as a helper. */
const HOSTS_MAX = 5;

export function noteStrike(watch: VerdictWatch, strike: Strike, now: Micros): void {
  const until = now + ofMillis('forMs' in strike ? strike.forMs : 0);
  switch (strike.kind) {
    case 'cut':
    case 'clog':
    case 'lossy':
      for (const [from, to] of strike.ways) ails(watch.wayAilsUntil, wayOf(from, to), until);
      return;
    case 'reset':
      ails(watch.wayAilsUntil, wayOf(strike.a, strike.b), now);
      return ails(watch.wayAilsUntil, wayOf(strike.b, strike.a), now);
    case 'pause':
      return noteStall(watch, strike.host, { from: now, until }, strike.forMs);
    case 'lead':
    case 'forget':
    case 'leave':
    case 'adjust':
    case 'exit':
    case 'drift':
    case 'crashLoop':
    case 'engineHang':
    case 'guard':
    case 'engineRestart':
      return;
    case 'lose':
      noteGone(watch, strike.host, now);
      return ails(watch.hostAilsUntil, strike.host, until);
    case 'crash':
    case 'upgrade':
    case 'force':
    case 'stop':
    case 'reboot':
    case 'suspend':
    case 'lag':
    case 'disk':
      return ails(watch.hostAilsUntil, strike.host, until);
    default:
      return unreachable(strike);
  }
}

function noteGone(watch: VerdictWatch, index: HostIndex, now: Micros): void {
  const host = watch.world.hosts[index];
  if (host !== undefined && areAtPeace(watch, host, now)) watch.gone.set(index, now);
}

function noteStall(watch: VerdictWatch, host: HostIndex, stall: Stall, forMs: number): void {
  const last = watch.stalls.get(host);
  const isAlone = last === undefined || stall.from > last.until + HEALED;
  if (forMs > STALL_MAX_MS || !isAlone) return ails(watch.hostAilsUntil, host, stall.until);
  watch.stalls.set(host, stall);
}

function ails<Name>(table: Map<Name, Micros>, name: Name, until: Micros): void {
  table.set(name, Math.max(table.get(name) ?? 0, until));
}

const wayOf = (from: HostIndex, to: HostIndex): string => `${from} ${to}`;

export function checkVerdicts(
  watch: VerdictWatch,
  by: Host,
  step: { readonly input: Input; readonly effects: readonly Effect[] },
): void {
  const { now } = watch.world.queue;
  if (step.input.kind === 'started') ails(watch.hostAilsUntil, by.index, now + SETTLED - HEALED);
  if (watch.fresh.length > 0) settle(watch, now);
  if (watch.gone.size > 0) checkGone(watch, by, now);
  for (const effect of step.effects) {
    if (effect.kind !== 'publish' || effect.message.kind !== 'rumor') continue;
    const { about, health } = effect.message;
    if (health === 'dead') judge(watch, by, about, now);
  }
}

function judge(watch: VerdictWatch, by: Host, about: HostId, now: Micros): void {
  const { world, report } = watch;
  watch.verdicts += 1;
  const host = world.byId.get(about);
  if (host?.agent === undefined || world.core !== undefined) return;
  if (!isPaused(host, now) && obstacleOf(world.network, host.index, by.index) === 'none')
    watch.fresh.push({ by, about, at: now });
  if (!isFair(world.options) || !isWell(watch, by, now) || !isUnailed(watch, host, now)) return;
  if (host.agent.core.membership.members.get(by.id)?.health !== 'alive') return;
  const stalled = hasStalled(watch, host, now);
  const isSeen = world.hosts.some((other) => sees(watch, by, host, other));
  // With more than three hosts two must have found the port of one that stands still open.
  const isExcused = stalled && !isSeen && world.hosts.length > 3;
  if (isClear(watch, by, host, now) && !isExcused) {
    const how = stalled ? 'has stood still for two seconds at most' : 'lives';
    report('S17', `${by.id} condemns ${about}, which ${how}`);
  } else if (!stalled && isSeen && isOnlyBroken(watch, by, host, now)) {
    report('S17', `${by.id} condemns ${about}, which others can hear`);
  }
}

/** Of a host that all others had heard, while nothing was wrong among them from before it went. */
function checkGone(watch: VerdictWatch, by: Host, now: Micros): void {
  for (const [index, since] of watch.gone) {
    const host = watch.world.hosts[index];
    if (host?.lost !== true || !areAtPeace(watch, host, now)) watch.gone.delete(index);
    else if (now >= since + CONDEMNED) {
      const health = by.agent?.core.membership.members.get(host.id)?.health;
      if (health === 'alive' || health === 'suspect')
        watch.report('S17', `${by.id} believes ${host.id} ${health}, which has been gone for 5 s`);
    }
  }
}

const areAtPeace = (watch: VerdictWatch, gone: Host, now: Micros): boolean => {
  const others = watch.world.hosts.filter((other) => other !== gone);
  return (
    isFair(watch.world.options) &&
    watch.world.core === undefined &&
    others.every((other) => isAtPeace(watch, other, others, now) && knew(other, gone))
  );
};

const isAtPeace = (watch: VerdictWatch, host: Host, among: readonly Host[], now: Micros): boolean =>
  isWell(watch, host, now) &&
  among.every((other) => other === host || isClear(watch, host, other, now));

const knew = ({ agent }: Host, { id }: Host): boolean =>
  (agent?.core.membership.members.get(id)?.lastHeardAt ?? NEVER) !== NEVER;

/** This other one hears both, and is asked. */
function sees(watch: VerdictWatch, by: Host, host: Host, other: Host): boolean {
  const { now } = watch.world.queue;
  return (
    other !== by &&
    other !== host &&
    isWell(watch, other, now) &&
    by.agent?.core.membership.members.get(other.id)?.health === 'alive' &&
    other.agent?.core.membership.members.has(host.id) === true &&
    isClear(watch, by, other, now) &&
    isClear(watch, other, host, now)
  );
}

const isFair = (options: Options): boolean =>
  options.hostCount <= HOSTS_MAX &&
  options.lossPermille + options.tailPermille === 0 &&
  options.delayMeanMs <= 3;

const isUnailed = (watch: VerdictWatch, { index, agent }: Host, now: Micros): boolean =>
  agent !== undefined && now >= (watch.hostAilsUntil.get(index) ?? 0) + HEALED;
const hasStalled = ({ stalls }: VerdictWatch, { index }: Host, now: Micros): boolean =>
  now < (stalls.get(index)?.until ?? -Infinity) + HEALED;
const isWell = (watch: VerdictWatch, host: Host, now: Micros): boolean =>
  isUnailed(watch, host, now) && !hasStalled(watch, host, now);

function isClear({ world, wayAilsUntil }: VerdictWatch, a: Host, b: Host, now: Micros): boolean {
  if (isStalled(world.network, new Set([a.index, b.index]))) return false;
  const until = [wayOf(a.index, b.index), wayOf(b.index, a.index)].map(
    (way) => wayAilsUntil.get(way) ?? -Infinity,
  );
  return now >= Math.max(...until) + HEALED;
}

/** Nothing is wrong between any two hosts but these. */
function isOnlyBroken({ wayAilsUntil }: VerdictWatch, a: Host, b: Host, now: Micros): boolean {
  const theirs = [wayOf(a.index, b.index), wayOf(b.index, a.index)];
  return [...wayAilsUntil].every(([way, until]) => now >= until + HEALED || theirs.includes(way));
}

/** Those that stand for long enough were false; those taken back are forgotten. */
function settle(watch: VerdictWatch, now: Micros): void {
  watch.fresh = watch.fresh.filter(({ by, about, at }) => {
    if (by.agent?.core.membership.members.get(about)?.health !== 'dead') return false;
    if (now < at + STANDS) return true;
    const host = watch.world.byId.get(about);
    const lives = host?.agent !== undefined && !isPaused(host, now);
    if (lives && obstacleOf(watch.world.network, host.index, by.index) === 'none')
      watch.falseVerdicts += 1;
    return false;
  });
}
