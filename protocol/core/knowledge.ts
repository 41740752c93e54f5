/** What follows from the tables of a core, kept until they change (`know.ts` derives it). */
import type { ComponentId, Epoch, HostId, Key, Term } from '../base/ids.ts';
import type { ChosenPorts } from '../component/port.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { InstanceReport, Leadership } from '../inventory/entry.ts';
import type { PortTaken } from '../placement/fit.ts';
import type { PortHolders } from '../placement/ports.ts';
import { NOTHING_RESERVED, type Reserved } from '../placement/room.ts';
import type { Component, Member, Revision, Stack } from '../record/record.ts';

export type Knowledge = OfRecords & {
  readonly versions: Versions;
  /** We are a member no more (`dismissal.ts`). */
  readonly isDismissed: boolean;
  /** Alive hosts and ourselves, sorted. */
  readonly alive: readonly HostId[];
  /** Every key that should have a leader, in order. */
  readonly wanted: ReadonlySet<Key>;
  /** Those of them that a user of this host waits for. */
  readonly urgent: ReadonlySet<Key>;
  /** What every other host says it leads, in the order of hosts; not of those of which that is long known (I4). */
  readonly claims: readonly (Leadership & { readonly host: HostId })[];
  /** Of those the ones of alive hosts; of two, the higher term. */
  readonly leaders: ReadonlyMap<Key, { readonly host: HostId; readonly term: Term }>;
  /** What every host reports of its instances, the dead included. */
  readonly reports: readonly Report[];
};

export type Report = { readonly host: HostId; readonly report: InstanceReport };

/** What follows from the committed records alone. */
export type OfRecords = {
  readonly members: readonly Member[];
  /** How often users have adjusted one of them. */
  readonly adjusted: number;
  readonly isMember: ReadonlySet<HostId>;
  /** Members that have asked to leave. */
  readonly leaving: ReadonlySet<HostId>;
  /** Stacks that exist, and their tombstones. */
  readonly stacks: ReadonlyMap<string, { readonly revision: Revision; readonly stack: Stack }>;
  /** Newest committed assignment of each component, void ones included. */
  readonly assignments: ReadonlyMap<ComponentId, Assignment>;
  /** The slots that these give to this host, or that it hands over, without the void ones. */
  readonly here: readonly SeatHere[];
  /** Slots of others that were taken from this host and not decided on yet (`../placement/heal.ts`). */
  readonly rivals: readonly SeatHere[];
  /** Of all that runs here by either, what has a contract for an isolated host. */
  readonly contracted: readonly ComponentSpec[];
  /** What all of them together put on each host. */
  readonly loads: ReadonlyMap<HostId, Load>;
  /** What of the numbers of ports is anybody's, on whatever host. */
  readonly portHolders: PortHolders;
};

/** `host`: to whom it is assigned. */
export type SeatHere = {
  readonly assignment: Assignment;
  readonly slot: number;
  readonly host: HostId;
  readonly spec: ComponentSpec;
  /** Absent: of a record that is older than rollouts. */
  readonly revision: string | undefined;
  readonly ports: ChosenPorts | undefined;
};

/** Of the tables it was derived from. */
export type Versions = {
  readonly committed: number;
  readonly membership: number;
  readonly facts: number;
  readonly deploys: number;
  readonly epoch: Epoch;
};

export type Load = {
  readonly slotCount: number;
  readonly portsTaken: readonly PortTaken[];
  readonly reserved: Reserved;
};
export const NO_LOAD: Load = { slotCount: 0, portsTaken: [], reserved: NOTHING_RESERVED };

export type Assignment = {
  readonly revision: Revision;
  readonly component: Component;
  /** Its stack is gone, or was destroyed and deployed again since, or no longer has it. */
  readonly isVoid: boolean;
};
