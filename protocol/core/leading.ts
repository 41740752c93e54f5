/**
 * What this host does for the keys it leads: reads and commits their records, decides who is a member
 * and who fills which slot, and tells everyone what was committed. Leaders act through records only.
 */
import {
  componentOf,
  componentOfKey,
  type ComponentId,
  type HostId,
  type Key,
  ROSTER_KEY,
  stackKey,
  stackOf,
} from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { onCommitted, onLeadershipLost } from '../command/deploys.ts';
import { revisionOf, runRevision, sameSpec } from '../component/digest.ts';
import { mergedLabels } from '../component/label.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { entriesOf } from '../inventory/inventories.ts';
import { HOST_ENTRY, instanceEntry, type InstanceReport, isGoingOn } from '../inventory/entry.ts';
import { classOf } from '../lease/class.ts';
import { acquire, isHeld } from '../lease/holder.ts';
import type { Leases } from '../lease/leases.ts';
import { flapsOf, membersOf, whyRestless } from '../membership/membership.ts';
import { movesLeft, noteMoves } from '../placement/brake.ts';
import { whyNotPlace } from '../placement/fit.ts';
import type { Progress } from '../placement/job.ts';
import { place, type PlacementHost } from '../placement/place.ts';
import { reservedWith } from '../placement/room.ts';
import type { Burials } from '../record/burial.ts';
import { committedOf, mergeCommitted } from '../record/committed.ts';
import { push, pushAlso } from '../record/pusher.ts';
import {
  type Committed,
  compareRevision,
  type Component,
  type RecordValue,
  type Run,
  type Slot,
  type Stack,
} from '../record/record.ts';
import {
  createWriter,
  type Ground,
  isServing,
  reread,
  resend,
  write,
  type Writer,
} from '../record/writer.ts';
import { atOnce, concluded, type Course, rollOut } from '../rollout/rollout.ts';
import { createWatch, type RolloutRequest } from '../rollout/draft.ts';
import { specOf } from '../rollout/version.ts';
import { journal, persist, type Turn } from '../turn.ts';
import type { InstanceState } from '../view/view.ts';
import { holdersOf, know } from './know.ts';
import { type Load, NO_LOAD } from './knowledge.ts';
import type { Core } from './state.ts';

/** The writer of a key whose lease we hold at this moment (R4). */
export function writerOf(core: Core, leases: Leases, turn: Turn, key: Key): Writer | undefined {
  const writer = core.writers.get(key);
  if (writer === undefined) return undefined;
  return isHeld(leases.holder, leases.links, turn, core.council.roster, key) ? writer : undefined;
}

/** One writer per key held, none for others; each repeats what is unanswered. */
export function tendWriters(core: Core, leases: Leases, turn: Turn): void {
  const { roster } = core.council;
  for (const key of core.writers.keys()) {
    if (writerOf(core, leases, turn, key) !== undefined) continue;
    core.writers.delete(key);
    core.decided.delete(key);
    core.pusher.delete(key);
    const component = componentOfKey(key);
    if (component !== undefined) {
      core.explained.delete(component);
      core.watches.delete(component);
    }
    onLeadershipLost(core.deploys, key);
    journal(turn, 'lease', [key], 'leads it no longer');
  }
  for (const [key, hold] of sorted(leases.holder.holds)) {
    if (classOf(key) === 'strict') continue; // a slot has no record
    if (hold.term === undefined || !isHeld(leases.holder, leases.links, turn, roster, key))
      continue;
    const writer = core.writers.get(key);
    if (writer === undefined) {
      core.writers.set(key, createWriter(key, hold.term, turn, roster));
      journal(turn, 'lease', [key], `leads it under term ${hold.term}`);
    } else if (writer.phase === 'outbid') {
      // R6: read again under the present term; if that is not higher yet, raise the ballot first.
      if (hold.term > writer.term) reread(writer, turn, roster, hold.term);
      else if (turn.now >= writer.resendAt) {
        writer.resendAt = after(turn.now, turn.config.retryMs);
        acquire(leases.holder, leases.links, turn, roster, [key]);
      }
    } else if (turn.now >= writer.resendAt) {
      resend(writer, turn, roster);
    }
  }
}

/** What a record is at first; only the list of members is never empty. */
export function groundOf({ identity, committed }: Core, key: Key): Ground {
  const { burials } = committed;
  return {
    initial: initialValue(identity, burials, key),
    known: committedOf(committed, key),
    burials,
  };
}

function initialValue(
  { host: id, name, peerId }: Core['identity'],
  burials: Burials,
  key: Key,
): RecordValue | undefined {
  if (key === ROSTER_KEY) return { kind: 'members', members: [{ id, name, peerId }] };
  const burial = burials.get(key.slice('stack/'.length));
  if (burial === undefined || key !== stackKey(burial.stack)) return undefined;
  // A buried stack begins as it ended: what was assigned in its former lives stays void.
  return { kind: 'stack', life: burial.life, since: burial.revision };
}

/** A quorum has it, whoever leads by now: remember it, and answer whoever waits (R4, R5). */
export function noteCommitted(core: Core, turn: Turn, record: Committed): void {
  learn(core, turn, record);
  onCommitted(core.deploys, turn, record);
}

/** Its leader tells everyone, itself among them (R9). */
export function announce(core: Core, turn: Turn, record: Committed): void {
  if (record.value.kind === 'component') core.authorized.set(record.key, record.revision);
  push(
    core.pusher,
    turn,
    record,
    know(core).alive.filter((host) => host !== turn.self),
  );
}

