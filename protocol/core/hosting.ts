/**
 * What this host is to run by the committed assignments it knows, and whether it may start it now.
 *
 *  R9 First start of a slot: only on a revision told by its leader since this agent started. Restart of
 *     an instance that ran here: always. Without a quorum after a start: what ran here before, after
 *     `isolatedStartMs`, if its contract is to keep what an isolated host runs.
 */
import { type ComponentId, componentKey, componentOf, stackOf } from '../base/ids.ts';
import { after } from '../base/time.ts';
import { type JobRecord, waitsFor } from '../component/dependency.ts';
import { revisionOf, runRevision, specDigest } from '../component/digest.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { hasQuorum } from '../lease/links.ts';
import type { Leases } from '../lease/leases.ts';
import { type Component, compareRevision, type Slot } from '../record/record.ts';
import {
  type DesiredSlot,
  hasBeenHere,
  hasRun,
  reconcile,
  type RivalSlot,
} from '../reconcile/slots.ts';
import type { Turn } from '../turn.ts';
import { createEnder } from './ending.ts';
import { createFinder } from './finding.ts';
import { isolationOf, noteIsolation } from './isolation.ts';
import { know } from './know.ts';
import type { Assignment, SeatHere } from './knowledge.ts';
import type { Core } from './state.ts';
import { leaseOf } from './strict.ts';

/** How recent an acknowledgment of a quorum must be to count as contact. */
export const QUORUM_FRESH_MS = 1000;

export function hasFreshQuorum(core: Core, leases: Leases, turn: Turn): boolean {
  return hasQuorum(leases.links, turn, core.council.roster, QUORUM_FRESH_MS as never);
}

/** One look at what is wanted here and what the engine reports; at most one step per slot follows. */
export function host(core: Core, leases: Leases, turn: Turn): void {
  const { assignments, stacks, isDismissed } = know(core);
  // What a host was given before it became a witness has perhaps nowhere else to go.
  const here = core.identity.facts.runs === 'nothing' ? [] : know(core).here.filter(isKept(core));
  noteIsolation(core, leases, turn);
  const ender = createEnder(core, turn);
  const finder = createFinder(core, turn);
  const desired = here.map((seat): DesiredSlot => {
    const slot = desiredSlot(core, leases, turn, seat);
    const { reach, wait } = finder.find(slot.component, seat.spec);
    const isFree = slot.waitsFor === undefined && slot.ended === undefined;
    const awaits = isFree && wait && { waitsFor: wait.why, waitsUntil: wait.until };
    return { ...slot, ...(reach && { reach }), ...awaits };
  });
  reconcile(core.slots, turn, {
    desired,
    // Of a component we know nothing about, nothing is touched: its record may be on its way.
    unwanted(component) {
      const stack = stacks.get(stackOf(component))?.stack;
      if (isDismissed || stack === undefined) return isDismissed;
      return assignments.has(component) || stack.spec === undefined;
    },
    waitOf: ender.waitOf,
    rivals: rivalsOf(core, turn),
    leaseOf: (component, slot) => leaseOf(core, leases, turn, component, slot),
    holdStarts: turn.now < core.heldBackUntil,
  });
  core.endings = ender.asked;
  core.finds = finder.asked;
}

/** Not what is strict, where the agent is to end (X9). */
const isKept =
  ({ guarding }: Core) =>
  ({ spec }: SeatHere): boolean =>
    !guarding.yields || spec.singleton !== 'strict';

function desiredSlot(
  core: Core,
  leases: Leases,
  turn: Turn,
  { assignment, slot, host: assigned, spec, revision: given, ports }: SeatHere,
): DesiredSlot {
  const { component } = assignment.component;
  const { revision } = assignment;
  const ran = hasRun(core.slots, component, slot);
  const isOurs = assigned === turn.self;
  const mayStart =
    ran || (isOurs && allowed(core, leases, turn, { component, slot, revision, spec }));
  const isolation = isolationOf(core, turn, spec);
  const ended = assignment.component.slots.find((each) => each.slot === slot)?.ended;
  const waiting =
    ended !== undefined
      ? undefined
      : !mayStart
        ? isOurs
          ? 'waits for its leader to confirm the assignment'
          : 'is handed over to another host'
        : isolation !== undefined
          ? 'waits until this host hears a quorum of the voters'
          : ran
            ? undefined
            : missing(core, component);
  return {
    component,
    slot,
    spec,
    revision: given ?? wantedRevision(core, assignment.component),
    term: revision.term,
    mayStart,
    ...(ports === undefined ? {} : { ports }),
    ...(waiting === undefined ? {} : { waitsFor: waiting }),
    ...(ended === undefined ? {} : { ended }),
    ...(isolation === undefined ? {} : { isolation }),
  };
}

function wantedRevision(core: Core, { component, spec, run }: Component): string {
  if (run !== undefined) return runRevision(run);
  const stack = know(core).stacks.get(stackOf(component))?.stack.spec;
  return stack === undefined ? specDigest(spec) : revisionOf(spec, stack);
}

/** Slots that others have now, whose instances here the leader has yet to decide on. */
function rivalsOf(core: Core, turn: Turn): readonly RivalSlot[] {
  return know(core).rivals.map(({ assignment, slot, spec, revision: given }) => {
    const { component } = assignment.component;
    const isolation = isolationOf(core, turn, spec);
    const revision = given ?? wantedRevision(core, assignment.component);
    return { component, slot, revision, ...(isolation === undefined ? {} : { isolation }) };
  });
}

type First = {
  readonly component: ComponentId;
  readonly slot: number;
  readonly revision: Assignment['revision'];
  readonly spec: ComponentSpec;
};

function allowed(
  core: Core,
  leases: Leases,
  turn: Turn,
  { component, slot, revision, spec }: First,
): boolean {
  const told = core.authorized.get(componentKey(component));
  if (told !== undefined && compareRevision(told, revision) >= 0) return true;
  if (spec.onIsolation !== undefined) return false;
  const alone = turn.now >= after(core.startedAt, core.config.isolatedStartMs);
  return alone && hasBeenHere(core.slots, component, slot) && !hasFreshQuorum(core, leases, turn);
}

/** The first dependency that is not met, in words. */
function missing(core: Core, component: ComponentId): string | undefined {
  const { stacks, reports, alive } = know(core);
  const spec = stacks.get(stackOf(component))?.stack.spec;
  const own = spec?.components.find(({ name }) => name === componentOf(component));
  if (spec === undefined || own === undefined || own.dependsOn.length === 0) return undefined;
  // What a dead host last said of its instances meets nobody's needs.
  const present = reports.filter(({ host: reporter }) => alive.includes(reporter));
  return waitsFor(component, spec, present, (id) => jobOf(core, id));
}

function jobOf(core: Core, id: ComponentId): JobRecord | undefined {
  const { assignments, alive } = know(core);
  const known = assignments.get(id);
  if (known === undefined || known.isVoid) return undefined;
  const { run, slots, spec } = known.component;
  if (run === undefined) return undefined;
  const isHeard = ({ host: at, ended }: Slot): boolean =>
    spec.mode !== 'global' || ended !== undefined || alive.includes(at);
  return { run, slots: slots.filter(isHeard) };
}
