/**
 * Which host is to fill which slot of a component that is led here: what its leader knows of the hosts,
 * of the slots and of the rollout, put before `placement/` and `rollout/`.
 *
 * A decision rests on the committed records, on who is alive, on what hosts say of themselves and of the
 * component's instances, and on the time where it says so (`dueAt`, `isTimely`); on nothing else, so that
 * its leader need not decide anew for anything else (`leading.ts`).
 */
import { componentOf, type ComponentId, type HostId, stackOf } from '../base/ids.ts';
import { earlier, type Instant } from '../base/time.ts';
import { sameData } from '../base/same.ts';
import { revisionOf, runRevision } from '../component/digest.ts';
import { mergedLabels } from '../component/label.ts';
import type { ComponentSpec } from '../component/spec.ts';
import {
  HOST_ENTRY,
  instanceEntry,
  type InstanceReport,
  instancesOf,
  isGoingOn,
} from '../inventory/entry.ts';
import { entriesOf, hasChanged } from '../inventory/inventories.ts';
import { flapsOf, mayTurn, membersOf, whyRestless } from '../membership/membership.ts';
import { movesLeft, noteMoves } from '../placement/brake.ts';
import { whyNotPlace } from '../placement/fit.ts';
import type { Progress } from '../placement/job.ts';
import { type Neighbor, neighborsBy } from '../placement/neighbor.ts';
import { type Decision, place, type PlacementHost, type PlaceRequest } from '../placement/place.ts';
import { choosePorts } from '../placement/ports.ts';
import { reservedWith } from '../placement/room.ts';
import {
  compareRevision,
  type Component,
  type Run,
  type Slot,
  type Stack,
} from '../record/record.ts';
import type { Writer } from '../record/writer.ts';
import { createWatch, type RolloutRequest } from '../rollout/draft.ts';
import { atOnce, concluded, type Course, rollOut } from '../rollout/rollout.ts';
import { specOf } from '../rollout/version.ts';
import { journal, type Turn } from '../turn.ts';
import type { InstanceState } from '../view/view.ts';
import { balance } from './balance.ts';
import { holdersOf, know } from './know.ts';
import { type Knowledge, type Load, NO_LOAD } from './knowledge.ts';
import type { Core, Decided } from './state.ts';

type Intent = {
  /** The component's record as it should be; absent: as it is. */
  readonly value?: Component;
  /** Until a rollout goes on by itself, or a slot may be moved to balance. */
  readonly dueAt?: Instant | undefined;
  readonly calmSince?: Instant | undefined;
  /** Decided anew it may be another at any moment, or is to be noted again. */
  readonly isTimely: boolean;
};

/** Whether nothing that the decision rests on has changed since; of time alone only `isTimely` is asked. */
export function isMoot(
  { inventories }: Core,
  { knowledge: was, isTimely }: Decided,
  is: Knowledge,
  component: ComponentId,
): boolean {
  if (was === is) return true;
  const { committed, membership, facts } = was.versions;
  return (
    !isTimely &&
    committed === is.versions.committed &&
    membership === is.versions.membership &&
    !hasChanged(inventories, 'host', facts) &&
    !hasChanged(inventories, instancesOf(component), facts)
  );
}

const NOTHING: Intent = { isTimely: false };

export function assign(core: Core, turn: Turn, writer: Writer, component: ComponentId): Intent {
  const { stacks } = know(core);
  const known = stacks.get(stackOf(component));
  const stack = known?.stack.spec;
  const spec = stack?.components.find(({ name }) => name === componentOf(component));
  // Gone: the key will be released.
  if (known === undefined || stack === undefined || spec === undefined) return NOTHING;
  const { life } = known.stack;
  const value = writer.record?.value;
  const stored = value?.kind === 'component' ? value : undefined;
  // The last leader knew a newer stack than we do: ours is on its way.
  if (stored !== undefined && compareRevision(stored.stackRevision, known.revision) > 0)
    return NOTHING;
  const current = stored?.life === life ? stored : undefined;
  const run = runOf(known.stack, spec, current);
  const before = current === undefined ? undefined : slotsIn(current, run);
  const wanted = { revision: run === undefined ? revisionOf(spec, stack) : runRevision(run), spec };
  const hosts = placementHosts(core, turn, component, spec);
  // Jobs begin anew at once.
  const course =
    run !== undefined || current?.spec.job !== undefined
      ? atOnce(wanted, before ?? [])
      : courseOf(core, turn, { component, wanted, current, hosts, at: known.stack.at });
  const request = requestFor(core, turn, { component, course, hosts, run });
  const placement = place(request);
  const { slots, decisions, withheld } = placement;
  noteMoves(core.brake, turn.now, placement.moved, withheld);
  const text = JSON.stringify(decisions);
  if (core.explained.get(component) !== text) {
    core.explained.set(component, text);
    for (const decision of decisions) tell(turn, component, decision);
  }
  const placed = concluded(course, slots, { current, stack: known.stack });
  const next = { ...placed, slots: numbered(core, turn, component, placed, current?.slots) };
  for (const note of course.notes) journal(turn, 'rollout', [component], note);
  if (current === undefined || !isAsBefore(current, { ...next, run })) {
    const head = { kind: 'component', component, life, stackRevision: known.revision } as const;
    return {
      value: { ...head, ...next, ...(run && { run }) },
      dueAt: course.dueAt,
      isTimely: true,
    };
  }
  const { calmSince } = core.decided.get(writer.key) ?? {};
  const balanced = balance(core, turn, { request, placement, course, current, calmSince });
  const dueAt = earlier(course.dueAt, balanced.dueAt);
  const { shift } = balanced;
  if (shift === undefined) {
    const isTimely = withheld > 0 || course.notes.length > 0 || isRestless(core, turn);
    return { dueAt, calmSince: balanced.calmSince, isTimely };
  }
  tell(turn, component, shift.decision);
  const moved = { ...current, slots: shift.slots };
  const seats = numbered(core, turn, component, moved, current.slots);
  const head = { stackRevision: known.revision, slots: seats };
  return { value: { ...current, ...head }, dueAt, isTimely: true };
}

