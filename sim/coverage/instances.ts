/** Rare states of instances and of the engines that run them. */
import { componentKey, slotKey } from '../../protocol/base/ids.ts';
import type { Addresses } from '../../protocol/component/addresses.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Observed } from '../../protocol/input.ts';
import { hasRun } from '../../protocol/reconcile/slots.ts';
import { isLive } from '../../protocol/reconcile/instance.ts';
import { currentOf, isRival, type Seat } from '../../protocol/reconcile/table.ts';
import { seatName, tryName } from '../engine/engine.ts';
import { isRunning } from '../engine/instance.ts';
import type { GuardDeed } from '../guard.ts';
import { addressOf, type Host } from '../host.ts';
import type { Strike } from '../strike.ts';
import { type Moment, type Observer, sometimes } from './observer.ts';
import { hearsQuorum } from './phases.ts';

/** A host starts an instance. */
export function seeStart(
  observer: Observer,
  { host, agent, now }: Moment,
  {
    component,
    slot,
    revision,
    spec,
    addresses,
  }: Extract<Effect, { readonly kind: 'startInstance' }>,
): void {
  seeTold(observer, host, addresses);
  const ran = host.engine.ran.get(seatName(component, slot));
  if (spec.restart.kind === 'no' && ran?.has(revision) === false) sometimes(observer, 'run-anew');
  if (spec.dependsOn.some(({ condition }) => condition === 'completed'))
    sometimes(observer, 'waited-for-job');
  if (spec.job !== undefined) seeTry(observer, host, tryName(component, slot, revision));
  if (hearsQuorum(agent, now)) return;
  const { slots, authorized } = agent.core;
  if (hasRun(slots, component, slot)) sometimes(observer, 'restart-without-quorum');
  else if (!authorized.has(componentKey(component))) sometimes(observer, 'start-alone');
}

function seeTold(observer: Observer, host: Host, addresses: Addresses | undefined): void {
  const own = `${addressOf(host.index)}:`;
  if (
    addresses?.some(({ at }) => at.some((each) => each.startsWith('10.') && !each.startsWith(own)))
  )
    sometimes(observer, 'told-of-another-host');
}

function seeTry(observer: Observer, host: Host, name: string): void {
  for (const other of observer.world.hosts) {
    const tries = other.engine.tries.get(name);
    if (tries !== undefined && other !== host) sometimes(observer, 'job-tried-elsewhere');
    if (tries?.codes.includes(0) === true) sometimes(observer, 'job-run-again');
  }
}

/** A host stops an instance. */
export function seeStop(
  observer: Observer,
  { agent, life }: Moment,
  { engineId }: Extract<Effect, { readonly kind: 'stopInstance' }>,
): void {
  const seat = agent.core.slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  const why = instance?.stop?.why;
  if (why === 'readdressed') {
    sometimes(observer, 'moved-followed');
    if (instance?.ours === false) sometimes(observer, 'told-before-restart');
  }
  if (why === 'fenced') sometimes(observer, 'strict-fenced');
  if (why === 'drifted') sometimes(observer, 'drift-repaired');
  if (why === 'drifted' && (seat?.repairs.count ?? 0) > 2) sometimes(observer, 'drift-put-off');
  if (why === 'stuck') sometimes(observer, 'strict-stuck');
  if (why === 'timeout') sometimes(observer, 'job-timed-out');
  if (why === 'isolated') sometimes(observer, 'stopped-isolated');
  if (why === 'unwanted' && seat !== undefined && life.rivals.has(seat.name))
    sometimes(observer, 'rival-lost');
}

/** What is not wanted any more runs on for a while. */
export function seeWaiting(observer: Observer, text: string): void {
  if (!text.startsWith('not wanted any more; waits until ')) return;
  sometimes(observer, text.endsWith(' has ended') ? 'end-put-off' : 'end-host-unheard');
}

/** The engine has told an agent for the first time what there is. */
export function seeList(observer: Observer, { life, input }: Moment): void {
  if (input.kind !== 'instancesListed' || life.listed) return;
  life.listed = true;
  if (input.instances.some(({ state }) => state === 'running')) sometimes(observer, 'adopted');
}

/** The agent is to end, and not to be back in a moment. */
export function seeYielding(observer: Observer, { effects, agent }: Moment): void {
  const isStrictStop = (effect: Effect): boolean =>
    effect.kind === 'stopInstance' &&
    agent.core.slots.byEngineId.get(effect.engineId)?.lease !== undefined;
  if (effects.some(isStrictStop)) sometimes(observer, 'strict-yielded');
}

/** A question to an engine has ended: the host said so if it was silent. */
export function seeEngine(observer: Observer, { effects }: Moment): void {
  for (const effect of effects) {
    if (effect.kind !== 'journal' || effect.topic !== 'engine') continue;
    const isBack = effect.text.startsWith('the engine answers again');
    sometimes(observer, isBack ? 'engine-heard-again' : 'engine-silent');
  }
}

