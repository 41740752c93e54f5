/**
 * The slots that concern this host: what is desired in each, and every instance the engine has of it.
 * The table is written by this folder alone; `events.ts` tells it what happened, `reconcile.ts` acts.
 */
import type { PortReach } from '../component/addresses.ts';
import type { ChosenPorts } from '../component/port.ts';
import { NO_REPAIRS, type Repairs } from '../component/repair.ts';
import { FRESH, type History, historyDeadline } from '../component/restart.ts';
import type { ComponentSpec, OnIsolation } from '../component/spec.ts';
import { instanceEntry, type InstanceReport } from '../inventory/entry.ts';
import type { ComponentId, Term } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { after, earlier, type Instant, seconds } from '../base/time.ts';
import type { SlotEnd } from '../record/record.ts';
import type { Turn } from '../turn.ts';
import { byRank, type Ended, type Instance, isLive } from './instance.ts';

/** One slot that the newest committed assignment gives to this host. */
export type DesiredSlot = {
  readonly component: ComponentId;
  readonly slot: number;
  readonly spec: ComponentSpec;
  /** `revisionOf(spec, stack)`; of a job `runRevision(run)`. */
  readonly revision: string;
  /** Of the assignment. */
  readonly term: Term;
  /** The rule for first starts (R9) allows a new instance now. */
  readonly mayStart: boolean;
  /** What it waits for, in words; while present nothing is started: `waits for shop.db to be healthy`. */
  readonly waitsFor?: string;
  /** When that is to be asked again, if nothing happens before. */
  readonly waitsUntil?: Instant;
  /** Of a job: what has become of it, by the committed record; nothing is started any more. */
  readonly ended?: SlotEnd;
  /** What its contract asks for now that this host is isolated; absent: nothing. */
  readonly isolation?: OnIsolation['action'];
  /** The numbers of its ports that were chosen for it. */
  readonly ports?: ChosenPorts;
  /** Where what it depends on is found now; absent: it depends on nothing. */
  readonly reach?: readonly PortReach[];
};

/** A slot that was taken from this host while it was believed dead, and is not decided on yet. */
export type RivalSlot = {
  readonly component: ComponentId;
  readonly slot: number;
  /** Only what was made from the present spec is kept. */
  readonly revision: string;
  readonly isolation?: OnIsolation['action'];
};

/** Why an instance that is not wanted any more is not told to stop yet, and when to ask again at the latest. */
export type Wait = { readonly why: string; readonly until: Instant };

/** What the lease of a strict slot allows at this moment. */
export type SlotLease = {
  /** The present one, and the one since which it is held without a gap; absent: not held. */
  readonly term?: Term;
  readonly first?: Term;
  /** Each word allows what the next ones do. `stand`: to be there, frozen. */
  readonly allows: 'start' | 'run' | 'stand' | 'nothing';
};

/** When a slot without a running instance gets its next one. */
export type Next =
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly at: Instant }
  /** Not before its revision changes or a user asks. */
  | { readonly kind: 'done' };
export const NOW: Next = { kind: 'now' };
/** An instant that has come is no deadline. */
export const nextAt = (at: Instant, now: Instant): Next => (at <= now ? NOW : { kind: 'at', at });

/** A `startInstance` that has not been answered. */
export type Start = {
  readonly attempt: number;
  readonly revision: string;
  readonly term: Term;
  readonly since: Instant;
};

/** How the newest attempt came to its end. */
export type Outcome = {
  readonly attempt: number;
  readonly state: 'complete' | 'failed' | 'rejected' | 'shutdown';
  readonly reason: string;
  readonly revision: string;
  readonly term: Term;
};

/** One slot on this host. */
export type Seat = {
  readonly name: string;
  readonly component: ComponentId;
  readonly slot: number;
  desired: DesiredSlot | undefined;
  rival: RivalSlot | undefined;
  /** Undefined: it is not strict. */
  lease: SlotLease | undefined;
  /** What `history` and `next` are about; another revision starts with a clean sheet. */
  revision: string | undefined;
  history: History;
  repairs: Repairs;
  /** Since when a strict one stands still though its lease lets it run. */
  stuckSince: Instant | undefined;
  /** Since when nothing that it was told of a port which it follows is true, and that is found elsewhere. */
  movedSince: Instant | undefined;
  next: Next;
  starting: Start | undefined;
  outcome: Outcome | undefined;
  /** Why what runs here and is not wanted is not told to stop yet; undefined: nothing waits. */
  waits: string | undefined;
  /** A user wants a new instance in place of the running one. */
  restartAsked: boolean;
  /** An instance of it has run here since this agent started. */
  hasRun: boolean;
  /** The highest attempt started or observed. */
  attempt: number;
  readonly instances: Map<string, Instance>;
  /** The report has to be made anew. */
  dirty: boolean;
  /** The last call of `reconcile` that desired it. */
  round: number;
};

