/**
 * Which host fills which slot of one component. Pure: the same request, the same answer, anywhere.
 *
 *  1. A slot stays where it is while its host is alive and can still run it: nothing is rebalanced.
 *  2. A slot whose host is dead moves; while no other host fits, it stays assigned there, so that
 *     nothing is stopped when the host returns. The same for one that leaves the cluster, and for a
 *     replicated slot that an engine was asked to start before it fell silent.
 *     A host that reboots counts as dead; what has a named volume stays with it until it is to be back.
 *  3. Replicated slots are numbered 1 to `replicas`; what is too many goes from the top.
 *  4. A global component has one slot on each alive host that fits; numbers stay with their hosts.
 *     Under the brake (`brake.ts`) only so many move, the others wait where they are.
 *  5. Of the hosts that fit: those that do not flap, fewest slots of this component, then fewest
 *     slots in all, then the rendezvous order of the slot.
 *  6. Before all that, of a slot that several hosts run, one is chosen (`heal.ts`).
 *  7. A slot of a job that has ended stays as it is, whatever becomes of its host. One that is under way
 *     leaves an alive host only when its attempt has ended there. A global job is run on no other host; of
 *     one that is not to be tried again, what was begun on a host that is gone has failed with it.
 */
import type { ComponentId, HostId } from '../base/ids.ts';
import { compareText, rendezvous } from '../base/order.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { SLOTS_MAX } from '../limits.ts';
import type { Slot, SlotEnd } from '../record/record.ts';
import {
  crowdedOut,
  DRAINED,
  mayBeStuck,
  type PlacementHost,
  specAt,
  steadyOf,
  whyNotKeep,
  whyNotPlace,
} from './fit.ts';
import { handsOver, type Handing, isDone, type Reported, stillFrom } from './handover.ts';
import { heal, rivalsAfter, seated } from './heal.ts';
import { endOf, endText, isLost, type Progress, staysThere } from './job.ts';
import { REJECTED_MAX, reasonsOf, type Rejection, slotsThere, volumesLeft } from './reasons.ts';

export type { PlacementHost } from './fit.ts';

export type PlaceRequest = {
  readonly component: ComponentId;
  readonly spec: ComponentSpec;
  /** What a slot has while it waits for a rollout: it goes by that. Absent: `spec`. */
  readonly specOf?: (slot: Slot) => ComponentSpec;
  /** As last committed. */
  readonly current: readonly Slot[];
  /** Every member, ourselves included. */
  readonly hosts: readonly PlacementHost[];
  /** Who decides. */
  readonly leader: HostId;
  /** Whether a host that the slot was taken from is alive and says that it still runs it. */
  readonly runs: (slot: number, host: HostId) => boolean;
  /** Whether a host whose engine is silent has asked it to start the slot. */
  readonly isStuck: (slot: number, host: HostId) => boolean;
  readonly progress: (slot: number, host: HostId) => Progress;
  /** What a host says of the slot, if it says anything. */
  readonly reported: Reported;
  /** Slots of dead hosts that may be moved now; absent: any number. */
  readonly movesMax?: number;
};

/** Something changed, or cannot: what stays as it is causes no decision. */
export type Decision = {
  readonly kind: 'placed' | 'moved' | 'removed' | 'unplaceable' | 'withheld' | 'ended';
  readonly slot: number;
  /** Where it is now; absent: nowhere. */
  readonly host?: HostId;
  readonly text: string;
  /** Hosts that were not taken; at most `REJECTED_MAX` of them, those that cannot first. */
  readonly rejected: readonly Rejection[];
};
export type Placement = {
  readonly slots: readonly Slot[];
  readonly decisions: readonly Decision[];
  /** Slots of dead hosts that have left them, and those that were not allowed to. */
  readonly moved: number;
  readonly withheld: number;
};

const STUCK = 'its engine has not started it, and does not answer';

type Draft = {
  readonly request: PlaceRequest;
  readonly hosts: ReadonlyMap<HostId, PlacementHost>;
  /** Slots of this component so far, by host. */
  readonly own: Map<HostId, number[]>;
  readonly returned: Set<HostId>; // they have got back what they had (6)
  readonly slots: Slot[];
  readonly decisions: Decision[];
  moved: number;
  withheld: number;
};
/** A slot that has to leave its host, and why. */
type Leaver = Slot & { readonly why: string };

export function place(request: PlaceRequest): Placement {
  const sorted = [...request.hosts].sort((a, b) => compareText(a.id, b.id));
  const hosts = new Map(sorted.map((host) => [host.id, host]));
  const draft: Draft = {
    request,
    hosts,
    own: new Map(),
    returned: new Set(),
    slots: [],
    decisions: [],
    moved: 0,
    withheld: 0,
  };
  const leavers = keep(draft);
  if (request.spec.mode === 'global') placeGlobal(draft, leavers);
  else placeReplicated(draft, leavers);
  if (draft.withheld > 0) decideWithheld(draft);
  const slots = draft.slots.sort((a, b) => a.slot - b.slot);
  const decisions = draft.decisions.sort((a, b) => a.slot - b.slot);
  return { slots, decisions, moved: draft.moved, withheld: draft.withheld };
}