/** A leader says what it has decided on a slot. */
export function seePlacement(observer: Observer, text: string): void {
  if (text.includes(' (its engine has not started it, and does not answer) to '))
    sometimes(observer, 'silent-engine-left');
  if (text.includes(' does not hold there) to ')) sometimes(observer, 'constraint-left');
  if (/ moves from .* \(it is drained\) to .* runs it until then/.test(text))
    sometimes(observer, 'slot-handed-over');
  if (text.includes(' to balance: ')) sometimes(observer, 'slot-balanced');
  if (/ \(dead or gone\) to .* runs it until then/.test(text))
    sometimes(observer, 'handover-interrupted');
  if (/ (waits for|stays on) .* fits nowhere else: .* it is drained/.test(text))
    sometimes(observer, 'drained-for-want-of-room');
  if (/ fits nowhere: .* does not hold there/.test(text))
    sometimes(observer, 'constraint-fits-nowhere');
  if (/it reserves .* are free there/.test(text)) sometimes(observer, 'no-room-to-reserve');
  if (text.endsWith('as many as find room')) sometimes(observer, 'host-filled');
  if (text.includes('max_replicas_per_node')) sometimes(observer, 'per-host-full');
  if (text.includes(' does not run there) to ')) sometimes(observer, 'neighbor-followed');
  if (text.includes(' runs there) to ')) sometimes(observer, 'neighbor-fled');
  if (text.includes(' has no place yet ')) sometimes(observer, 'neighbor-waited-for');
  if (/ fits nowhere: .* (does not run|runs) there/.test(text))
    sometimes(observer, 'neighbor-fits-nowhere');
  if (text.includes(' is complete, on ')) sometimes(observer, 'job-complete');
  if (text.includes(' has failed for good, on ')) sometimes(observer, 'job-failed');
}

/** A leader says what it has decided on a rollout. */
export function seeRollout(observer: Observer, text: string): void {
  if (/ comes to .*; [1-9]\d* wait$/.test(text)) sometimes(observer, 'rollout-batch');
  if (text.includes(', as nothing more would fit')) sometimes(observer, 'nothing-stood-in');
  if (text.includes(' is paused: ')) sometimes(observer, 'rollout-paused');
  if (text.includes(' is taken back: ')) sometimes(observer, 'rollout-taken-back');
  if (/^a user lets .* go on$/.test(text)) sometimes(observer, 'rollout-resumed');
  if (/^a user lets .* be tried again$/.test(text)) sometimes(observer, 'rollout-tried-again');
  if (text.startsWith('a user holds ')) sometimes(observer, 'rollout-held');
  if (/^a user has taken .* back$/.test(text)) sometimes(observer, 'rollout-undone');
}

export function lookAtRollouts(observer: Observer, { agent }: Moment): void {
  for (const { record } of agent.core.writers.values()) {
    if (record?.value.kind !== 'component' || record.value.rollout === undefined) continue;
    const { slots, spec, rollout } = record.value;
    // As the first of its term it was adopted.
    if (record.revision.seq === 0 && rollout.former.length > 0)
      sometimes(observer, 'rollout-inherited');
    if (rollout.former.length > 1 && slots.some(({ former }) => former === undefined))
      sometimes(observer, 'rollout-overtaken');
    if (spec.mode !== 'global' && slots.some(({ slot, trial }) => slot > spec.replicas && !trial))
      sometimes(observer, 'stood-in');
  }
}

/** An instance runs. */
export function seeTwin(observer: Observer, host: Host, { component, slot }: Observed): void {
  if (observer.seen.has('ran-twice')) return;
  const isSame = ({ observed }: { readonly observed: Observed }): boolean =>
    observed.component === component && observed.slot === slot;
  for (const other of observer.world.hosts)
    for (const instance of other === host ? [] : other.engine.instances.values())
      if (isRunning(instance) && isSame(instance)) sometimes(observer, 'ran-twice');
}

/** The guard of a machine has done something. */
export function seeGuard(observer: Observer, host: Host, deed: GuardDeed): void {
  if (deed.kind === 'lost') return sometimes(observer, 'guard-lost');
  const { agent, guard } = host;
  if (deed.kind === 'turnedAway') return sometimes(observer, 'strict-turned-away');
  if (deed.kind === 'froze') sometimes(observer, 'strict-frozen');
  if (deed.kind === 'froze' && agent === undefined) sometimes(observer, 'strict-frozen-alone');
  if (deed.kind === 'thawed') sometimes(observer, 'strict-thawed');
  if (deed.kind !== 'killed') return;
  const { component, slot } = deed.instance.observed;
  const warrant = guard.state.warrants.get(slotKey(component, slot));
  sometimes(observer, warrant === undefined ? 'strict-unwarranted' : 'strict-lapsed');
}

/** A fault is about to befall an engine. */
export function seeDaemon(observer: Observer, strike: Strike): void {
  if (strike.kind !== 'engineRestart' || strike.instances !== 'survive') return;
  const instances = observer.world.hosts[strike.host]?.engine.instances.values() ?? [];
  if ([...instances].some(isRunning)) sometimes(observer, 'daemon-restart-survived');
}

export function lookAtInstances(observer: Observer, { agent, life }: Moment): void {
  for (const seat of agent.core.slots.seats.values()) {
    const { name, history, desired } = seat;
    if (history.crashLoop) sometimes(observer, 'crash-loop');
    seeMoved(observer, life.moved, seat);
    const isKept = [...seat.instances.values()].some((instance) => isRival(seat, instance));
    if (isKept) sometimes(observer, 'rival-left-alone');
    if (desired?.spec.job !== undefined && currentOf(seat)?.observed.drift !== undefined)
      sometimes(observer, 'job-left-changed');
    if (desired !== undefined && life.rivals.has(name)) sometimes(observer, 'rival-returned-to');
    if (isKept) life.rivals.add(name);
    else if (desired !== undefined) life.rivals.delete(name);
  }
}

function seeMoved(observer: Observer, moved: Map<string, string>, seat: Seat): void {
  const current = currentOf(seat);
  const { engineId } = current?.observed ?? {};
  if (seat.movedSince !== undefined && engineId !== undefined) moved.set(seat.name, engineId);
  else if (moved.get(seat.name) === engineId && current !== undefined && isLive(current)) {
    if (current.stop === undefined) sometimes(observer, 'moved-back');
    moved.delete(seat.name);
  } else moved.delete(seat.name);
}
