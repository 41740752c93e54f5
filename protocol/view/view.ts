/** What one agent believes of the whole cluster, as plain data for `status`, `ps`, `why` and tests. */
import type { ClusterId, ComponentId, Epoch, HostId, Term } from '../base/ids.ts';
import type { Instant, Millis } from '../base/time.ts';
import type { Labels } from '../component/label.ts';
import type { Wanted } from './wanted.ts';

export type ClusterView = {
  readonly cluster: ClusterId;
  readonly from: HostId;
  /** How long ago the alive peer heard least recently was heard; 0 when alone. */
  readonly ageMs: Millis;
  /** Alive peers whose last heartbeat shows the same records and roster as ours. */
  readonly agree: number;
  /** Members other than us that have not left. */
  readonly peers: number;
  readonly roster: {
    readonly epoch: Epoch;
    readonly voters: readonly HostId[];
    readonly next?: readonly HostId[];
  };
  /** Hosts that follow voters forced elsewhere; absent: none. */
  readonly rivals?: readonly HostId[];
  /** Another agent runs under this host's identity, with a newer start: this one serves nothing. */
  readonly copied?: true;
  /** Whether a quorum of voters has acknowledged us within the last second. */
  readonly quorum: boolean;
  /** What the brake on correlated failures does at present; absent: nothing. */
  readonly brake?: string;
  readonly leaders: readonly LeaderView[];
  readonly hosts: readonly HostView[];
  readonly stacks: readonly StackView[];
};

/** `validUntil` is set only for keys this host leads, as its own core computed it. */
export type LeaderView = {
  readonly key: string;
  readonly host: HostId;
  readonly term: Term;
  readonly validUntil?: Instant;
};

export type HostView = {
  readonly id: HostId;
  readonly name: string;
  readonly self: boolean;
  readonly voter: boolean;
  /** It votes if need be, and runs nothing. */
  readonly witness: boolean;
  readonly state: 'alive' | 'suspect' | 'dead' | 'left';
  /** It has left as its machine reboots, and is to be back within this; absent: it is not awaited. */
  readonly backWithinMs?: Millis;
  /** It has asked to leave the cluster: what it has goes to others. Absent: it stays. */
  readonly leaving?: true;
  /** As users have set it: it is given nothing new, or what it has goes elsewhere too. Absent: neither. */
  readonly availability?: 'cordoned' | 'draining';
  /** Its own and those that users have set; absent: none. */
  readonly labels?: Labels;
  /** Time in this state. */
  readonly sinceMs: Millis;
  readonly heardMsAgo?: Millis;
  /** E.g. `docker 20.10.24 (API 1.41)`; absent until its inventory is known. */
  readonly engine?: string;
  /** For how long its engine has answered nothing, as the host itself has said; absent: it answers. */
  readonly engineSilentMs?: Millis;
  /** Something that is deployed is a strict singleton, and no guard answers there; absent: none is needed. */
  readonly unguarded?: true;
  readonly agent?: string;
  readonly instances: number;
};

export type StackView = {
  readonly name: string;
  readonly revision: string;
  readonly components: readonly ComponentView[];
};

export type ComponentView = {
  readonly id: ComponentId;
  readonly wanted: Wanted;
  readonly running: number;
  readonly healthy: number;
  /** Digest of its spec. */
  readonly revision: string;
  readonly leader?: { readonly host: HostId; readonly term: Term };
  readonly slots: readonly SlotView[];
  /** Absent: every slot has the same spec, and nothing was taken back. */
  readonly rollout?: RolloutView;
  /** Its leader has yet to decide by what was deployed last. */
  readonly pending?: true;
  /** Why it is not as wanted, and what comes next; absent when all is well. */
  readonly note?: string;
};

export type RolloutView = {
  /** What is to come, or has come back. */
  readonly revision: string;
  /** What slots had before; absent: nothing is left of it. */
  readonly from?: string;
  /** A former revision comes back, as too many have failed or a user has said so. */
  readonly isBack?: true;
  /** It is paused by a user's word. */
  readonly held?: true;
  /** Its leader has not heard yet what a user said last. */
  readonly pending?: true;
  /** `takenBack`: the wanted revision has failed, and the one before is put back. */
  readonly state: 'going' | 'paused' | 'takenBack';
  /** Slots that have stood. */
  readonly done: number;
  readonly total: number;
  /** Slots whose new instance has yet to stand. */
  readonly trial: readonly number[];
  /** The revision that was taken back: it is in quarantine. */
  readonly refused?: string;
  /** When that had been deployed, as it was said there. */
  readonly refusedAt?: string;
  readonly why?: string;
};

/** A slot and what fills it, by the record and its host's inventory. */
export type SlotView = {
  readonly slot: number;
  readonly host?: HostId;
  /** Who runs it until its host does. */
  readonly from?: HostId;
  readonly instance?: InstanceView;
  /** Of a job: its run is over, by the record. */
  readonly ended?: 'complete' | 'failed';
  readonly note?: string;
};

export type InstanceState =
  | 'pending'
  | 'assigned'
  | 'preparing'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'complete'
  | 'failed'
  | 'rejected'
  | 'shutdown';

export type InstanceView = {
  /** `STACK.COMPONENT.SLOT`. */
  readonly id: string;
  readonly host: HostId;
  readonly state: InstanceState;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly attempt: number;
  /** Restarts counted by the budget now in force. */
  readonly restarts: number;
  readonly crashLoop: boolean;
  readonly engineId?: string;
  readonly pid?: number;
  readonly startedAt?: string;
  readonly exitCode?: number;
  readonly revision: string;
  readonly term: Term;
  readonly ports: readonly {
    readonly target: number;
    readonly address: string;
    readonly published: number;
    /** Absent: TCP. */
    readonly protocol?: 'udp';
  }[];
  /** Why it is in this state: `exit 137`, `unhealthy`, `waits for shop.db healthy`, … */
  readonly reason?: string;
};

/** One line of the decision log of one host. */
export type JournalEntry = {
  /** Rises by one per entry of this host and boot. */
  readonly seq: number;
  readonly at: Instant;
  readonly kind: string;
  /** Ids it concerns: a component, an instance, a host, a key. */
  readonly about: readonly string[];
  readonly text: string;
};