export type Slots = {
  /** Rises with every change of a report. */
  version: number;
  /** The engine has been listed once: nothing is touched before. */
  listed: boolean;
  round: number;
  /** `holdStarts` of the last call. */
  hold: boolean;
  readonly seats: Map<string, Seat>;
  /** `seats` in order of name; undefined after one came or went. */
  order: readonly Seat[] | undefined;
  deadline: Instant | undefined;
  readonly byEngineId: Map<string, Seat>;
  /** Ends heard of before their instance, oldest first. */
  readonly earlyEnds: Map<string, Ended>;
  /** Removed from the engine, oldest first: what is told of them later comes late. */
  readonly removed: Set<string>;
  /** The highest attempt of seats that were forgotten, oldest first: should they return, it rises on. */
  readonly pastAttempts: Map<string, number>;
  readonly reports: Map<string, InstanceReport>;
};

/** After so long without effect a freeze or a thaw is asked for once more. */
export const ASK_AGAIN_MS = seconds(1);
/** Ends of unknown instances remembered; the oldest is dropped, and the relist will tell. */
const EARLY_ENDS_MAX = 100;
/** Removed instances remembered; the oldest is dropped, and the relist will tell. */
const REMOVED_MAX = 100;
/** Forgotten seats remembered; the oldest is dropped and would count from 1 again. */
const PAST_ATTEMPTS_MAX = 1000;

export function createSlots(): Slots {
  return {
    version: 0,
    listed: false,
    round: 0,
    hold: false,
    seats: new Map(),
    order: undefined,
    deadline: undefined,
    byEngineId: new Map(),
    earlyEnds: new Map(),
    removed: new Set(),
    pastAttempts: new Map(),
    reports: new Map(),
  };
}

/** By name of inventory entry. The same map each time; `slots.version` says whether it has changed. */
export const reportsOf = (slots: Slots): ReadonlyMap<string, InstanceReport> => slots.reports;

/**
 * Whether an instance of the slot has run here since this agent started, adopted ones included: it is
 * not gated again by its dependencies nor by R9.
 */
export function hasRun(slots: Slots, component: ComponentId, slot: number): boolean {
  return slots.seats.get(instanceEntry(component, slot))?.hasRun ?? false;
}

/** Whether the engine has, or had, an instance of the slot on this host, even one that ended long ago. */
export function hasBeenHere(slots: Slots, component: ComponentId, slot: number): boolean {
  return (slots.seats.get(instanceEntry(component, slot))?.instances.size ?? 0) > 0;
}

/** When `reconcile` will do something although nothing happens. */
export const slotsDeadline = (slots: Slots): Instant | undefined => slots.deadline;

/** Of one seat: its next start, and when its history will read otherwise. */
export function seatDeadline(seat: Seat, { now, config }: Turn): Instant | undefined {
  const current = currentOf(seat);
  const { asked } = current ?? {};
  const again = asked === undefined ? now : after(asked.at, ASK_AGAIN_MS);
  const askAt = again > now ? again : undefined; // what is due has been asked by now, if it is wanted
  if (seat.desired === undefined) return askAt;
  const startAt = seat.next.kind === 'at' ? seat.next.at : undefined;
  const { spec } = seat.desired;
  const historyAt = historyDeadline(seat.history, spec, current?.wellSince, config);
  const timeoutAt = current === undefined ? undefined : timeoutOf(seat.desired, current);
  const endAt = timeoutAt !== undefined && timeoutAt > now ? timeoutAt : undefined;
  return earlier(earlier(startAt, askAt), earlier(historyAt, endAt));
}

/** When an attempt of a job has taken as long as it may. */
export const timeoutOf = (
  { spec: { job } }: DesiredSlot,
  instance: Instance,
): Instant | undefined =>
  job?.timeoutMs !== undefined && isLive(instance) && instance.stop === undefined
    ? after(instance.since, job.timeoutMs)
    : undefined;

