/**
 * L1 Every slot of every stack is assigned to a host that is well, or may be, and nothing runs that is
 *    not assigned.
 * L5 What is assigned to a host that is well runs there, of its present spec, again and again.
 * L9 A slot of a job that can end has ended.
 * L11 It has the ports that were chosen for it (`ports.ts`).
 * L13 It was told where that is which it follows (`addresses.ts`).
 * L10 What is to run is as it was made, and does not stand still.
 */
import {
  type ComponentId,
  componentId,
  componentKey,
  type HostId,
  slotKey,
} from '../../../protocol/base/ids.ts';
import { sameData } from '../../../protocol/base/same.ts';
import { revisionOf } from '../../../protocol/component/digest.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { instanceEntry } from '../../../protocol/inventory/entry.ts';
import type { Committed, Component, Slot } from '../../../protocol/record/record.ts';
import { asWanted, specOf } from '../../../protocol/rollout/version.ts';
import { holdersOf } from '../../../protocol/core/know.ts';
import { running, seatName } from '../../engine/engine.ts';
import { type Broken, brokenBond } from '../affinity.ts';
import { isAllowed, mostPerHost, roomFor } from '../whereabouts.ts';
import { leaderOf } from './leaders.ts';
import { newestList, newestRecords, newestStacks, takersOf } from './newest.ts';
import { misled } from './addresses.ts';
import { contested, hasItsNumbers } from './ports.ts';
import { type Calm, lastWord, type Owed, type Participant, standingOf } from './owed.ts';
import { canHearQuorum, isWell } from './standing.ts';

/** One component of a stack that exists, and what is committed about it. */
export type Part = {
  readonly component: ComponentId;
  readonly spec: ComponentSpec;
  readonly stack: StackSpec;
  readonly record: Committed | undefined;
  readonly records: ReturnType<typeof newestRecords>;
};
type LivingPart = Part & { readonly life: number };

export function partsOf(calm: Calm): readonly LivingPart[] {
  const records = newestRecords(calm);
  return newestStacks(calm).flatMap(({ name, stack: { spec: stack, life } }) =>
    (stack?.components ?? []).map((spec) => {
      const component = componentId(name, spec.name);
      const record = records.get(componentKey(component));
      return { component, spec, stack: stack as StackSpec, record, records, life };
    }),
  );
}

/** It has a slot that fits on no other host, and keeps it. */
export function isStranded(calm: Calm, id: HostId): boolean {
  return partsOf(calm).some((part) => {
    const value = part.record?.value;
    if (value?.kind !== 'component' || part.spec.mode === 'global') return false;
    const isThere = value.slots.some(({ host, ended }) => host === id && ended === undefined);
    return isThere && fittingOf(calm, part).length === 0;
  });
}

export function unseated(calm: Calm): readonly Owed[] {
  const parts = partsOf(calm);
  const led = parts.filter(({ component }) => isLedWell(calm, component));
  return [
    ...led.flatMap((part) => ofPart(calm, part, part.life)),
    ...strays(calm, parts),
    ...contested(calm, (component) => isLedWell(calm, component)),
  ];
}

/** Its leader is well: what one does that is half alive, nobody can say. */
export function isLedWell(calm: Calm, component: ComponentId): boolean {
  const leader = leaderOf(calm, componentKey(component));
  return leader !== undefined && isWell(standingOf(calm, leader));
}

function ofPart(calm: Calm, part: Part, life: number): readonly Owed[] {
  const { component, spec, record } = part;
  const value = record?.value;
  const about = component;
  if (value?.kind !== 'component' || value.life !== life)
    return [{ rule: 'L1', about, text: `${component} is assigned to nobody` }];
  if (!sameData(value.spec, isTakenBack(part, value) ? asWanted(value.spec, spec) : spec))
    return [{ rule: 'L1', about, text: `${component} is assigned by an old spec` }];
  const seats = value.slots.map(({ slot }) => slot);
  const count = spec.mode === 'global' ? 0 : spec.replicas;
  const isTaken = fittingOf(calm, part).length > 0;
  const missing = Array.from({ length: isTaken ? count : 0 }, (_, i) => i + 1).filter(
    (n) => !seats.includes(n),
  );
  const surplus =
    spec.mode === 'global' || maySlotsStandIn(calm, part, value)
      ? []
      : seats.filter((slot) => slot > count);
  return [
    ...surplus.map((slot) => ({
      rule: 'L1',
      about: seatName(component, slot),
      text: `${seatName(component, slot)} is one too many`,
    })),
    ...missing.map((slot) => ({
      rule: 'L1',
      about: seatName(component, slot),
      text: `${seatName(component, slot)} is assigned to nobody`,
    })),
    ...(spec.mode === 'global' ? uncovered(calm, part) : []),
    ...(spec.placement?.fill === true ? overfull(calm, part, value) : []),
    ...unfinished(calm, part, value),
    ...value.slots
      .filter(({ ended }) => ended === undefined)
      .flatMap((mark) =>
        spec.job === undefined
          ? notRunning(calm, part, value, mark)
          : notEnded(calm, part, mark.slot, mark.host),
      ),
  ];
}

