/** The values kept under keys on the voters' durable store, and their revisions. */
import type { Boot, ComponentId, HostId, Key, Term } from '../base/ids.ts';
import type { Dependent } from '../component/dependents.ts';
import type { Labels } from '../component/label.ts';
import type { ChosenPorts } from '../component/port.ts';
import type { ComponentSpec, StackSpec } from '../component/spec.ts';

/** Totally ordered without clocks: by the leader's term, then by its count of writes. */
export type Revision = { readonly term: Term; readonly seq: number };

export type RecordValue = Members | Stack | Component;

/** Under `sys/roster`: who belongs to the cluster, each pinned by the id of its public key. */
export type Members = {
  readonly kind: 'members';
  readonly members: readonly Member[];
  /** The newest of those that were forgotten, and under which start, the oldest first; absent: none. */
  readonly former?: readonly { readonly id: HostId; readonly boot: Boot }[];
  /** Destroyed stacks that all forget (R8), in the order of their names. */
  readonly buried?: readonly Burial[];
  /** How often users have adjusted a host: whoever asks for more names it, so that it is done once. */
  readonly adjusted?: number;
};
/** The tombstone of a stack as it was buried: its life and revision. */
export type Burial = { readonly stack: string; readonly life: number; readonly revision: Revision };
export type Member = {
  readonly id: HostId;
  readonly name: string;
  readonly peerId: string;
  /** It has asked to leave: its slots go elsewhere, and its vote; then it is a member no more. */
  readonly leaving?: boolean;
} & Setting;

/** What users say of a host, wherever it is. */
export type Setting = {
  /** They win over those of the host's own settings; absent: none. */
  readonly labels?: Labels;
  /** Absent: it is given slots. `cordoned`: nothing new. `draining`: and what it has moves away. */
  readonly availability?: 'cordoned' | 'draining';
};

/** Under `stack/NAME`: the atomic point of a deploy (R0). */
export type Stack = {
  readonly kind: 'stack';
  /** Absent: destroyed, this is its tombstone (R8). */
  readonly spec?: StackSpec;
  /** Of a tombstone: what ends before others (O3), by name; absent: nothing depended on anything. */
  readonly dependents?: readonly Dependent[];
  /** Counts the tombstones so far: an assignment of an earlier life is void. */
  readonly life: number;
  /** When it was deployed, as the host that was asked says it; nothing goes by it. */
  readonly at?: string;
  /** As which it was written: later leaders commit it again under their own terms, unchanged (R3). */
  readonly since: Revision;
};

/** Under `component/ID`: who fills which slot, and for which spec (R0). */
export type Component = {
  readonly kind: 'component';
  readonly component: ComponentId;
  readonly life: number;
  /** The stack's revision this serves. */
  readonly stackRevision: Revision;
  readonly spec: ComponentSpec;
  /** Of `spec` (`revisionOf`); absent: of a record that is older than rollouts. */
  readonly revision?: string;
  /** Absent: every slot has `spec`, and nothing stands in its way. */
  readonly rollout?: Rollout;
  /** Its revisions, the oldest first and this one last; absent: of a job, or an older record. */
  readonly history?: readonly Past[];
  readonly slots: readonly Slot[];
  /** Of a job: what its slots run for. */
  readonly run?: Run;
};
/** A job runs anew with each revision of its spec, and where its stack was destroyed in between. */
export type Run = {
  /** `revisionOf(spec, stack)`. */
  readonly revision: string;
  /** Of the stack, when this run was decided on first. */
  readonly since: Revision;
};
/** A spec as it is told apart from others: equal revisions need no new instance. */
export type Version = { readonly revision: string; readonly spec: ComponentSpec };

/** How far a changed spec has come (`rollout/`): all that a new leader has to know of it. */
export type Rollout = {
  /** What slots that wait still have; the first is what is put back. */
  readonly former: readonly Version[];
  /** Slots whose new instance has failed on trial. */
  readonly failed: readonly number[];
  /** So many of these count no more, as a user has said that it is to go on; absent: none. */
  readonly forgiven?: number;
  /** Why it stands still; absent: it goes on. */
  readonly paused?: string;
  /** What the stack wants, and was taken back: it is not tried again. */
  readonly refused?: {
    readonly revision: string;
    readonly why: string;
    /** When it was deployed, as it was said there. */
    readonly at?: string;
  };
};

/** A revision that a component has had (`rollout/history.ts`). */
export type Past = {
  readonly revision: string;
  /** Absent: it is the record's own, or one that slots still have, or too large to be kept. */
  readonly spec?: ComponentSpec;
  /** Of the stack that wanted it first. */
  readonly since: Revision;
  /** When that was deployed, as it was said there. */
  readonly at?: string;
  /**
   * Absent: the present one.
   * - `done`: every slot had it, and it was replaced
   * - `takenBack`: too many failed; `undone`: a user has put another one back
   * - `paused`: it was replaced while it stood still; `overtaken`: while it was on its way
   */
  readonly became?: 'done' | 'takenBack' | 'undone' | 'paused' | 'overtaken';
  readonly why?: string;
};

export type Slot = {
  readonly slot: number;
  readonly host: HostId;
  /** The revision it still has, while it waits for its turn; absent: that of the record. */
  readonly former?: string;
  /** It was given the record's revision, and has yet to stand. */
  readonly trial?: boolean;
  /**
   * Hosts it was taken from when they were believed dead, oldest first: what runs of it there is left
   * alone until the leader has heard of it and decided (`on_heal`, `placement/heal.ts`).
   */
  readonly left?: readonly HostId[];
  /** Of a job: what has become of it in this run. It is not run again, whatever becomes of its host. */
  readonly ended?: SlotEnd;
  /** A host that is drained, and runs it until the one that has it now does (`placement/handover.ts`). */
  readonly from?: HostId;
  /** What it was given for ports without a number (`placement/ports.ts`); absent: none, or an older record. */
  readonly ports?: ChosenPorts;
};
export type SlotEnd = {
  readonly state: 'complete' | 'failed';
  /** Of the attempt that was the last; absent: its host was lost with it. */
  readonly attempt?: number;
  readonly exitCode?: number;
};

/** A record as committed: acknowledged by a quorum under exactly this revision (R4, R5). */
export type Committed = {
  readonly key: Key;
  readonly revision: Revision;
  readonly value: RecordValue;
};

/** What a deploy may expect to find: this revision, unchanged since; or no such stack (R7). */
export type Expected = Revision | 'none';

export const compareRevision = (a: Revision, b: Revision): number =>
  a.term - b.term || a.seq - b.seq;
export const showRevision = (revision: Revision): string => `${revision.term}.${revision.seq}`;