export function seatOf(slots: Slots, component: ComponentId, slot: number): Seat {
  const name = instanceEntry(component, slot);
  const known = slots.seats.get(name);
  if (known !== undefined) return known;
  const seat: Seat = {
    name,
    component,
    slot,
    desired: undefined,
    rival: undefined,
    lease: undefined,
    revision: undefined,
    history: FRESH,
    repairs: NO_REPAIRS,
    stuckSince: undefined,
    movedSince: undefined,
    next: NOW,
    starting: undefined,
    outcome: undefined,
    waits: undefined,
    restartAsked: false,
    hasRun: false,
    attempt: slots.pastAttempts.get(name) ?? 0,
    instances: new Map(),
    dirty: true,
    round: 0,
  };
  slots.seats.set(name, seat);
  slots.order = undefined;
  return seat;
}

export function forgetSeat(slots: Slots, seat: Seat): void {
  slots.seats.delete(seat.name);
  slots.pastAttempts.delete(seat.name);
  slots.pastAttempts.set(seat.name, seat.attempt);
  dropOldest(slots.pastAttempts, PAST_ATTEMPTS_MAX);
  slots.order = undefined;
  for (const engineId of seat.instances.keys()) slots.byEngineId.delete(engineId);
  if (slots.reports.delete(seat.name)) slots.version += 1;
}

/** All seats by name: the order in which effects leave. */
export function inOrder(slots: Slots): readonly Seat[] {
  slots.order ??= [...slots.seats.values()].sort((a, b) => compareText(a.name, b.name));
  return slots.order;
}

export function putInstance(slots: Slots, seat: Seat, instance: Instance): void {
  const { engineId, attempt } = instance.observed;
  if (seat.instances.get(engineId) === instance) return;
  seat.instances.set(engineId, instance);
  slots.byEngineId.set(engineId, seat);
  seat.attempt = Math.max(seat.attempt, attempt);
  seat.hasRun ||= isLive(instance);
  seat.dirty = true;
  // The last to fill the slot is remembered when it is gone: its end decides what comes next.
  const current = currentOf(seat);
  for (const [id, other] of seat.instances) {
    if (!other.gone || other === current) continue;
    seat.instances.delete(id);
    slots.byEngineId.delete(id);
  }
}

export function dropInstance(slots: Slots, seat: Seat, engineId: string): void {
  seat.instances.delete(engineId);
  slots.byEngineId.delete(engineId);
  seat.dirty = true;
}

export function noteEarlyEnd(slots: Slots, engineId: string, ended: Ended): void {
  slots.earlyEnds.set(engineId, ended);
  dropOldest(slots.earlyEnds, EARLY_ENDS_MAX);
}

export function noteRemoved({ removed }: Slots, engineId: string): void {
  removed.add(engineId);
  dropOldest(removed, REMOVED_MAX);
}

function dropOldest(of: Map<string, unknown> | Set<string>, sizeMax: number): void {
  const oldest = of.keys().next().value;
  if (of.size > sizeMax && oldest !== undefined) of.delete(oldest);
}

/** The instance that fills the slot, or was the last to. */
export function currentOf(seat: Seat): Instance | undefined {
  let newest: Instance | undefined;
  for (const instance of seat.instances.values())
    if (newest === undefined || byRank(instance, newest) < 0) newest = instance;
  return newest;
}

/** It runs, of the present spec, beside the one that has the slot: it is left alone. */
export const isRival = ({ rival }: Seat, instance: Instance): boolean =>
  rival !== undefined &&
  instance.stop === undefined &&
  isLive(instance) &&
  instance.observed.revision === rival.revision;

/** False of a strict instance that has to be killed before all else (X2, X3 of `core/strict.ts`). */
export function isLawful(lease: SlotLease | undefined, { observed, stop }: Instance): boolean {
  if (lease === undefined || stop?.graceMs === 0) return true;
  const { allows, first } = lease;
  if (allows === 'nothing' || (first !== undefined && observed.term < first)) return false;
  return allows !== 'stand' || observed.state === 'paused';
}

/** Something of it runs, or is being started. */
export const hasLife = ({ starting, instances }: Seat): boolean =>
  starting !== undefined || [...instances.values()].some(isLive);

/** What runs, newest first. */
export const liveOf = (seat: Seat): readonly Instance[] =>
  [...seat.instances.values()].filter(isLive).sort(byRank);