/** Whoever is well, may run it, and has room for one more of it. */
export function fittingOf(calm: Calm, part: Part): readonly Participant[] {
  const { spec, record } = part;
  const value = record?.value;
  const slots = value?.kind === 'component' ? value.slots : [];
  const list = newestList(calm);
  const countOn = (id: string): number => slots.filter(({ host }) => host === id).length;
  return takersOf(calm).filter(
    ({ host }) =>
      isAllowed(spec, host.id, list) &&
      bondBroken(part, host.id) === undefined &&
      countOn(host.id) < Math.min(mostPerHost(spec), roomBeside(calm, part, host.id)),
  );
}

/** By what is committed of the others, whoever leads them. */
const bondBroken = ({ component, spec, records }: Part, at: HostId): Broken | undefined =>
  brokenBond(component, spec, at, (other) => {
    const value = records.get(componentKey(other))?.value;
    return value?.kind === 'component' ? value : undefined;
  });

/** How many slots of it have room there beside all others. */
function roomBeside(calm: Calm, { component, spec, records }: Part, id: HostId): number {
  let milliCpus = 0;
  let memoryBytes = 0;
  for (const { name, stack } of newestStacks(calm))
    for (const other of stack.spec?.components ?? []) {
      const its = componentId(name, other.name);
      const value = records.get(componentKey(its))?.value;
      if (its === component || value?.kind !== 'component' || value.life !== stack.life) continue;
      const { reserves } = value.spec.placement ?? {};
      const there = value.slots.filter((slot) => holdersOf(slot).includes(id)).length;
      milliCpus += there * (reserves?.milliCpus ?? 0);
      memoryBytes += there * (reserves?.memoryBytes ?? 0);
    }
  return roomFor(spec.placement, milliCpus, memoryBytes);
}

/** A global component has a slot on every host that is well and may run it. */
function uncovered(calm: Calm, part: Part): readonly Owed[] {
  const { component } = part;
  return fittingOf(calm, part).map(({ host }) => {
    const about = `${component} on ${host.id}`;
    return { rule: 'L1', about, text: `${about} is not assigned` };
  });
}

/** What fills its hosts follows what a slot takes of them. */
function overfull(calm: Calm, { component, spec }: Part, { slots }: Component): readonly Owed[] {
  return calm.team.flatMap(({ host: { id } }): readonly Owed[] => {
    const count = slots.filter(({ host }) => host === id).length;
    if (count <= mostPerHost(spec)) return [];
    const about = `${component} on ${id}`;
    return [{ rule: 'L1', about, text: `${about} has ${count} slots, which is too many` }];
  });
}

const wantedOf = ({ spec, stack }: Part): string => revisionOf(spec, stack);

/** What is wanted has failed, and what was before it is to run. */
const isTakenBack = (part: Part, { rollout }: Component): boolean =>
  rollout?.refused?.revision === wantedOf(part);

/** Slots that have not what is to come yet, or have not stood with it. */
const underWay = ({ slots }: Component): readonly Slot[] =>
  slots.filter(({ former, trial }) => former !== undefined || trial === true);

/** Where nobody can say what becomes of one slot, the others wait for it. */
const isOwedToEnd = (calm: Calm, part: Part, { slots }: Component): boolean =>
  !isHeldUp(calm, part) && slots.every(({ host }) => calm.team.some((one) => one.host.id === host));

const isHalted = ({ spec, rollout }: Component): boolean =>
  rollout?.paused !== undefined || spec.steering?.held === true;

