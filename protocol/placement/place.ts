/**
 * Which host fills which slot of one component. Pure: the same request, the same answer, anywhere.
 *
 *  1. A slot stays where it is while its host is alive and can still run it; what is moved to balance
 *     is no matter of this (`rebalance.ts`).
 *  2. A slot whose host is dead moves; while no other host fits, it stays assigned there, so that
 *     nothing is stopped when the host returns. The same for one that leaves the cluster, and for a
 *     replicated slot that an engine was asked to start before it fell silent.
 *     A host that reboots counts as dead; what has a named volume stays with it until it is to be back.
 *  3. Replicated slots are numbered 1 to `replicas`; what is too many goes from the top.
 *  4. A global component has one slot on each alive host that fits, or as many as find room there
 *     (`fill`); numbers stay with their hosts.
 *     Under the brake (`brake.ts`) only so many move, the others wait where they are.
 *  5. Of the hosts that fit: those that do not flap, then the emptiest group by what the component is
 *     spread over (`spread.ts`), fewest slots of this component, fewest slots in all, and the
 *     rendezvous order of the slot.
 *  6. Before all that, of a slot that several hosts run, one is chosen (`heal.ts`).
 *  7. A slot of a job that has ended stays as it is, whatever becomes of its host. One that is under way
 *     leaves an alive host only when its attempt has ended there. A global job is run on no other host; of
 *     one that is not to be tried again, what was begun on a host that is gone has failed with it.
 */
import type { HostId } from '../base/ids.ts';
import { choose, sift } from './choose.ts';
import {
  assign,
  conclude,
  decide,
  type Draft,
  emptySeating,
  fromWhom,
  handingOf,
  isGone,
  type Leaver,
  ownOn,
  type Placement,
  type PlaceRequest,
  replicasOf,
  withhold,
} from './draft.ts';
import { placeEverywhere } from './everywhere.ts';
import { DRAINED, specAt } from './fit.ts';
import { handsOver } from './handover.ts';
import { rivalsAfter } from './heal.ts';
import { isLost } from './job.ts';
import { isAskedOnly, keep } from './keep.ts';
import { reasonsOf, type Rejection, slotsThere, volumesLeft } from './reasons.ts';

export type { Decision, Placement, PlaceRequest } from './draft.ts';
export type { PlacementHost } from './fit.ts';

export function place(request: PlaceRequest): Placement {
  const draft: Draft = {
    ...emptySeating(request),
    own: new Map(),
    returned: new Set(),
    slots: [],
    decisions: [],
    moved: 0,
    withheld: 0,
  };
  const leavers = keep(draft);
  if (request.spec.mode !== 'global') placeReplicated(draft, leavers);
  else {
    const rejected = placeEverywhere(draft, leavers);
    if (draft.slots.length === 0) stayOut(draft, 1, undefined, rejected);
  }
  if (draft.withheld > 0) decideWithheld(draft);
  const slots = draft.slots.sort((a, b) => a.slot - b.slot);
  const decisions = draft.decisions.sort((a, b) => a.slot - b.slot);
  return { slots, decisions, moved: draft.moved, withheld: draft.withheld };
}

function placeReplicated(draft: Draft, leavers: readonly Leaver[]): void {
  const kept = new Set(draft.slots.map(({ slot }) => slot));
  const leaving = new Map(leavers.map((leaver) => [leaver.slot, leaver]));
  for (let slot = 1; slot <= replicasOf(draft.request.spec); slot++)
    if (!kept.has(slot) && !withhold(draft, leaving.get(slot)) && !giveUp(draft, leaving.get(slot)))
      placeSlot(draft, slot, leaving.get(slot));
}

