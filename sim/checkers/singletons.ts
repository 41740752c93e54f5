/**
 * S19 No two machines ever run an instance of one strict slot at once, whatever becomes of their agents:
 *     excepted one that has just slept, for one tick of its guard. And what keeps it so: a strict
 *     instance is started under a held lease of its own slot, while the guard has a V that is
 *     startMarginMs away; it runs past V − F on no machine whose guard is there; a key is not released
 *     while what was made under it lives; none is tried for before the instances and the guard are
 *     known; without a guard nothing goes on; an agent that is to end for good, or for a reboot, ends
 *     what is strict first. A stall of at most stallMaxMs freezes nothing.
 */
import { type HostId, type Key, slotKey } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import { isLive } from '../../protocol/reconcile/instance.ts';
import type { Grant } from '../../protocol/wire/message.ts';
import { type Instance, isStrict, seatName } from '../engine/engine.ts';
import { isAlive, isRunning } from '../engine/instance.ts';
import { momentOf } from '../clock.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import { FREEZE_MS, GUARD_TICK_MS, type GuardDeed, isOnDuty } from '../guard.ts';
import type { Agent, Host } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Strike } from '../strike.ts';
import type { LeaseChecker } from './leases.ts';

type Life = {
  readonly agent: Agent;
  isListed: boolean;
  /** Undefined: its guard is there. */
  lostAt: Micros | undefined;
  /** When it was told to end what is strict, as it is to end itself. */
  yieldsAt: Micros | undefined;
  /** The term under which each slot was won last. */
  readonly won: Map<Key, number>;
  /** The strict sessions that voters have granted, as far as was heard. */
  readonly granted: Set<string>;
};

export type SingletonChecker = {
  readonly leases: LeaseChecker;
  /** All machines, in the order in which they were met. */
  readonly hosts: Set<Host>;
  readonly lives: Map<Host, Life>;
  starts: number;
  frozen: number;
  killed: number;
  /** Until then something may be felt of a fault that is more than a short stall. */
  troubledUntil: Micros;
  /** Short stalls of late. */
  stalls: readonly { readonly until: Micros; readonly ms: number }[];
  /** How long a slot ran twice, and of that on machines that had just slept. */
  double: Micros;
  doubleAfterSleep: Micros;
  readonly last: { at: Micros; isDouble: boolean; isAfterSleep: boolean };
};

export const createSingletonChecker = (leases: LeaseChecker): SingletonChecker => ({
  leases,
  hosts: new Set(),
  lives: new Map(),
  starts: 0,
  frozen: 0,
  killed: 0,
  troubledUntil: 0,
  stalls: [],
  double: 0,
  doubleAfterSleep: 0,
  last: { at: 0, isDouble: false, isAfterSleep: false },
});

/** Of timers, and of a clock that shows whole milliseconds. */
const SLACK = ofMillis(5);
const AWAKE = ofMillis(GUARD_TICK_MS) + SLACK;
const FREEZE = ofMillis(FREEZE_MS) + SLACK;
/** How long an agent has to stop what lost its guard, each step up to 300 ms late. */
const STOP = ofMillis(1000);

export type SingletonStep = { readonly input: Input; readonly effects: readonly Effect[] };

export function checkSingletons(
  checker: SingletonChecker,
  host: Host,
  step: SingletonStep,
  now: Micros,
): void {
  const { agent } = host;
  if (agent !== undefined) {
    const life = lifeOf(checker, host, agent);
    const { input, effects } = step;
    hear(life, input, now);
    for (let at = 0; at < effects.length; at++) {
      const effect = effects[at];
      if (effect !== undefined && !isTakenBack(effect, effects, at))
        checkEffect(checker, host, life, effect, now);
    }
    checkLost(checker, host, life, now);
    checkYielding(checker, host, life, now);
  }
  checkWarrants(checker, host, now);
  checkTwice(checker, host, now);
}

function lifeOf({ lives, hosts }: SingletonChecker, host: Host, agent: Agent): Life {
  const known = lives.get(host);
  if (known?.agent === agent) return known;
  hosts.add(host);
  const life: Life = {
    agent,
    isListed: false,
    lostAt: undefined,
    yieldsAt: undefined,
    won: new Map(),
    granted: new Set(),
  };
  lives.set(host, life);
  return life;
}

/** How long an agent has to ask its engine to stop what is strict. */
const YIELD = ofMillis(500);

function checkYielding(
  { leases }: SingletonChecker,
  host: Host,
  { agent, yieldsAt }: Life,
  now: Micros,
): void {
  if (yieldsAt === undefined || now < yieldsAt + YIELD) return;
  if (agent.core.ended || agent.isBehind) return;
  for (const { name, lease, instances } of agent.core.slots.seats.values())
    for (const instance of instances.values())
      if (lease !== undefined && isLive(instance) && instance.stop === undefined)
        leases.report('S19', `${host.id} is to end, and lets ${name} run`);
}

