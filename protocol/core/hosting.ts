/**
 * What this host is to run by the committed assignments it knows, and whether it may start it now.
 *
 *  R9 First start of a slot: only on a revision told by its leader since this agent started. Restart of
 *     an instance that ran here: always. Without a quorum after a start: what ran here before, after
 *     `isolatedStartMs`.
 */
import { type ComponentId, componentKey, componentOf, stackOf } from '../base/ids.ts';
import { after } from '../base/time.ts';
import { waitsFor } from '../component/dependency.ts';
import { revisionOf, specDigest } from '../component/digest.ts';
import { hasQuorum } from '../lease/links.ts';
import type { Leases } from '../lease/leases.ts';
import { compareRevision } from '../record/record.ts';
import { type DesiredSlot, hasBeenHere, hasRun, reconcile } from '../reconcile/slots.ts';
import type { Turn } from '../turn.ts';
import { know } from './know.ts';
import type { Assignment } from './knowledge.ts';
import type { Core } from './state.ts';

/** How recent an acknowledgment of a quorum must be to count as contact. */
export const QUORUM_FRESH_MS = 1000;

export function hasFreshQuorum(core: Core, leases: Leases, turn: Turn): boolean {
  return hasQuorum(leases.links, turn, core.council.roster, QUORUM_FRESH_MS as never);
}

/** One look at what is wanted here and what the engine reports; at most one step per slot follows. */
export function host(core: Core, leases: Leases, turn: Turn): void {
  const { assignments, stacks, here } = know(core);
  const desired = here.map(({ assignment, slot }) =>
    desiredSlot(core, leases, turn, assignment, slot),
  );
  const wanted = new Set(desired.map(({ component, slot }) => `${component}/${slot}`));
  reconcile(core.slots, turn, {
    desired,
    // Of a component we know nothing about, nothing is touched: its record may be on its way.
    unwanted: (component, slot) =>
      !wanted.has(`${component}/${slot}`) &&
      (assignments.has(component) || stacks.get(stackOf(component))?.stack.spec === undefined) &&
      stacks.has(stackOf(component)),
    holdStarts: turn.now < core.heldBackUntil,
  });
}

function desiredSlot(
  core: Core,
  leases: Leases,
  turn: Turn,
  { component: { component, spec }, revision }: Assignment,
  slot: number,
): DesiredSlot {
  const stack = know(core).stacks.get(stackOf(component))?.stack.spec;
  const ran = hasRun(core.slots, component, slot);
  const mayStart = ran || allowed(core, leases, turn, { component, slot, revision });
  const waiting = ran ? undefined : missing(core, component);
  return {
    component,
    slot,
    spec,
    revision: stack === undefined ? specDigest(spec) : revisionOf(spec, stack),
    term: revision.term,
    mayStart,
    ...(mayStart
      ? waiting === undefined
        ? {}
        : { waitsFor: waiting }
      : { waitsFor: 'waits for its leader to confirm the assignment' }),
  };
}

type First = {
  readonly component: ComponentId;
  readonly slot: number;
  readonly revision: Assignment['revision'];
};

function allowed(
  core: Core,
  leases: Leases,
  turn: Turn,
  { component, slot, revision }: First,
): boolean {
  const told = core.authorized.get(componentKey(component));
  if (told !== undefined && compareRevision(told, revision) >= 0) return true;
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
  return waitsFor(component, spec, present);
}