function placeSlot(draft: Draft, slot: number, leaver: Leaver | undefined): void {
  const { component } = draft.request;
  const { fitting, rejected } = sift(draft, specAt(draft.request, leaver));
  const name = `${component}.${slot}`;
  const from = leaver === undefined ? '' : ` from ${leaver.host} (${leaver.why})`;
  const choice = choose(draft, slot, fitting);
  if (choice === undefined) return stayOut(draft, slot, leaver, rejected);
  const { chosen, others } = choice;
  const counts = `${slotsThere(ownOn(draft, chosen.id).length, chosen.slotCount)}, the fewest`;
  const left = leaver === undefined ? '' : volumesLeft(draft.request.spec, leaver.host);
  const giver = leaver === undefined ? undefined : giverOf(draft, leaver);
  const until = giver === undefined ? '' : `; ${giver} runs it until then`;
  const text = `${name} ${leaver === undefined ? 'goes' : 'moves'}${from} to ${chosen.id}: ${counts}${left}${until}`;
  if (leaver !== undefined && isGone(draft, leaver)) draft.moved += 1;
  assign(draft, {
    slot,
    host: chosen.id,
    left: leaver === undefined ? [] : leftBehind(draft, leaver, chosen.id),
    ...fromWhom(giver),
  });
  decide(draft, leaver === undefined ? 'placed' : 'moved', slot, text, chosen.id, [
    ...rejected,
    ...others,
  ]);
}

/** Who runs it until it is served elsewhere. */
function giverOf(draft: Draft, { slot, host, from, why }: Leaver): HostId | undefined {
  if (from !== undefined || why !== DRAINED) return from;
  return handsOver(handingOf(draft), slot, host) ? host : undefined;
}

/** Who may still run it: a host that is gone for good, or cannot run it, does not. */
function leftBehind({ request, hosts }: Draft, leaver: Leaver, to: HostId): readonly HostId[] {
  if (isGone({ hosts }, leaver)) return rivalsAfter(request.spec, leaver, to);
  return (leaver.left ?? []).filter((host) => host !== to);
}

/** It is not to be tried again, and nobody will hear how it ended. */
function giveUp(draft: Draft, leaver: Leaver | undefined): boolean {
  if (leaver === undefined || draft.hosts.get(leaver.host)?.alive === true) return false;
  if (!isLost(draft.request, leaver.slot, leaver.host)) return false;
  conclude(draft, leaver, { state: 'failed' });
  return true;
}

function decideWithheld(draft: Draft): void {
  const { component } = draft.request;
  const [first] = draft.slots.filter((slot) => slot.ended === undefined && isGone(draft, slot));
  const many =
    draft.withheld === 1 ? '1 slot stays on its' : `${draft.withheld} slots stay on their`;
  const text = `${component}: ${many} dead hosts for now, since most peers vanished at once`;
  decide(draft, 'withheld', first?.slot ?? 1, text, first?.host);
}

/** No host fits (2). */
function stayOut(
  draft: Draft,
  slot: number,
  leaver: Leaver | undefined,
  rejected: readonly Rejection[],
): void {
  const name = `${draft.request.component}.${slot}`;
  const all = reasonsOf(rejected);
  const host = leaver === undefined ? undefined : draft.hosts.get(leaver.host);
  if (leaver?.from !== undefined) {
    // It has not gone yet.
    assign(draft, { slot, host: leaver.from, left: leftBehind(draft, leaver, leaver.from) });
    const text = `${name} stays on ${leaver.from}, since it fits nowhere else: ${all}`;
    return decide(draft, 'unplaceable', slot, text, leaver.from, rejected);
  }
  const isAsked = host?.leaving === true || (leaver !== undefined && isAskedOnly(leaver.why));
  if (host === undefined || (host.alive && !isAsked))
    return decide(draft, 'unplaceable', slot, `${name} fits nowhere: ${all}`, undefined, rejected);
  assign(draft, { slot, host: host.id, left: leaver?.left ?? [] });
  const text = `${name} waits for ${host.id}, since it fits nowhere else: ${all}`;
  decide(draft, 'unplaceable', slot, text, host.id, rejected);
}
