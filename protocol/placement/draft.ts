/** What is asked of placement, what it answers, and the answer while it is being made. */
import type { ComponentId, HostId } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { SLOTS_MAX } from '../limits.ts';
import type { Slot, SlotEnd } from '../record/record.ts';
import type { PlacementHost } from './fit.ts';
import type { Handing, Reported } from './handover.ts';
import { seated } from './heal.ts';
import { endText, type Progress } from './job.ts';
import { REJECTED_MAX, type Rejection } from './reasons.ts';
import { type Groups, groupsOf } from './spread.ts';

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

/** What one host is chosen by. */
export type Seating = {
  readonly request: PlaceRequest;
  /** In the order of their ids. */
  readonly hosts: ReadonlyMap<HostId, PlacementHost>;
  /** What its slots are spread over. */
  readonly groups: Groups;
  /** Slots of this component so far, by host. */
  readonly own: ReadonlyMap<HostId, readonly number[]>;
};

export type Draft = Seating & {
  readonly own: Map<HostId, readonly number[]>;
  readonly returned: Set<HostId>; // they have got back what they had (6)
  readonly slots: Slot[];
  readonly decisions: Decision[];
  moved: number;
  withheld: number;
};
/** A slot that has to leave its host, and why. */
export type Leaver = Slot & { readonly why: string };

export const replicasOf = ({ replicas }: ComponentSpec): number => Math.min(replicas, SLOTS_MAX);

/** Without any slot. */
export function emptySeating(request: PlaceRequest): Omit<Seating, 'own'> {
  const sorted = [...request.hosts].sort((a, b) => compareText(a.id, b.id));
  const hosts = new Map(sorted.map((host) => [host.id, host]));
  return { request, hosts, groups: groupsOf(request.spec, sorted) };
}

export const ownOn = ({ own }: Pick<Seating, 'own'>, host: HostId): readonly number[] =>
  own.get(host) ?? [];

export const isGone = ({ hosts }: Pick<Draft, 'hosts'>, { host }: Slot): boolean =>
  hosts.get(host)?.alive === false;

export const handingOf = ({ request: { spec, reported }, hosts }: Draft): Handing => ({
  spec,
  reported,
  isAlive: (host) => hosts.get(host)?.alive === true,
});

export const fromWhom = (from: HostId | undefined): { readonly from?: HostId } =>
  from === undefined ? {} : { from };

export function assign(draft: Draft, { slot, host, left = [], from }: Slot): void {
  draft.slots.push(seated(slot, host, left, from));
  draft.own.set(host, [...ownOn(draft, host), slot]);
}

/** Rule 7: it needs neither place nor port there any more. */
export function conclude(draft: Draft, { slot, host, ended: known }: Slot, ended: SlotEnd): void {
  const { component, spec } = draft.request;
  draft.slots.push({ slot, host, ended });
  if (spec.mode === 'global') draft.own.set(host, [slot]);
  if (known === undefined)
    decide(draft, 'ended', slot, endText(`${component}.${slot}`, host, ended), host);
}

/** Its host is dead, and no more may move now: it stays there. */
export function withhold(draft: Draft, leaver: Leaver | undefined): boolean {
  const { movesMax = Infinity } = draft.request;
  if (leaver === undefined || !isGone(draft, leaver) || draft.moved < movesMax) return false;
  assign(draft, leaver);
  draft.withheld += 1;
  return true;
}

export function decide(
  draft: Draft,
  kind: Decision['kind'],
  slot: number,
  text: string,
  host?: HostId,
  rejected: readonly Rejection[] = [],
): void {
  draft.decisions.push(decisionOf(kind, slot, text, host, rejected));
}

export function decisionOf(
  kind: Decision['kind'],
  slot: number,
  text: string,
  host: HostId | undefined,
  rejected: readonly Rejection[],
): Decision {
  const where = host === undefined ? {} : { host };
  return { kind, slot, ...where, text, rejected: rejected.slice(0, REJECTED_MAX) };
}
