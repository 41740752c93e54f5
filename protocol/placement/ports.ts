/**
 * Which numbers the slots of one component have on hosts, for the ports to which its spec gives none.
 * Pure; asked by the component's leader once it knows who has which slot.
 *
 *  P1 A slot keeps its number wherever it goes, for as long as that port is in its spec and nobody with
 *     a better claim (P3) has the same.
 *  P2 What is chosen is fixed by no spec and given to no other slot of the cluster, by the committed
 *     records that the leader knows.
 *  P3 A number that a spec fixes is that component's. Of two slots that were given the same, as two
 *     leaders chose at the same moment, the one whose component comes first by name keeps it. The other
 *     is given another one: both know who that is, so that it happens once.
 *  P4 The choice begins at a hash of the slot and the port inside, and goes on from there: slots that
 *     are chosen for at the same moment hardly ever meet, and who comes back finds what it had.
 *
 * Where none is free the slot has none, and the engine of its host chooses.
 *
 * Source: Docker Swarm and Kubernetes give a service one number on all hosts. Here each slot has its own,
 * so that several run on one host.
 */
import type { ComponentId } from '../base/ids.ts';
import { compareText, hash } from '../base/order.ts';
import {
  type ChosenPorts,
  numberName,
  openPorts,
  portName,
  type PortRange,
} from '../component/port.ts';
import type { ComponentSpec, Port } from '../component/spec.ts';
import { CHOSEN_PORTS_MAX } from '../limits.ts';
import type { Slot } from '../record/record.ts';

/** By number on hosts, as `numberName` says it. */
export type PortHolders = {
  /** Whose spec fixes it. */
  readonly fixed: ReadonlyMap<string, ComponentId>;
  /** Whose slots were given it. */
  readonly chosen: ReadonlyMap<string, readonly ComponentId[]>;
};

export type PortsRequest = {
  readonly component: ComponentId;
  /** As they are to be, without their ports. */
  readonly slots: readonly Slot[];
  readonly specOf: (slot: Slot) => ComponentSpec;
  /** As last committed. */
  readonly current: readonly Slot[];
  readonly holders: PortHolders;
  readonly range: PortRange;
};

export type PortsChosen = {
  readonly slots: readonly Slot[];
  /** What was lost, or could not be had. */
  readonly notes: readonly { readonly slot: number; readonly text: string }[];
};

/** A port of a slot, and the number that it had, and has. */
type Seat = {
  readonly slot: number;
  readonly port: Port;
  readonly had: number | undefined;
  /** Why it has that no longer. */
  readonly lost: string | undefined;
  has: number | undefined;
};

type Draft = {
  readonly request: PortsRequest;
  /** Numbers of this component's slots, as far as they are known. */
  readonly own: Map<string, number>;
  readonly seats: Seat[];
  /** Of these protocols no number is free. */
  readonly full: Set<Port['protocol']>;
};

export function choosePorts(request: PortsRequest): PortsChosen {
  const { component, slots, current } = request;
  const draft: Draft = { request, own: new Map(), seats: [], full: new Set() };
  const before = new Map(current.map((slot) => [slot.slot, slot]));
  for (const slot of slots) if (slot.ended === undefined) keepPorts(draft, slot, before);
  if (draft.seats.length === 0) return { slots, notes: [] };
  // Nothing is given to one slot that another one is about to keep.
  for (const seat of draft.seats) if (seat.has === undefined) giveNumber(draft, seat);
  const notes = draft.seats.flatMap((seat) => {
    const isNoted = seat.lost !== undefined || (seat.has === undefined && !before.has(seat.slot));
    return isNoted ? [{ slot: seat.slot, text: noteOf(component, seat) }] : [];
  });
  const chosen = chosenBySlot(draft.seats);
  return {
    slots: slots.map((slot): Slot => {
      const ports = chosen.get(slot.slot);
      return ports === undefined ? slot : { ...slot, ports };
    }),
    notes,
  };
}

/** P1. */
function keepPorts(draft: Draft, slot: Slot, before: ReadonlyMap<number, Slot>): void {
  const { request, own, seats } = draft;
  for (const port of openPorts(request.specOf(slot))) {
    if (seats.length >= CHOSEN_PORTS_MAX) return;
    const had = before.get(slot.slot)?.ports?.[portName(port)];
    const lost = had === undefined ? undefined : whyLost(draft, numberName(had, port.protocol));
    const has = lost === undefined ? had : undefined;
    if (has !== undefined) own.set(numberName(has, port.protocol), slot.slot);
    seats.push({ slot: slot.slot, port, had, lost, has });
  }
}

/** P3; undefined: nobody has a better claim. */
function whyLost({ request, own }: Draft, name: string): string | undefined {
  const { component, holders } = request;
  const fixedBy = holders.fixed.get(name);
  if (fixedBy !== undefined) return `${fixedBy} has it fixed`;
  const rival = holders.chosen.get(name)?.find((other) => compareText(other, component) < 0);
  if (rival !== undefined) return `${rival} was given it too`;
  const slot = own.get(name);
  return slot === undefined ? undefined : `slot ${slot} has it`;
}

/** P2, P4. */
function giveNumber(draft: Draft, seat: Seat): void {
  const { own, full } = draft;
  const { component, holders, range } = draft.request;
  const { slot, port } = seat;
  if (full.has(port.protocol)) return;
  const { portFirst, portLast } = range;
  const size = portLast - portFirst + 1;
  const beside = hadBeside(draft, seat);
  const start = hash(`${component}/${slot} ${port.target}`) % size;
  for (let step = 0; step < size; step++) {
    const number = portFirst + ((start + step) % size);
    const name = numberName(number, port.protocol);
    const others = holders.chosen.get(name)?.some((other) => other !== component) ?? false;
    if (others || own.has(name) || holders.fixed.has(name) || beside.includes(number)) continue;
    own.set(name, slot);
    seat.has = number;
    return;
  }
  // Asked for each slot, so long a search would hold up its host.
  if (beside.length === 0) full.add(port.protocol);
}

/**
 * What it must not get in place of what it had: hosts do not say of which protocol a number is (P3), so that
 * an instance which has that one already would be taken for one that was replaced.
 */
function hadBeside({ seats }: Draft, { slot, port, lost }: Seat): readonly number[] {
  if (lost === undefined) return [];
  return seats.flatMap((other) =>
    other.slot === slot && other.port.target === port.target && other.had !== undefined
      ? [other.had]
      : [],
  );
}

function chosenBySlot(seats: readonly Seat[]): ReadonlyMap<number, ChosenPorts> {
  const chosen = new Map<number, Record<string, number>>();
  for (const { slot, port, has } of seats) {
    if (has === undefined) continue;
    const ports = chosen.get(slot) ?? {};
    ports[portName(port)] = has;
    chosen.set(slot, ports);
  }
  return chosen;
}

function noteOf(component: ComponentId, { slot, port, had, lost, has }: Seat): string {
  const name = `${component}.${slot}`;
  const next = has === undefined ? 'none is free, so its engine chooses one' : `it gets ${has}`;
  if (had === undefined || lost === undefined) return `${name}: for port ${portName(port)} ${next}`;
  return `${name} gives up port ${numberName(had, port.protocol)}, since ${lost}: ${next}`;
}
