/**
 * S35 A slot of a component that asks to be balanced leaves a host on which it may stay only to make its
 *     slots more even, by what they are spread over and by host; only after a calm of `rebalanceMs`, one
 *     slot, handed over, and to nobody's harm who follows it (B1 to B4). Of others none leaves so.
 *
 * The rules are read here once more, as simply as they can be said: more even is what has smaller squares.
 */
import {
  componentId,
  componentOf,
  type HostId,
  type Key,
  stackOf,
} from '../../protocol/base/ids.ts';
import type { ComponentSpec, Subject } from '../../protocol/component/spec.ts';
import type { Decided } from '../../protocol/core/state.ts';
import type { Effect } from '../../protocol/effect.ts';
import { HOST_ENTRY, instanceEntry, type InstanceReport } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import type { Committed, Component, RecordValue, Slot } from '../../protocol/record/record.ts';
import { seatName } from '../engine/engine.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import { CONFIG } from '../options.ts';
import { placeOf } from './affinity.ts';
import { mayOverlap } from './handovers.ts';
import type { List, Lists } from './lists.ts';
import type { Report } from './report.ts';
import { isAllowed, wordOf } from './whereabouts.ts';

export type BalanceChecker = {
  readonly report: Report;
  readonly judged: WeakSet<RecordValue>;
  /** Who has written each component's record last, under whatever term, and since when it alone did. */
  readonly reigns: Map<Key, { readonly life: Agent; readonly since: Micros }>;
  /** When anything of a component was changed last, by whomever. */
  readonly changedAt: Map<Key, Micros>;
  /** Until when an agent has not believed all others alive. */
  readonly doubts: WeakMap<Agent, { isIn: boolean; until: Micros }>;
};

export const createBalanceChecker = (report: Report): BalanceChecker => ({
  report,
  judged: new WeakSet(),
  reigns: new Map(),
  changedAt: new Map(),
  doubts: new WeakMap(),
});

/** A little shorter than the rule has it: clocks err by 1 %. */
const CALM = ofMillis(0.98 * CONFIG.rebalanceMs);

export function noteDoubts({ doubts }: BalanceChecker, { agent }: Host, now: Micros): void {
  if (agent === undefined) return;
  const was = doubts.get(agent) ?? { isIn: false, until: now };
  const isIn = [...agent.core.membership.members.values()].some(({ health }) => health !== 'alive');
  if (isIn || was.isIn) was.until = now;
  was.isIn = isIn;
  doubts.set(agent, was);
}

type Scene = {
  readonly lists: Lists;
  readonly decidedOn: (key: Key) => Decided | undefined;
  readonly now: Micros;
};

export function checkBalance(
  checker: BalanceChecker,
  host: Host,
  effects: readonly Effect[],
  scene: Scene,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { message } = effect;
    if (checker.judged.has(message.value) || message.value.kind !== 'component') continue;
    checker.judged.add(message.value);
    judge(checker, { agent, by: host.id, ...scene }, message, message.value);
  }
}

type Decision = Scene & { readonly agent: Agent; readonly by: HostId };

function judge(
  checker: BalanceChecker,
  decision: Decision,
  { key, revision }: Pick<Committed, 'key' | 'revision'>,
  after: Component,
): void {
  const { agent, by, now } = decision;
  // Where it is the only voter itself what it has written before was heard by nobody.
  const since = revision.seq === 0 ? now : 0;
  if (checker.reigns.get(key)?.life !== agent) checker.reigns.set(key, { life: agent, since });
  if (revision.seq === 0) return;
  const changedAt = Math.max(checker.changedAt.get(key) ?? 0, reignSince(checker, key));
  checker.changedAt.set(key, now);
  // What it writes is built on what it has committed last.
  const before = agent.core.writers.get(key)?.record?.value;
  if (before?.kind !== 'component' || before.life !== after.life) return;
  for (const was of before.slots) {
    const is = after.slots.find(({ slot }) => slot === was.slot);
    if (is === undefined || is.host === was.host || was.from !== undefined) continue;
    if (mustLeave(decision, after, was)) continue;
    const seat = `${seatName(after.component, was.slot)} from ${was.host} to ${is.host}`;
    const move: Move = { before, after, was, is };
    const why = isShift(move)
      ? wrongWith(checker, decision, key, changedAt, move)
      : wrongLeaving(decision, move);
    if (why !== undefined) checker.report('S35', `${by} moves ${seat}: ${why}`);
  }
}

const reignSince = ({ reigns }: BalanceChecker, key: Key): Micros => reigns.get(key)?.since ?? 0;

type Move = {
  readonly before: Component;
  readonly after: Component;
  readonly was: Slot;
  readonly is: Slot;
};

const isShift = ({ was, is }: Move): boolean => is.from === was.host;

/** Its host is gone, is to be left, or may not run it. */
function mustLeave({ agent, lists }: Decision, { spec }: Component, { host }: Slot): boolean {
  const health = agent.core.membership.members.get(host)?.health;
  if (health === 'dead' || health === 'left') return true;
  return [lists.before, lists.after].some((list) => {
    const { leaving, availability } = list.get(host) ?? { leaving: true };
    return leaving === true || availability === 'draining' || !isAllowed(spec, host, list);
  });
}