/** Takes a committed record over, from wherever it came; keeps it across restarts. */
export function learn(core: Core, turn: Turn, record: Committed): void {
  if (mergeCommitted(core.committed, record)) keep(turn, record);
}

/** A committed record that has just been merged, across restarts. */
export const keep = (turn: Turn, record: Committed): void =>
  persist(turn, `committed/${record.key}`, record);

/** Every decision a leader owes at this moment, for each key it leads and serves. */
export function decide(core: Core, leases: Leases, turn: Turn): void {
  for (const [key, writer] of sorted(core.writers)) {
    if (!isServing(writer) || writerOf(core, leases, turn, key) === undefined) continue;
    const component = componentOfKey(key);
    if (component === undefined) continue;
    const knowledge = know(core);
    const decided = core.decided.get(key);
    const movesMax = movesLeft(core.brake, turn.now);
    const { record } = writer;
    if (
      decided?.knowledge === knowledge &&
      decided.record === record &&
      decided.movesMax === movesMax &&
      (decided.dueAt === undefined || turn.now < decided.dueAt)
    )
      continue;
    const { value, dueAt } = assign(core, turn, writer, component);
    core.decided.set(key, { knowledge, record, movesMax, dueAt });
    if (value !== undefined) write(writer, turn, core.council.roster, value);
  }
}

/** When a rollout that is led here goes on by itself. */
export function rolloutDeadline({ decided }: Core, { now }: Turn): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { dueAt } of decided.values())
    if (dueAt !== undefined && dueAt > now) deadline = earlier(deadline, dueAt);
  return deadline;
}

/** `value`: the component's record as it should be; absent: as it is. */
type Intent = { readonly value?: Component | undefined; readonly dueAt?: Instant | undefined };

function assign(core: Core, turn: Turn, writer: Writer, component: ComponentId): Intent {
  const { stacks } = know(core);
  const known = stacks.get(stackOf(component));
  const stack = known?.stack.spec;
  const spec = stack?.components.find(({ name }) => name === componentOf(component));
  // Gone: the key will be released.
  if (known === undefined || stack === undefined || spec === undefined) return {};
  const { life } = known.stack;
  const value = writer.record?.value;
  const stored = value?.kind === 'component' ? value : undefined;
  // The last leader knew a newer stack than we do: ours is on its way.
  if (stored !== undefined && compareRevision(stored.stackRevision, known.revision) > 0) return {};
  const current = stored?.life === life ? stored : undefined;
  const run = runOf(known.stack, spec, current);
  const before = current === undefined ? undefined : slotsIn(current, run);
  const wanted = { revision: run === undefined ? revisionOf(spec, stack) : runRevision(run), spec };
  const hosts = placementHosts(core, turn, component);
  // Jobs begin anew at once.
  const course =
    run !== undefined || current?.spec.job !== undefined
      ? atOnce(wanted, before ?? [])
      : courseOf(core, turn, { component, wanted, current, hosts, at: known.stack.at });
  const { target, extra } = course;
  const { slots, decisions, moved, withheld } = place({
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
  });
  noteMoves(core.brake, turn.now, moved, withheld);
  const text = JSON.stringify(decisions);
  if (core.explained.get(component) !== text) {
    core.explained.set(component, text);
    for (const decision of decisions)
      journal(turn, 'placement', [component, `${component}.${decision.slot}`], decision.text);
  }
  const next = concluded(course, slots, { current, stack: known.stack });
  for (const note of course.notes) journal(turn, 'rollout', [component], note);
  const { dueAt } = course;
  if (current !== undefined && isAsBefore(current, { ...next, run })) return { dueAt };
  const head = { kind: 'component', component, life, stackRevision: known.revision } as const;
  return { value: { ...head, ...next, ...(run === undefined ? {} : { run }) }, dueAt };
}

const isAsBefore = (
  current: Component,
  next: ReturnType<typeof concluded> & { readonly run: Run | undefined },
): boolean =>
  current.revision === next.revision &&
  sameSpec(current.slots, next.slots) &&
  sameSpec(current.spec, next.spec) &&
  sameSpec(current.rollout ?? {}, next.rollout ?? {}) &&
  sameSpec(current.history, next.history) &&
  sameSpec(current.run, next.run);

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
function placementHosts(core: Core, turn: Turn, component: ComponentId): readonly PlacementHost[] {
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
  return hostsUnder(core, turn.now, new Map(others));
}

/** Every member, with the load that others put there. */
export function hostsUnder(
  core: Core,
  now: Instant,
  loads: ReadonlyMap<HostId, Load>,
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
      ...(availability === undefined ? {} : { availability }),
      ...(facts?.kind === 'host'
        ? { facts: { ...facts, labels: mergedLabels(facts.labels, labels) } }
        : {}),
    };
  });
}

/** Tells a host that has just started, or come back, what it is to run (R9). */
export function tellReturned(core: Core, leases: Leases, turn: Turn): void {
  if (core.toldVersion === core.membership.version) return;
  core.toldVersion = core.membership.version;
  for (const [host, { health, boot, since }] of sorted(membersOf(core.membership))) {
    if (health !== 'alive') continue;
    const mark = `${boot}/${since}`;
    if (core.told.get(host) === mark) continue;
    core.told.set(host, mark);
    for (const [key, writer] of sorted(core.writers)) {
      if (writer.record === undefined || writerOf(core, leases, turn, key) === undefined) continue;
      pushAlso(core.pusher, turn, writer.record, host);
    }
  }
}