const tell = (turn: Turn, component: ComponentId, { slot, text }: Decision): void =>
  journal(turn, 'placement', [component, `${component}.${slot}`], text);

type Asked = {
  readonly component: ComponentId;
  readonly course: Course;
  readonly hosts: readonly PlacementHost[];
  readonly run: Run | undefined;
};

function requestFor(
  core: Core,
  turn: Turn,
  { component, course, hosts, run }: Asked,
): PlaceRequest {
  const { target, extra } = course;
  return {
    component,
    spec: extra === 0 ? target.spec : { ...target.spec, replicas: target.spec.replicas + extra },
    current: course.slots,
    specOf: (slot) => specOf({ ...target, rollout: course }, slot),
    hosts,
    movesMax: movesLeft(core.brake, turn.now),
    leader: turn.self,
    runs: (slot, host) => saysItRuns(core, component, slot, host),
    isStuck: (slot, host) => isStuck(core, component, slot, host),
    progress: (slot, host) => progressOf(core, component, run, slot, host),
    reported: (slot, host) => reported(core, component, slot, host),
  };
}

/** The slots with the numbers of those ports to which their spec gives none. */
function numbered(
  core: Core,
  turn: Turn,
  component: ComponentId,
  placed: Pick<Component, 'spec' | 'rollout' | 'slots'>,
  current: readonly Slot[] = [],
): readonly Slot[] {
  const { slots, notes } = choosePorts({
    component,
    slots: placed.slots,
    specOf: (slot) => specOf(placed, slot),
    current,
    holders: know(core).portHolders,
    range: turn.config,
  });
  for (const { slot, text } of notes)
    journal(turn, 'placement', [component, `${component}.${slot}`], text);
  return slots;
}

function isRestless({ membership }: Core, { now }: Turn): boolean {
  for (const [id, member] of membersOf(membership))
    if (mayTurn(flapsOf(membership, id), member, now)) return true;
  return false;
}

const isAsBefore = (
  current: Component,
  next: ReturnType<typeof concluded> & { readonly run: Run | undefined },
): boolean =>
  current.revision === next.revision &&
  sameData(current.slots, next.slots) &&
  sameData(current.spec, next.spec) &&
  sameData(current.rollout ?? {}, next.rollout ?? {}) &&
  sameData(current.history, next.history) &&
  sameData(current.run, next.run);

type Change = Pick<RolloutRequest, 'component' | 'wanted' | 'current' | 'at'> & {
  readonly hosts: readonly PlacementHost[];
};

function courseOf(core: Core, turn: Turn, { hosts, ...change }: Change): Course {
  const { component, current } = change;
  const watch = core.watches.get(component) ?? createWatch();
  core.watches.set(component, watch);
  const ownOn = (id: HostId): readonly number[] =>
    (current?.slots ?? []).filter(({ host }) => host === id).map(({ slot }) => slot);
  return rollOut({
    ...change,
    reportOf: ({ slot, host }) =>
      know(core).alive.includes(host) ? reported(core, component, slot, host) : undefined,
    isAlive: (id) => hosts.some((host) => host.id === id && host.alive),
    hasRoom: (spec) => hosts.some((host) => whyNotPlace(spec, host, ownOn(host.id)) === undefined),
    watch,
    now: turn.now,
  });
}