/** Not handed over: is there any other reason? Those that cannot be seen from here are let pass. */
function wrongLeaving({ agent }: Decision, { after, was, is }: Move): string | undefined {
  const { spec } = after;
  const { rebalance, affinity, antiAffinity, perHostMax } = spec.placement ?? {};
  const facts = entriesOf(agent.core.inventories, was.host).get(HOST_ENTRY);
  const isSilent = facts?.kind === 'host' && facts.engineSilentAfterMs !== undefined;
  const isBound = spec.ports.length > 0 || (affinity ?? antiAffinity ?? perHostMax) !== undefined;
  const isReturned = was.left?.includes(is.host) === true;
  if (rebalance !== true || !mayOverlap(spec) || isSilent || isBound || isReturned)
    return undefined;
  return 'it may stay there, and is not handed over';
}

function wrongWith(
  { doubts }: BalanceChecker,
  { agent, by, lists, decidedOn, now }: Decision,
  key: Key,
  changedAt: Micros,
  move: Move,
): string | undefined {
  const { before, after, was, is } = move;
  const { spec, slots, rollout } = before;
  if (after.spec.placement?.rebalance !== true) return 'nobody asks for it';
  if (!mayOverlap(after.spec)) return 'it must not run twice';
  if (now - changedAt < CALM) return `after ${(now - changedAt) / 1000} ms of calm`;
  if (now - (doubts.get(agent)?.until ?? now) < CALM) return 'not all others were alive for long';
  const moved = after.slots.filter(
    (each) => slots.find(({ slot }) => slot === each.slot)?.host !== each.host,
  );
  if (moved.length !== 1 || after.revision !== before.revision) return 'with something else';
  const isOn = slots.some(({ former, trial }) => former !== undefined || trial === true);
  if (isOn || rollout?.paused !== undefined || spec.steering?.held === true)
    return 'while a rollout is under way, or stands still';
  if (slots.length !== spec.replicas) return `with ${slots.length} of ${spec.replicas} slots`;
  const ill = slots.find((slot) => !isWell(agent, by, before, slot));
  if (ill !== undefined) return `while slot ${ill.slot} is not well`;
  const isBetter = [lists.before, lists.after].some((list) =>
    isMoreEven(spec, moveTo(slots, was.slot, is.host), slots, list),
  );
  return isBetter ? harmed(decidedOn(key), move) : 'that is not better';
}

/** Whoever follows it has to move after it. */
function harmed(
  decided: Decided | undefined,
  { before: { component, slots }, was, is }: Move,
): string | undefined {
  if (decided === undefined) return undefined;
  const { knowledge } = decided;
  const stack = stackOf(component);
  const isLast = slots.filter(({ host }) => host === was.host).length === 1;
  for (const { name, placement } of knowledge.stacks.get(stack)?.stack.spec?.components ?? []) {
    const { affinity = [], antiAffinity = [] } = placement ?? {};
    const seats = placeOf(knowledge, componentId(stack, name))?.slots ?? [];
    const isOn = (id: HostId): boolean =>
      seats.some(({ host, from, ended }) => ended === undefined && (host === id || from === id));
    if (isLast && affinity.includes(componentOf(component)) && isOn(was.host))
      return `${name} needs it there`;
    if (antiAffinity.includes(componentOf(component)) && isOn(is.host))
      return `${name} keeps away from it`;
  }
  return undefined;
}

export const moveTo = (slots: readonly Slot[], slot: number, host: HostId): readonly Slot[] =>
  slots.map((each) => (each.slot === slot ? { slot, host } : each));

/** By each group of hosts first, then by host: fewer pairs of slots share one. */
export function isMoreEven(
  { placement }: Pick<ComponentSpec, 'placement'>,
  a: readonly Slot[],
  b: readonly Slot[],
  list: List,
): boolean {
  const over = placement?.spread ?? [];
  for (let depth = 1; depth <= over.length + 1; depth++) {
    const groupOf = ({ host }: Slot): string =>
      depth > over.length ? host : groupName(over.slice(0, depth), host, list);
    const [ofA, ofB] = [squares(a.map(groupOf)), squares(b.map(groupOf))];
    if (ofA !== ofB) return ofA < ofB;
  }
  return false;
}

const groupName = (over: readonly Subject[], host: HostId, list: List): string =>
  over.map((subject) => wordOf(subject, host, list)).join('/');

const squares = (groups: readonly string[]): number =>
  groups.reduce((sum, group) => sum + groups.filter((other) => other === group).length, 0);

/** Its own report the leader makes anew in the very step, after it has decided. */
function isWell(agent: Agent, by: HostId, { component }: Component, slot: Slot): boolean {
  const { host, from } = slot;
  if (from !== undefined) return false;
  if (host === by) return true;
  const report = entriesOf(agent.core.inventories, host).get(instanceEntry(component, slot.slot));
  return report?.kind === 'instance' && serves(report);
}

const serves = ({ state, health }: Pick<InstanceReport, 'state' | 'health'>): boolean =>
  state === 'running' && (health === 'none' || health === 'healthy');