/** More than are wanted are there as long as a rollout lasts that nobody can be asked to end. */
const maySlotsStandIn = (calm: Calm, part: Part, value: Component): boolean =>
  value.rollout !== undefined &&
  !isHalted(value) &&
  underWay(value).length > 0 &&
  !isOwedToEnd(calm, part, value);

/** A rollout comes to its end, or says why not. */
function unfinished(calm: Calm, part: Part, value: Component): readonly Owed[] {
  const { component } = value;
  if (isHalted(value) || underWay(value).length === 0) return [];
  if (!isOwedToEnd(calm, part, value)) return [];
  const text = `the rollout of ${component} does not come to its end`;
  return [{ rule: 'L1', about: `rollout of ${component}`, text }];
}

function notRunning(calm: Calm, part: Part, value: Component, mark: Slot): readonly Owed[] {
  const { component } = part;
  const { slot, host: at } = mark;
  const spec = specOf(value, mark);
  const seat = seatName(component, slot);
  const about = `${seat} on ${at}`;
  const one = calm.team.find(({ host }) => host.id === at);
  if (one === undefined) return unheard(calm, part, seat, at);
  const list = newestList(calm);
  if (!isAllowed(spec, one.host.id, list))
    return [{ rule: 'L1', about, text: `${seat} stays on ${at}, against its constraints` }];
  const { availability, leaving } = list.get(one.host.id) ?? {};
  const isDrained = availability === 'draining';
  const broken = isDrained || leaving === true ? undefined : bondBroken(part, one.host.id);
  if (broken !== undefined && !broken.isUnknown)
    return [{ rule: 'L1', about, text: `${seat} stays on ${at}, and ${broken.why}` }];
  if (isDrained && fittingOf(calm, part).length > 0 && !isEnded(one, part, slot))
    return [{ rule: 'L1', about, text: `${seat} stays on ${at}, which is drained` }];
  const instances = running(one.host.engine).filter(
    (instance) => instance.component === component && instance.slot === slot,
  );
  const revision =
    mark.former ?? (isTakenBack(part, value) ? value.revision : wantedOf(part)) ?? '';
  const ofRevision = instances.filter((instance) => instance.revision === revision);
  const asMade = ofRevision.filter(({ drift }) => drift === undefined);
  const numbered = asMade.filter((instance) => hasItsNumbers(instance, spec, mark.ports));
  const astray = numbered.map((instance) => misled(calm, one, part, instance));
  if (astray.includes(undefined)) return [];
  if (isDone(one, component, spec, slot, revision) || isHeldUp(calm, part)) return [];
  if (isKept(calm, component, slot) || isIsolated(calm, one, spec)) return [];
  const last = saying(one, component, slot);
  if (numbered.length > 0)
    return [{ rule: 'L13', about, text: `${seat} on ${at} was told ${astray[0]}${last}` }];
  if (asMade.length > 0)
    return [{ rule: 'L11', about, text: `${seat} runs with another port on ${at}${last}` }];
  if (ofRevision.length > 0)
    return [{ rule: 'L10', about, text: `${seat} is as others have changed it on ${at}${last}` }];
  const what = instances.length === 0 ? 'does not run' : 'is of an old spec';
  return [{ rule: 'L5', about, text: `${seat} ${what} on ${at}${last}` }];
}

/** It stays with a host that is not well: of one that may be, nobody can say. */
function unheard(calm: Calm, part: Part, seat: string, at: string): readonly Owed[] {
  const host = calm.world.hosts.find(({ id }) => id === at);
  const isLost = host === undefined || standingOf(calm, host) === 'silent';
  const about = `${seat} on ${at}`;
  return isLost && fittingOf(calm, part).length > 0
    ? [{ rule: 'L1', about, text: `${seat} stays with ${at}, which nobody hears` }]
    : [];
}

/** What its host may start ends by itself, and everyone is told. */
function notEnded(calm: Calm, part: Part, slot: number, at: string): readonly Owed[] {
  const { component, spec } = part;
  const seat = seatName(component, slot);
  const about = `${seat} on ${at}`;
  const one = calm.team.find(({ host }) => host.id === at);
  // A global one waits for its host, whatever has become of it.
  if (one === undefined) return spec.mode === 'global' ? [] : unheard(calm, part, seat, at);
  const known = one.core.slots.seats.get(instanceEntry(component, slot));
  if (known?.outcome?.state === 'rejected' || isHeldUp(calm, part)) return [];
  return [
    {
      rule: 'L9',
      about,
      text: `${seat} has not come to an end on ${at}${saying(one, component, slot)}`,
    },
  ];
}

