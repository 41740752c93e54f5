/**
 * S15 A host that has heard no quorum of the voters for as long as a component's contract allows has
 *     its instances stopped or frozen, and starts or thaws none. What runs of a slot that was taken
 *     from a host believed dead is left alone there until the leader has chosen, and it chooses as
 *     `on_heal` says.
 */
import {
  componentKey,
  type ComponentId,
  type HostId,
  type Key,
  ROSTER_KEY,
} from '../../protocol/base/ids.ts';
import { type Instant, later, NEVER } from '../../protocol/base/time.ts';
import type { ComponentSpec, OnIsolation } from '../../protocol/component/spec.ts';
import type { Core } from '../../protocol/core.ts';
import type { Effect } from '../../protocol/effect.ts';
import { instanceEntry } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import { RIVALS_MAX } from '../../protocol/limits.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import type { Component, Slot } from '../../protocol/record/record.ts';
import type { Instance } from '../../protocol/reconcile/instance.ts';
import { isLive } from '../../protocol/reconcile/instance.ts';
import { quorum, votersOf } from '../../protocol/roster/roster.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import { saysSilent } from './engines.ts';
import { membersIn } from './lists.ts';
import type { Report } from './report.ts';
import { brokenBond, placeOf } from './affinity.ts';
import { fixesPort, isAllowed } from './whereabouts.ts';

/** One life of an agent. */
type Life = {
  readonly agent: Agent;
  /** Its start, the end of its last stall, or what a quorum acknowledged last was sent then. */
  heardAt: Instant;
  lastStepAt: Instant;
  /** Instances that were told to stop or to freeze. */
  readonly told: Set<string>;
  /** What it has chosen and may repeat: its leader may know more by then. */
  readonly chosen: WeakSet<Component>;
  /** Of its own inventory after its last step: what it finds out in a step it chooses by in the next. */
  version: number;
};

export type ContractChecker = { readonly report: Report; readonly lives: Map<Host, Life> };

export const createContractChecker = (report: Report): ContractChecker => ({
  report,
  lives: new Map(),
});

/** A gap between two steps in which nobody could be heard. */
const STALL_MS = 1000;
/** Everything is looked at so often, whatever happens. */
const SLACK_MS = 1000;
/** For so long it does not matter whether there is news of a quorum. */
const NEWS_MS = 500;

export function checkContracts(
  checker: ContractChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const at = localNow(agent, now);
  const life = lifeOf(checker, host, agent, at);
  if (at - life.lastStepAt > STALL_MS) life.heardAt = at;
  life.lastStepAt = at;
  if (at - life.heardAt >= NEWS_MS) listen(life);
  for (const effect of effects) checkEffect(checker, host, life, effect, at);
  life.version = agent.core.inventories.byOwner.get(host.id)?.version ?? 0;
  if (agent.isBehind || !isIsolated(life, SLACK_MS, at)) return;
  for (const { component, slot, desired, starting, instances } of agent.core.slots.seats.values()) {
    const contract = valueOf(agent, component)?.spec.onIsolation;
    if (contract === undefined || desired === undefined || starting !== undefined) continue;
    if (!isIsolated(life, contract.afterMs + SLACK_MS, at)) continue;
    const live = [...instances.values()].filter(isLive);
    if (live.some(({ stop }) => stop !== undefined)) continue;
    const spared = live.find((instance) => isSpared(life, contract, instance));
    if (spared !== undefined)
      checker.report(
        'S15',
        `${host.id} hears no quorum and lets ${seatName(component, slot)} run, whose contract is to ${contract.action}`,
      );
  }
}

function lifeOf({ lives }: ContractChecker, host: Host, agent: Agent, at: Instant): Life {
  const known = lives.get(host);
  if (known?.agent === agent) return known;
  const life: Life = {
    agent,
    heardAt: at,
    lastStepAt: at,
    told: new Set(),
    chosen: new WeakSet(),
    version: 0,
  };
  lives.set(host, life);
  return life;
}

function listen(life: Life): void {
  life.heardAt = later(life.heardAt, acknowledgedAt(life.agent));
}

const isSpared = ({ told }: Life, { action }: OnIsolation, { observed }: Instance): boolean =>
  (action === 'stop' || observed.state === 'running') && !told.has(observed.engineId);

const isIsolated = ({ heardAt }: Life, afterMs: number, at: Instant): boolean =>
  at - heardAt >= afterMs;

/** The latest instant such that a quorum has acknowledged what was sent then or later. */
function acknowledgedAt({ core }: Agent): Instant {
  const ackedAt = (voter: HostId): Instant =>
    core.leases?.links.byVoter.get(voter)?.sessions.normal.ackedAt ?? NEVER;
  let latest = NEVER;
  for (const voter of votersOf(core.council.roster)) {
    const candidate = ackedAt(voter);
    if (candidate > latest && quorum(core.council.roster, (each) => ackedAt(each) >= candidate))
      latest = candidate;
  }
  return latest;
}

function valueOf({ core }: Agent, component: ComponentId): Component | undefined {
  const value = committedOf(core.committed, componentKey(component))?.value;
  return value?.kind === 'component' ? value : undefined;
}