function hear(life: Life, input: Input, now: Micros): void {
  if (input.kind === 'instancesListed') life.isListed = true;
  if (input.kind === 'guardLost') life.lostAt = now;
  if (input.kind === 'guardJoined') life.lostAt = undefined;
  if (input.kind === 'yielding') life.yieldsAt ??= now;
  if (input.kind !== 'messageReceived' || input.message.kind !== 'keepaliveAck') return;
  const { class: leaseClass, grant, sid } = input.message;
  if (leaseClass === 'strict' && sid === life.agent.core.boot)
    life.granted.add(nameOf(input.from, grant));
}

/** The same step has another word for the guard: what was won in it may also have ended in it. */
const isTakenBack = (effect: Effect, effects: readonly Effect[], at: number): boolean =>
  effect.kind === 'guardSlot' &&
  effects.some((later, i) => i > at && later.kind === 'guardSlot' && later.key === effect.key);

const nameOf = (voter: HostId, { boot, count, nonce }: Grant): string =>
  `${voter}/${boot}/${count}/${nonce}`;

const isSlotKey = (key: Key): boolean => key.startsWith('slot/');

function checkEffect(
  checker: SingletonChecker,
  host: Host,
  life: Life,
  effect: Effect,
  now: Micros,
): void {
  if (effect.kind === 'startInstance' && effect.spec.singleton === 'strict') {
    checker.starts += 1;
    if (life.yieldsAt !== undefined)
      checker.leases.report('S19', `${host.id} is to end, and starts something strict`);
    return checkStart(checker, host, effect, now);
  }
  if (effect.kind === 'leaseChanged' && effect.event === 'won')
    life.won.set(effect.key, effect.term);
  if (effect.kind === 'guardSlot') return checkWord(checker, host, life, effect);
  if (effect.kind === 'send') checkMessage(checker, host, life, effect);
}

function checkMessage(
  checker: SingletonChecker,
  host: Host,
  life: Life,
  effect: Extract<Effect, { readonly kind: 'send' }>,
): void {
  const { message } = effect;
  const { report } = checker.leases;
  if (message.kind === 'keepalive' && message.class === 'strict') {
    if (!life.isListed) report('S19', `${host.id} wants strict leases before it knows what runs`);
    if (life.lostAt !== undefined) report('S19', `${host.id} wants strict leases without a guard`);
  } else if (message.kind === 'accept') {
    const isOther = !life.granted.has(nameOf(effect.to, message.grant));
    if (message.items.some(({ key }) => isSlotKey(key)) && isOther)
      report('S19', `${host.id} binds a strict key to another session than its strict one`);
  } else if (message.kind === 'release') {
    for (const { key } of message.items) {
      const made = strictAt(host).find((one) => isAlive(one) && keyOf(one) === key);
      if (made !== undefined)
        report('S19', `${host.id} releases ${key}, and ${made.observed.engineId} lives`);
    }
  }
}

/** The agent vouches for no more than it has, and for nothing that was made before it had it. */
function checkWord(
  { leases }: SingletonChecker,
  host: Host,
  { agent, won }: Life,
  { key, warrant }: Extract<Effect, { readonly kind: 'guardSlot' }>,
): void {
  if (warrant === undefined) return;
  const held = leases.holds.get(key)?.get(host)?.until ?? -Infinity;
  if (momentOf(agent.clock, warrant.until) > held)
    leases.report('S19', `${host.id} vouches for ${key} for longer than it holds it`);
  if (warrant.first < (won.get(key) ?? Infinity))
    leases.report('S19', `${host.id} vouches for what was made under ${key} before it was won`);
}

const keyOf = ({ observed: { component, slot } }: Instance): Key => slotKey(component, slot);

const NO_INSTANCES: readonly Instance[] = [];

/** Asked after every step, and nearly always there are none. */
function strictAt({ engine }: Host): readonly Instance[] {
  let found: Instance[] | undefined;
  for (const one of engine.instances.values())
    if (isStrict(one) && !one.isDoomed) (found ??= []).push(one);
  return found ?? NO_INSTANCES;
}

function checkStart(
  { leases }: SingletonChecker,
  host: Host,
  { component, slot, term }: Extract<Effect, { readonly kind: 'startInstance' }>,
  now: Micros,
): void {
  const key = slotKey(component, slot);
  const what = `${host.id} starts ${seatName(component, slot)} under term ${term}`;
  const hold = leases.holds.get(key)?.get(host);
  if (hold === undefined || hold.term !== term || now >= hold.until)
    return leases.report('S19', `${what}, and does not hold the slot under it`);
  const warrant = host.guard.state.warrants.get(key);
  // A guard that has just died takes its word with it before the agent hears of that.
  if (!isOnDuty(host.guard, now)) return;
  if (warrant === undefined || warrant.first > term)
    return leases.report('S19', `${what}, and its guard has not given its word`);
  // As long as that by the agent's own clock, which may be fast.
  const longest = ofMillis(CONFIG.startMarginMs * (1 - CONFIG.rateErrorPermille / 1000));
  if (ofMillis(warrant.until) - now < longest - SLACK)
    leases.report('S19', `${what}, so little of which is left`);
}