/** Of this revision its restart policy is satisfied, or only a user can help. */
function isDone(
  { core, host }: Participant,
  component: ComponentId,
  { restart }: ComponentSpec,
  slot: number,
  revision: string,
): boolean {
  const seat = core.slots.seats.get(instanceEntry(component, slot));
  if (seat?.next.kind !== 'done') return false;
  const isEndless = restart.kind === 'always' || restart.kind === 'unlessStopped';
  if (seat.outcome?.state === 'rejected') return true;
  return !isEndless && host.engine.ran.get(seatName(component, slot))?.has(revision) === true;
}

/** A host of which nobody can say what it does holds the key of the slot, for what it cannot end (X4). */
const isKept = ({ world, team }: Calm, component: ComponentId, slot: number): boolean =>
  world.hosts.some(
    (host) =>
      !team.some((one) => one.host === host) &&
      host.agent?.core.leases?.holder.holds.has(slotKey(component, slot)) === true,
  );

/** As a user wants it, it waits for a quorum, of which nobody can say that it can be heard there. */
function isIsolated({ world }: Calm, { host, core }: Participant, spec: ComponentSpec): boolean {
  const waits = spec.singleton === 'strict' || (spec.onIsolation?.action ?? 'keep') !== 'keep';
  return waits && !canHearQuorum(world, host, core.council.roster);
}

/** What it has to wait for is led or to be run by hosts of which nobody can say what they do. */
function isHeldUp(calm: Calm, { spec, stack, records, ...rest }: Part): boolean {
  return spec.dependsOn.some(({ on, condition }) => {
    const other = stack.components.find(({ name }) => name === on);
    if (other === undefined) return false;
    const component = componentId(stack.name, on);
    const record = records.get(componentKey(component));
    const slots = record?.value.kind === 'component' ? record.value.slots : [];
    // Whether it has ended is owed by itself; that it has not failed, nobody owes.
    if (other.job !== undefined && condition === 'completed')
      return slots.length === 0 || slots.some(({ ended }) => ended?.state !== 'complete');
    const isOwed =
      isLedWell(calm, component) &&
      slots.some(({ host }) => calm.team.some((one) => one.host.id === host));
    return !isOwed || isHeldUp(calm, { ...rest, component, spec: other, stack, records, record });
  });
}

/** Nothing of it is to run any more, whatever policy has ended it. */
const isEnded = ({ core }: Participant, { component }: Part, slot: number): boolean =>
  core.slots.seats.get(instanceEntry(component, slot))?.next.kind === 'done';

const runsOn = (calm: Calm, id: HostId, component: ComponentId, slot: number): boolean =>
  calm.team.some(
    ({ host }) =>
      host.id === id &&
      running(host.engine).some((each) => each.component === component && each.slot === slot),
  );

function saying(one: Participant, component: ComponentId, slot: number): string {
  const report = one.core.slots.reports.get(instanceEntry(component, slot));
  if (report === undefined) return lastWord(one, seatName(component, slot));
  return `: ${report.state}${report.reason === undefined ? '' : `, ${report.reason}`}`;
}

/** What runs on a host that is well, assigned to it by nobody. */
function strays(calm: Calm, parts: readonly Part[]): readonly Owed[] {
  return calm.team.flatMap(({ host }) =>
    running(host.engine).flatMap(({ component, slot }): readonly Owed[] => {
      const part = parts.find((each) => each.component === component);
      if (part !== undefined && !isLedWell(calm, component)) return [];
      const value = part?.record?.value;
      const slots = value?.kind === 'component' ? value.slots : [];
      const given = slots.find((each) => each.slot === slot);
      if (given?.host === host.id) return [];
      // Until it runs where it is to be, which is asked for apart.
      if (given?.from === host.id && !runsOn(calm, given.host, component, slot)) return [];
      const about = `${seatName(component, slot)} on ${host.id}`;
      return [{ rule: 'L1', about: `stray ${about}`, text: `${about} runs, nobody wants it` }];
    }),
  );
}
