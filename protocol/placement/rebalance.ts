/**
 * Which slot of a component moves for nothing but a better distribution, where its users ask for it. Pure;
 * asked by the component's leader once all has been calm for long (`../core/balance.ts`), for one slot.
 *
 *     A has most ──B2──▶ B has it, from A ──B runs it, and is well (`handover.ts`)──▶ B has it
 *
 *  B1 Only where it is asked for, and only of what two may run.
 *  B2 Only after a calm, and one slot; then the calm begins anew.
 *  B3 Only to a host that, without the slot, is strictly better than its own by what the component is spread
 *     over, or by the number of its slots there. So the way back is never better. What others have there
 *     chooses among equals and moves nothing: two components that went by each other could chase each other.
 *  B4 Only by being handed over; and nobody who follows the component has to move by that.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { Slot } from '../record/record.ts';
import { choose, compareHosts, compareOwn, sift } from './choose.ts';
import {
  type Decision,
  decisionOf,
  emptySeating,
  ownOn,
  type PlaceRequest,
  type Seating,
} from './draft.ts';
import type { PlacementHost } from './fit.ts';
import { mayOverlap } from './handover.ts';
import { seated } from './heal.ts';
import type { Followers } from './neighbor.ts';
import type { Rejection } from './reasons.ts';
import { fullerGroup, spreadOf } from './spread.ts';

/** B1 */
export const mayRebalance = (spec: ComponentSpec): boolean =>
  spec.placement?.rebalance === true && mayOverlap(spec);

export type Shift = { readonly slots: readonly Slot[]; readonly decision: Decision };

/** `request.current` is where they are, and all of them are well. Undefined: they may stay. */
export function rebalance(request: PlaceRequest, followers: Followers): Shift | undefined {
  const seating = seatingOf(request);
  const sifted = sift(seating, request.spec);
  const steady = sifted.fitting.filter(({ restless }) => restless === undefined);
  const takers = steady.filter(({ id }) => !followers.apart.has(id));
  for (const giver of fullestFirst(seating)) {
    const isLast = ownOn(seating, giver.id).length === 1;
    if (isLast && followers.near.has(giver.id)) continue;
    const shift = shiftFrom(seating, giver, takers, sifted.rejected);
    if (shift !== undefined) return shift;
  }
  return undefined;
}

function seatingOf(request: PlaceRequest): Seating {
  const own = new Map<HostId, readonly number[]>();
  for (const { slot, host } of request.current) own.set(host, [...(own.get(host) ?? []), slot]);
  return { ...emptySeating(request), own };
}

/** Those that have any of its slots. */
function fullestFirst(seating: Seating): readonly PlacementHost[] {
  const spread = spreadOf(seating.groups, seating.own);
  const givers = [...seating.hosts.values()].filter(({ id }) => seating.own.has(id));
  return givers.sort((a, b) => compareHosts(seating, spread, b, a));
}

/** The newest of its slots there goes. */
function shiftFrom(
  seating: Seating,
  giver: PlacementHost,
  takers: readonly PlacementHost[],
  rejected: readonly Rejection[],
): Shift | undefined {
  const { request, groups, own } = seating;
  const slot = Math.max(...ownOn(seating, giver.id));
  const others = ownOn(seating, giver.id).filter((each) => each !== slot);
  const without = { ...seating, own: new Map(own).set(giver.id, others) };
  const spread = spreadOf(groups, without.own);
  const better = takers.filter((taker) => compareOwn(without, spread, taker, giver) < 0);
  const choice = choose(without, slot, better);
  if (choice === undefined) return undefined;
  const { chosen } = choice;
  const name = `${request.component}.${slot}`;
  const why = `${countOn(seating, giver, chosen)}, ${countOn(seating, chosen, giver)}`;
  const text = `${name} moves from ${giver.id} to ${chosen.id} to balance: ${why}; ${giver.id} runs it until then`;
  const slots = request.current.map((each) =>
    each.slot === slot
      ? seated(
          slot,
          chosen.id,
          (each.left ?? []).filter((id) => id !== chosen.id),
          giver.id,
        )
      : each,
  );
  const passed = [...rejected, ...choice.others];
  return { slots, decision: decisionOf('moved', slot, text, chosen.id, passed) };
}

/** By what a host differs from the other one. */
function countOn(seating: Seating, host: PlacementHost, other: PlacementHost): string {
  const spread = spreadOf(seating.groups, seating.own);
  const group = fullerGroup(seating.request.spec, spread, host, other.id);
  return group ?? `${ownOn(seating, host.id).length} of its slots on ${host.id}`;
}