/** Everyone has had the time to act by what is known. */
function checkLost(
  { leases: { report } }: SingletonChecker,
  host: Host,
  { agent, lostAt }: Life,
  now: Micros,
): void {
  if (lostAt === undefined || now < lostAt + STOP) return;
  for (const { instances } of agent.core.slots.seats.values())
    for (const one of instances.values()) {
      const { engineId } = one.observed;
      const made = host.engine.instances.get(engineId);
      if (made === undefined || !isStrict(made) || !isLive(one) || one.stop !== undefined) continue;
      report('S19', `${host.id} lets ${engineId} run without a guard`);
    }
}

function checkWarrants({ leases }: SingletonChecker, host: Host, now: Micros): void {
  const live = strictAt(host);
  if (live.length === 0) return;
  const { guard } = host;
  // After a sleep a freeze may take its time, and at V it is killed all the same.
  if (!isOnDuty(guard, now) || isDrowsy(host, now - FREEZE)) return;
  for (const one of live.filter(isAlive)) {
    const { engineId, term } = one.observed;
    const warrant = guard.state.warrants.get(keyOf(one));
    const what = `${engineId} runs on ${host.id}`;
    if (warrant !== undefined && now > ofMillis(warrant.until) + SLACK)
      leases.report('S19', `${engineId} lives on ${host.id} after the end of its lease`);
    if (!isRunning(one)) continue;
    if (warrant === undefined || warrant.first > term)
      leases.report('S19', `${what} without the word of its guard`);
    else if (now > ofMillis(warrant.until - CONFIG.freezeMs) + FREEZE)
      leases.report('S19', `${what} so near the end of its lease`);
  }
}

const isDrowsy = ({ asleepUntil, sleptUntil }: Host, now: Micros): boolean =>
  now < Math.max(asleepUntil, sleptUntil) + AWAKE;

function checkTwice(checker: SingletonChecker, host: Host, now: Micros): void {
  const { leases, last } = checker;
  if (last.isDouble) {
    if (last.isAfterSleep) checker.doubleAfterSleep += now - last.at;
    else checker.double += now - last.at;
  }
  last.at = now;
  last.isDouble = false;
  const here = runsAt(host, now);
  if (here.length === 0) return;
  for (const other of checker.hosts) {
    if (other === host) continue;
    const seat = runsAt(other, now).find((one) => here.includes(one));
    if (seat === undefined) continue;
    last.isDouble = true;
    last.isAfterSleep = isDrowsy(host, now) || isDrowsy(other, now);
    if (!last.isAfterSleep)
      leases.report('S19', `${seat} is strict and runs on ${host.id} and on ${other.id}`);
  }
}

const NO_SEATS: readonly string[] = [];

/** The strict slots of which an instance executes instructions there. */
function runsAt(host: Host, now: Micros): readonly string[] {
  if (host.lost || now < host.asleepUntil) return [];
  const live = strictAt(host);
  if (live.length === 0) return NO_SEATS;
  return live
    .filter(isRunning)
    .map(({ observed: { component, slot } }) => seatName(component, slot));
}

/** The guard of a machine has done something. `isMild`: nothing but faults goes wrong in this seed. */
export function noteGuard(
  checker: SingletonChecker,
  host: Host,
  deed: GuardDeed,
  isMild: boolean,
  now: Micros,
): void {
  if (deed.kind === 'killed') checker.killed += 1;
  if (deed.kind !== 'froze') return;
  checker.frozen += 1;
  const stalledMs = recent(checker, now).reduce((sum, { ms }) => sum + ms, 0);
  if (!isMild || now < checker.troubledUntil || stalledMs > CONFIG.stallMaxMs) return;
  const { engineId } = deed.instance.observed;
  const text = `${engineId} is frozen on ${host.id}, and all that went wrong is a stall of ${stalledMs} ms`;
  checker.leases.report('S19', text);
}

/** No lease that was renewed before it counts any more. */
const LONG = ofMillis(CONFIG.strictTermMs);

export function noteTrouble(checker: SingletonChecker, strike: Strike, now: Micros): void {
  const forMs = 'forMs' in strike ? strike.forMs : 0;
  const until = now + ofMillis(forMs) + LONG;
  if (strike.kind === 'pause' && forMs <= CONFIG.stallMaxMs)
    checker.stalls = [...recent(checker, now), { until, ms: forMs }];
  else checker.troubledUntil = Math.max(checker.troubledUntil, until);
}

const recent = ({ stalls }: SingletonChecker, now: Micros) =>
  stalls.filter(({ until }) => now < until);

const msOf = (length: Micros): number => Math.ceil(length / 1000);

export const strictFigures = (checker: SingletonChecker) => ({
  strictStarts: checker.starts,
  strictFrozen: checker.frozen,
  strictKilled: checker.killed,
  strictDoubleMs: msOf(checker.double),
  strictDrowsyMs: msOf(checker.doubleAfterSleep),
});