/** Of a job: the present run goes on as long as its revision is wanted. */
function runOf(
  { spec: stack, since }: Stack,
  spec: ComponentSpec,
  current: Component | undefined,
): Run | undefined {
  if (spec.job === undefined || stack === undefined) return undefined;
  const revision = revisionOf(spec, stack);
  return current?.run?.revision === revision ? current.run : { revision, since };
}

/** What has ended in another run is to be run anew. */
const slotsIn = (current: Component, run: Run | undefined): readonly Slot[] =>
  run === undefined || current.run !== run
    ? current.slots.map(({ ended: _was, ...slot }) => slot)
    : current.slots;

/** Of a job: what the host has said of the slot in this run. It may have been its last word. */
export function progressOf(
  core: Core,
  component: ComponentId,
  run: Run | undefined,
  slot: number,
  host: HostId,
): Progress {
  const report = entriesOf(core.inventories, host).get(instanceEntry(component, slot));
  if (run === undefined || report?.kind !== 'instance') return 'none';
  if (report.revision !== runRevision(run) || report.state === 'pending') return 'none';
  const { attempt, exitCode, isOver } = report;
  if (isOver !== true) return isGoingOn(report) ? 'busy' : 'begun';
  const state = report.state === 'complete' ? 'complete' : 'failed';
  return { state, attempt, ...(exitCode === undefined ? {} : { exitCode }) };
}

/** A host that the slot was taken from is alive and still runs it. */
function saysItRuns(core: Core, component: ComponentId, slot: number, host: HostId): boolean {
  if (!know(core).alive.includes(host)) return false;
  return reported(core, component, slot, host)?.isRival === true;
}

function reported(
  core: Core,
  component: ComponentId,
  slot: number,
  host: HostId,
): InstanceReport | undefined {
  const report = entriesOf(core.inventories, host).get(instanceEntry(component, slot));
  return report?.kind === 'instance' ? report : undefined;
}

/** The host has asked its engine to start it, and the engine is silent. */
function isStuck(core: Core, component: ComponentId, slot: number, host: HostId): boolean {
  const facts = entriesOf(core.inventories, host).get(HOST_ENTRY);
  if (facts?.kind !== 'host' || facts.engineSilentAfterMs === undefined) return false;
  const report = reported(core, component, slot, host);
  return report !== undefined && UNDER_WAY.has(report.state);
}

const UNDER_WAY: ReadonlySet<InstanceState> = new Set(['preparing', 'starting']);

/** Every member as placement sees it: its facts, and what all other components put there. */
function placementHosts(
  core: Core,
  turn: Turn,
  component: ComponentId,
  spec: ComponentSpec,
): readonly PlacementHost[] {
  const { assignments, loads } = know(core);
  const own = assignments.get(component);
  const ownSlots = own === undefined || own.isVoid ? [] : own.component.slots;
  const others = [...loads].map(([id, { slotCount, portsTaken, reserved }]): [HostId, Load] => {
    const ownCount = ownSlots.filter((slot) => holdersOf(slot).includes(id)).length;
    const load = {
      slotCount: slotCount - ownCount,
      portsTaken: portsTaken.filter(({ by }) => by !== component),
      reserved: reservedWith(reserved, own?.component.spec ?? {}, -ownCount),
    };
    return [id, load];
  });
  const neighborsOn = neighborsBy(spec, stackOf(component), (other) => {
    const known = assignments.get(other);
    return known?.isVoid === true ? undefined : known?.component;
  });
  return hostsUnder(core, turn.now, new Map(others), neighborsOn);
}

/** Every member, with the load that others put there, and those that the component follows. */
export function hostsUnder(
  core: Core,
  now: Instant,
  loads: ReadonlyMap<HostId, Load>,
  neighborsOn: (host: HostId) => readonly Neighbor[],
): readonly PlacementHost[] {
  const { members, alive, leaving } = know(core);
  return members.map(({ id, name, labels, availability }) => {
    const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
    const load = loads.get(id) ?? NO_LOAD;
    const member = membersOf(core.membership).get(id);
    const restless =
      member === undefined ? undefined : whyRestless(flapsOf(core.membership, id), member, now);
    return {
      id,
      name,
      alive: alive.includes(id) || member?.health === 'suspect',
      ...(member?.backBy === undefined ? {} : { awaited: true }),
      ...(restless === undefined ? {} : { restless }),
      ...(leaving.has(id) ? { leaving: true } : {}),
      ...load,
      neighbors: neighborsOn(id),
      ...(availability === undefined ? {} : { availability }),
      ...(facts?.kind === 'host'
        ? { facts: { ...facts, labels: mergedLabels(facts.labels, labels) } }
        : {}),
    };
  });
}