function checkEffect(
  checker: ContractChecker,
  host: Host,
  life: Life,
  effect: Effect,
  at: Instant,
): void {
  if (effect.kind === 'startInstance')
    checkAwake(checker, host, life, { ...effect, what: 'starts' }, at);
  if (effect.kind === 'freezeInstance' || effect.kind === 'stopInstance')
    life.told.add(effect.engineId);
  if (effect.kind === 'stopInstance') checkStop(checker, host, life, effect.engineId, at);
  if (effect.kind === 'thawInstance') {
    const seat = life.agent.core.slots.byEngineId.get(effect.engineId);
    life.told.delete(effect.engineId);
    if (seat !== undefined) checkAwake(checker, host, life, { ...seat, what: 'thaws' }, at);
  }
  if (effect.kind !== 'send' || effect.message.kind !== 'write') return;
  const { key, value } = effect.message;
  if (value.kind !== 'component' || life.chosen.has(value)) return;
  life.chosen.add(value);
  checkChoice(checker, host, life, key, value);
}

type Deed = {
  readonly component: ComponentId;
  readonly slot: number;
  readonly what: 'starts' | 'thaws';
};

function checkAwake(
  { report }: ContractChecker,
  host: Host,
  life: Life,
  { component, slot, what }: Deed,
  at: Instant,
): void {
  const contract = valueOf(life.agent, component)?.spec.onIsolation;
  if (contract === undefined) return;
  listen(life);
  if (isIsolated(life, contract.afterMs, at))
    report('S15', `${host.id} ${what} ${seatName(component, slot)} and hears no quorum`);
}

/** Nobody but the leader decides between two instances of one slot. */
function checkStop(
  { report }: ContractChecker,
  host: Host,
  life: Life,
  engineId: string,
  at: Instant,
): void {
  const seat = life.agent.core.slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat?.rival === undefined || instance?.observed.revision !== seat.rival.revision) return;
  // What others have started again after its end is no choice (Y5).
  if (instance.ended !== undefined) return;
  const { component, slot } = seat;
  const value = valueOf(life.agent, component);
  // Its lease alone decides, whoever is remembered from before it was strict.
  if (instance.stop?.why === 'fenced') return;
  const left = value?.slots.find((each) => each.slot === slot)?.left ?? [];
  if (!left.includes(host.id)) return;
  const contract = value?.spec.onIsolation;
  listen(life);
  if (contract?.action === 'stop' && isIsolated(life, contract.afterMs, at)) return;
  report('S15', `${host.id} stops ${seatName(component, slot)} before its leader has chosen`);
}

/** The leader writes a new assignment. */
function checkChoice(
  { report }: ContractChecker,
  { id }: Host,
  life: Life,
  key: Key,
  value: Component,
): void {
  const { core } = life.agent;
  const before = core.writers.get(key)?.record?.value;
  if (before?.kind !== 'component' || before.life !== value.life) return;
  const { onHeal, mode } = value.spec;
  if (onHeal === undefined || mode === 'global' || fixesPort(value.spec)) return;
  for (const was of before.slots) {
    const is = value.slots.find(({ slot }) => slot === was.slot);
    if (is === undefined) continue;
    const why = wrongChoice(life, value, was, is, id);
    if (why !== undefined)
      report('S15', `${id} gives ${seatName(value.component, was.slot)} to ${is.host}: ${why}`);
  }
}

/** It is not to have it again: it leaves, or is drained, or the component's own rules exclude it. */
function isBarred(core: Core, component: ComponentId, spec: ComponentSpec, host: HostId): boolean {
  const list = membersIn(committedOf(core.committed, ROSTER_KEY));
  if (core.knowledge?.leaving.has(host) === true) return true;
  const { knowledge } = core;
  const broken = brokenBond(
    component,
    spec,
    host,
    (other) => knowledge && placeOf(knowledge, other),
  );
  if (broken?.isUnknown === false) return true;
  return list.get(host)?.availability === 'draining' || !isAllowed(spec, host, list);
}

function wrongChoice(
  { agent: { core }, version }: Life,
  { component, spec }: Component,
  was: Slot,
  is: Slot,
  leader: HostId,
): string | undefined {
  const { onHeal } = spec;
  const left = was.left ?? [];
  const isAlive = (host: HostId): boolean => core.knowledge?.alive.includes(host) === true;
  const name = instanceEntry(component, was.slot);
  const isNew = (core.inventories.byOwner.get(leader)?.changes.get(name) ?? 0) > version;
  const claimants = left.filter((host) => {
    const entry = entriesOf(core.inventories, host).get(name);
    if (host === leader && isNew) return false;
    return isAlive(host) && entry?.kind === 'instance' && entry.isRival === true;
  });
  const [oldest] = claimants;
  const chosen = onHeal === 'keepOldest' ? oldest : claimants.find((host) => host === leader);
  // Who was chosen and cannot run it loses after all.
  if (chosen !== undefined && is.host !== chosen && !isBarred(core, component, spec, chosen))
    return onHeal === 'keepOldest' ? `${chosen} had it before and runs it` : 'its leader runs it';
  if (is.host === was.host || left.includes(is.host) || isAlive(was.host)) return undefined;
  // It is not given up for dead, but for an engine that has not started what it was asked to.
  const isSuspect = core.membership.members.get(was.host)?.health === 'suspect';
  if (isSuspect && saysSilent({ core }, was.host)) return undefined;
  if (isBarred(core, component, spec, was.host)) return undefined;
  const isMember = core.knowledge?.isMember.has(was.host) === true;
  const { length } = is.left ?? [];
  if (isMember && is.left?.includes(was.host) !== true && length < RIVALS_MAX)
    return `${was.host} may run it still, and nobody will remember`;
  return undefined;
}