/** Takes over what stays (1, 3), and returns what cannot. */
function keep(draft: Draft): readonly Leaver[] {
  const { component, spec, current } = draft.request;
  const isGlobal = spec.mode === 'global';
  const leavers: Leaver[] = [];
  const seen = new Set<number>();
  for (const was of [...current].sort((a, b) => a.slot - b.slot)) {
    const { slot } = was;
    if (seen.has(slot)) continue;
    seen.add(slot);
    if (!isGlobal && slot > replicasOf(spec)) {
      decide(draft, 'removed', slot, `${component}.${slot} is removed: ${spec.replicas} wanted`);
      continue;
    }
    const isOver = isGlobal && !draft.hosts.has(was.host) ? undefined : endOf(draft.request, was);
    if (isOver !== undefined) {
      conclude(draft, was, isOver);
      continue;
    }
    const { host, left = [] } = isGlobal ? was : healed(draft, was);
    const from = stillFrom(handingOf(draft), { ...was, host });
    const own = draft.own.get(host) ?? [];
    const why =
      whyNotKeep(component, specAt(draft.request, was), draft.hosts.get(host), own) ??
      (isGlobal && own.length > 0 ? `slot ${own[0]} is there already` : undefined) ??
      (mayBeStuck(spec) && draft.request.isStuck(slot, host) ? STUCK : undefined) ??
      (draft.returned.has(host) ? crowdedOut(spec, draft.hosts.get(host), own) : undefined);
    const stays =
      why === undefined ||
      staysThere(draft.request, slot, draft.hosts.get(host)) ||
      (why === DRAINED && isDone(draft.request, slot, host));
    if (stays) assign(draft, { slot, host, left, ...fromWhom(from) });
    else leavers.push({ slot, host, left, why, ...fromWhom(from) });
  }
  return leavers;
}

/** Rule 7: it needs neither place nor port there any more. */
function conclude(draft: Draft, { slot, host, ended: known }: Slot, ended: SlotEnd): void {
  const { component, spec } = draft.request;
  draft.slots.push({ slot, host, ended });
  if (spec.mode === 'global') draft.own.set(host, [slot]);
  if (known === undefined)
    decide(draft, 'ended', slot, endText(`${component}.${slot}`, host, ended), host);
}

const fromWhom = (from: HostId | undefined): { readonly from?: HostId } =>
  from === undefined ? {} : { from };

const handingOf = ({ request: { spec, reported }, hosts }: Draft): Handing => ({
  spec,
  reported,
  isAlive: (host) => hosts.get(host)?.alive === true,
});

/** The slot as `on_heal` has it; who was chosen and cannot run it loses after all. */
function healed({ request, hosts, own, returned, decisions }: Draft, was: Slot): Slot {
  const { component, spec, leader } = request;
  const isAlive = (host: HostId): boolean => hosts.get(host)?.alive === true;
  const runs = (host: HostId): boolean => request.runs(was.slot, host);
  const slot = heal(spec, was, { runs, isAlive, leader });
  if (slot.host === was.host) return slot;
  const there = own.get(slot.host) ?? [];
  const why = whyNotKeep(component, specAt(request, was), hosts.get(slot.host), there);
  const name = `${component}.${slot.slot}`;
  const text =
    why === undefined
      ? `${name} returns from ${was.host} to ${slot.host}, which runs it too: on_heal`
      : `${name} does not return to ${slot.host}: ${why}`;
  decisions.push({ kind: 'moved', slot: slot.slot, host: slot.host, text, rejected: [] });
  if (why === undefined) returned.add(slot.host);
  if (why === undefined) return slot;
  return seated(
    was.slot,
    was.host,
    (was.left ?? []).filter((host) => host !== slot.host),
  );
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
  const chosen = choose(draft, slot, fitting);
  if (chosen === undefined) return stayOut(draft, slot, leaver, rejected);
  const ownCount = draft.own.get(chosen.id)?.length ?? 0;
  const counts = `${slotsThere(ownCount, chosen.slotCount)}, the fewest`;
  const others = fitting
    .filter(({ id }) => id !== chosen.id)
    .map((host) => ({ host: host.id, why: outscored(draft, host, chosen) }));
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

/** Its host is dead, and no more may move now: it stays there. */
function withhold(draft: Draft, leaver: Leaver | undefined): boolean {
  const { movesMax = Infinity } = draft.request;
  if (leaver === undefined || !isGone(draft, leaver) || draft.moved < movesMax) return false;
  assign(draft, leaver);
  draft.withheld += 1;
  return true;
}

/** It is not to be tried again, and nobody will hear how it ended. */
function giveUp(draft: Draft, leaver: Leaver | undefined): boolean {
  if (leaver === undefined || draft.hosts.get(leaver.host)?.alive === true) return false;
  if (!isLost(draft.request, leaver.slot, leaver.host)) return false;
  conclude(draft, leaver, { state: 'failed' });
  return true;
}

const isGone = ({ hosts }: Pick<Draft, 'hosts'>, { host }: Slot): boolean =>
  hosts.get(host)?.alive === false;

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
    assign(draft, { slot, host: leaver.from });
    const text = `${name} stays on ${leaver.from}, since it fits nowhere else: ${all}`;
    return decide(draft, 'unplaceable', slot, text, leaver.from, rejected);
  }
  const isAsked = host?.leaving === true || leaver?.why === STUCK || leaver?.why === DRAINED;
  if (host === undefined || (host.alive && !isAsked))
    return decide(draft, 'unplaceable', slot, `${name} fits nowhere: ${all}`, undefined, rejected);
  assign(draft, { slot, host: host.id, left: leaver?.left ?? [] });
  const text = `${name} waits for ${host.id}, since it fits nowhere else: ${all}`;
  decide(draft, 'unplaceable', slot, text, host.id, rejected);
}

