/**
 * When the leader of a component moves one of its slots for nothing but balance (`../placement/rebalance.ts`):
 * after a calm of `rebalanceMs` that it has seen itself, without a break.
 *
 *     something is under way ──nothing is──▶ calm ──rebalanceMs──▶ one slot moves ──▶ something is under way
 *
 * Calm (B2): every slot is where it is to be and runs, well, what it is to run; no rollout is under way,
 * stands still or is held, nothing is handed over; all members are alive, each as long as that; no brake.
 * A leader's calm ends with its lease: the next one begins anew.
 */
import { type ComponentId, componentId, componentOf, stackOf } from '../base/ids.ts';
import { after, earlier, type Instant, later, NEVER } from '../base/time.ts';
import { flapsOf, membersOf, steadyAt } from '../membership/membership.ts';
import { isServing } from '../placement/handover.ts';
import { type Followers, followersOf } from '../placement/neighbor.ts';
import type { Placement, PlaceRequest } from '../placement/place.ts';
import { mayRebalance, rebalance, type Shift } from '../placement/rebalance.ts';
import type { Component } from '../record/record.ts';
import { isUnderWay } from '../rollout/draft.ts';
import type { Course } from '../rollout/rollout.ts';
import type { Turn } from '../turn.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

export type Balance = {
  readonly shift?: Shift;
  /** When one may be moved, if all stays calm. */
  readonly dueAt?: Instant;
  readonly calmSince?: Instant;
};

/** What a leader has before it that has nothing else to change. */
export type Rest = {
  readonly request: PlaceRequest;
  /** By which nothing changes. */
  readonly placement: Placement;
  readonly course: Course;
  readonly current: Component;
  /** At its last look. */
  readonly calmSince: Instant | undefined;
};

export function balance(core: Core, turn: Turn, rest: Rest): Balance {
  const { request, current } = rest;
  const alive = allAliveSince(core);
  if (!mayRebalance(request.spec) || alive === undefined || !isCalm(core, rest)) return {};
  const calmSince = rest.calmSince ?? turn.now;
  const dueAt = after(later(calmSince, alive), turn.config.rebalanceMs);
  if (turn.now < dueAt) return { dueAt, calmSince };
  const placed = { ...request, current: current.slots };
  const shift = rebalance(placed, followersIn(core, request.component));
  if (shift !== undefined) return { shift };
  const steady = nextSteadyAt(core, turn.now);
  return { calmSince, ...(steady && { dueAt: steady }) };
}

function isCalm({ brake }: Core, { request, placement, course, current }: Rest): boolean {
  const { slots, revision } = current;
  // Something is to go and fits nowhere.
  if (placement.decisions.length > 0) return false;
  if (brake.phase !== 'free' || course.halted || course.extra > 0) return false;
  if (slots.length < request.spec.replicas || slots.some(isUnderWay)) return false;
  return slots.every(({ slot, host, from }) => {
    const report = request.reported(slot, host);
    if (from !== undefined || report === undefined || !isServing(report)) return false;
    return revision === undefined || report.revision === revision;
  });
}

/** Undefined: one of the others is not, or was never heard. */
function allAliveSince({ membership }: Core): Instant | undefined {
  let alive = NEVER;
  for (const { health, since, lastHeardAt } of membersOf(membership).values()) {
    if (health !== 'alive' || lastHeardAt === NEVER) return undefined;
    alive = later(alive, since);
  }
  return alive;
}

/** When time alone lets another host be given slots again. */
function nextSteadyAt({ membership }: Core, now: Instant): Instant | undefined {
  let next: Instant | undefined;
  for (const [id, member] of membersOf(membership)) {
    const at = steadyAt(flapsOf(membership, id), member);
    if (at > now) next = earlier(next, at);
  }
  return next;
}

function followersIn(core: Core, component: ComponentId): Followers {
  const { stacks, assignments } = know(core);
  const stack = stackOf(component);
  const components = stacks.get(stack)?.stack.spec?.components ?? [];
  return followersOf(componentOf(component), components, (name) => {
    const known = assignments.get(componentId(stack, name));
    return known?.isVoid === true ? undefined : known?.component;
  });
}