function placeGlobal(draft: Draft, leavers: readonly Leaver[]): void {
  const { component, spec } = draft.request;
  for (const leaver of leavers) {
    const { slot, host, why } = leaver;
    if (withhold(draft, leaver)) continue;
    if (isGone(draft, leaver)) draft.moved += 1;
    decide(draft, 'removed', slot, `${component}.${slot} leaves ${host}: ${why}`);
  }
  const taken = new Set(draft.slots.map(({ slot }) => slot));
  const rejected: Rejection[] = [];
  let free = 1;
  for (const host of draft.hosts.values()) {
    if (draft.own.has(host.id)) continue;
    const why = whyNotPlace(spec, host, []);
    if (why !== undefined) {
      rejected.push({ host: host.id, why });
      continue;
    }
    while (taken.has(free)) free += 1;
    if (free > SLOTS_MAX) break;
    taken.add(free);
    assign(draft, { slot: free, host: host.id });
    decide(
      draft,
      'placed',
      free,
      `${component}.${free} goes to ${host.id}: one on every host that fits`,
      host.id,
    );
  }
  if (draft.slots.length === 0) stayOut(draft, 1, undefined, rejected);
}

function sift(
  draft: Draft,
  spec: ComponentSpec,
): {
  readonly fitting: readonly PlacementHost[];
  readonly rejected: readonly Rejection[];
} {
  const fitting: PlacementHost[] = [];
  const rejected: Rejection[] = [];
  for (const host of draft.hosts.values()) {
    const why = whyNotPlace(spec, host, draft.own.get(host.id) ?? []);
    if (why === undefined) fitting.push(host);
    else rejected.push({ host: host.id, why });
  }
  return { fitting, rejected };
}

/** Rule 5. */
function choose(
  draft: Draft,
  slot: number,
  fitting: readonly PlacementHost[],
): PlacementHost | undefined {
  let best: PlacementHost[] = [];
  for (const host of steadyOf(fitting)) {
    const first = best[0];
    const order = first === undefined ? -1 : compareLoad(draft, host, first);
    if (order < 0) best = [host];
    else if (order === 0) best.push(host);
  }
  const [chosen] = rendezvous(
    `${draft.request.component}/${slot}`,
    best.map(({ id }) => id),
  );
  return chosen === undefined ? undefined : draft.hosts.get(chosen);
}

/** Negative: `a` is preferred. */
function compareLoad({ own }: Draft, a: PlacementHost, b: PlacementHost): number {
  const [ownA, ownB] = [own.get(a.id)?.length ?? 0, own.get(b.id)?.length ?? 0];
  return ownA - ownB || ownA + a.slotCount - (ownB + b.slotCount);
}

function outscored(draft: Draft, host: PlacementHost, chosen: PlacementHost): string {
  if (host.restless !== undefined && chosen.restless === undefined) return host.restless;
  if (compareLoad(draft, host, chosen) === 0) return 'as good, later in the order of this slot';
  const ownCount = draft.own.get(host.id)?.length ?? 0;
  return slotsThere(ownCount, host.slotCount);
}

function assign(draft: Draft, { slot, host, left = [], from }: Slot): void {
  draft.slots.push(seated(slot, host, left, from));
  draft.own.set(host, [...(draft.own.get(host) ?? []), slot]);
}

function decide(
  draft: Draft,
  kind: Decision['kind'],
  slot: number,
  text: string,
  host?: HostId,
  rejected: readonly Rejection[] = [],
): void {
  const where = host === undefined ? {} : { host };
  draft.decisions.push({ kind, slot, ...where, text, rejected: rejected.slice(0, REJECTED_MAX) });
}

const replicasOf = ({ replicas }: ComponentSpec): number => Math.min(replicas, SLOTS_MAX);
