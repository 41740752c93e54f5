/**
 * Everything agents say to each other. The sender is what the authenticated connection says it is,
 * so no message names its own sender (gossip does: see `Heartbeat`, `Rumor`, `InventoryDelta`).
 * Durations only, never timestamps. The codec and the limits are in `decode.ts` and `../limits.ts`.
 */
import type { Ballot, Boot, Epoch, Fork, HostId, Incarnation, Key, Term } from '../base/ids.ts';
import type { Millis } from '../base/time.ts';
import type { StackSpec } from '../component/spec.ts';
import type { Entry } from '../inventory/entry.ts';
import type { LeaseClass } from '../lease/class.ts';
import type { Committed, Expected, RecordValue, Revision, Setting } from '../record/record.ts';
import type { Roster } from '../roster/roster.ts';

/** `fork`: of whoever says it; absent: its voters were never forced. */
export type Message = Said & { readonly fork?: Fork };

type Said =
  // Detector. Sent on the urgent lane; they promise nothing, so they overtake a pending persist.
  | Beat
  | Probe
  | ProbeAck
  | ProbeFor
  | ProbeForAck
  | Knock
  | Rumor
  // Dissemination.
  | Heartbeat
  | InventoryDelta
  | Pull
  | Delta
  // Roster.
  | RosterPrepare
  | RosterPromise
  | RosterAccept
  | RosterAccepted
  | RosterChosen
  | SyncPull
  | SyncPage
  // Leases.
  | Keepalive
  | KeepaliveAck
  | Prepare
  | PrepareAck
  | Accept
  | AcceptAck
  | Release
  | Open
  | HandOver
  | Revoke
  // Records.
  | Read
  | ReadAck
  | Write
  | WriteAck
  | Push
  | PushAck
  // What a user asked of another host.
  | Deploy
  | DeployResult
  | Join
  | Welcome
  | Forget
  | Adjust
  | Dismissed;

/** To the sender's watchers, every `beatMs`. */
export type Beat = {
  readonly kind: 'beat';
  readonly boot: Boot;
  readonly seq: number;
  readonly incarnation: Incarnation;
  /** Of the sender's own inventory: a gap shows a lost delta. */
  readonly inventoryVersion: number;
};
export type Probe = { readonly kind: 'probe'; readonly nonce: number };
export type ProbeAck = {
  readonly kind: 'probeAck';
  readonly nonce: number;
  readonly boot: Boot;
  readonly incarnation: Incarnation;
};
/** Asks another watcher to probe `about`. */
export type ProbeFor = {
  readonly kind: 'probeFor';
  readonly nonce: number;
  readonly about: HostId;
};
/** `heard`: what `about` answered; absent: it has not (a nack). */
export type ProbeForAck = {
  readonly kind: 'probeForAck';
  readonly nonce: number;
  readonly about: HostId;
  readonly heard?: { readonly boot: Boot; readonly incarnation: Incarnation };
};
/** To the other watchers of `about`: how a fresh connect of ours to its agent's port ended. */
export type Knock = {
  readonly kind: 'knock';
  readonly about: HostId;
  /** As we know it. */
  readonly boot: Boot;
  readonly outcome: 'connected' | 'refused' | 'silent';
};
/** Gossiped, and sent straight to the accused. `by`: who says so. */
export type Rumor = {
  readonly kind: 'rumor';
  readonly by: HostId;
  readonly about: HostId;
  readonly boot: Boot;
  readonly incarnation: Incarnation;
  readonly health: 'alive' | 'suspect' | 'dead' | 'left';
  /** Of one that has left as its machine reboots: how long until it is back, at most. */
  readonly backWithinMs?: Millis;
};

/** Gossiped to all every max(1 s, N/20 s). */
export type Heartbeat = {
  readonly kind: 'heartbeat';
  readonly host: HostId;
  readonly boot: Boot;
  readonly seq: number;
  readonly incarnation: Incarnation;
  readonly inventoryVersion: number;
  readonly epoch: Epoch;
  /** Hash over (key, revision) of every committed record the sender knows. */
  readonly recordsHash: number;
};

/** One change of an owner's inventory. `entry` absent: deleted. */
export type InventoryOp = {
  readonly name: string;
  readonly version: number;
  readonly entry?: Entry;
};
/** Gossiped by the owner: the ops after `from`, without gaps. A hint; the pull is the certainty. */
export type InventoryDelta = {
  readonly kind: 'inventoryDelta';
  readonly owner: HostId;
  readonly boot: Boot;
  /** Since the owner's agent has begun this boot. */
  readonly ageMs: Millis;
  readonly from: number;
  readonly ops: readonly InventoryOp[];
};
/** Asks one peer for everything newer than this. */
export type Pull = {
  readonly kind: 'pull';
  readonly inventories: readonly {
    readonly owner: HostId;
    readonly boot: Boot;
    readonly version: number;
  }[];
  readonly records: readonly { readonly key: Key; readonly revision: Revision }[];
};
/** Answers a pull. Ops of one owner are sorted by version and without gaps; `reset`: forget first. */
export type Delta = {
  readonly kind: 'delta';
  readonly inventories: readonly {
    readonly owner: HostId;
    readonly boot: Boot;
    readonly ageMs: Millis;
    readonly reset: boolean;
    readonly from: number;
    /** The version reached after applying `ops`. */
    readonly version: number;
    readonly ops: readonly InventoryOp[];
  }[];
  readonly records: readonly Committed[];
};

/** Number of an attempt at a roster: by `n`, then by host. */
export type RosterBallot = { readonly n: number; readonly host: HostId };
/** `base` is a chosen roster; the attempt is for the epoch after it. */
export type RosterPrepare = {
  readonly kind: 'rosterPrepare';
  readonly base: Roster;
  readonly ballot: RosterBallot;
};
export type RosterPromise = {
  readonly kind: 'rosterPromise';
  /** The epoch attempted. */
  readonly epoch: Epoch;
  readonly ballot: RosterBallot;
  readonly ok: boolean;
  readonly promised: RosterBallot;
  readonly accepted?: { readonly ballot: RosterBallot; readonly roster: Roster };
};
export type RosterAccept = {
  readonly kind: 'rosterAccept';
  readonly base: Roster;
  readonly ballot: RosterBallot;
  readonly roster: Roster;
};
export type RosterAccepted = {
  readonly kind: 'rosterAccepted';
  readonly epoch: Epoch;
  readonly ballot: RosterBallot;
  readonly ok: boolean;
  readonly promised: RosterBallot;
};
/** Also the answer to every message of a lower epoch. */
export type RosterChosen = { readonly kind: 'rosterChosen'; readonly roster: Roster };
/** A new voter fetches records, promises and ceiling from the old voters, a page at a time. */
export type SyncPull = {
  readonly kind: 'syncPull';
  readonly epoch: Epoch;
  readonly after: Key | '';
};
export type SyncPage = {
  readonly kind: 'syncPage';
  readonly epoch: Epoch;
  readonly after: Key | '';
  readonly records: readonly {
    readonly key: Key;
    readonly promised: Term;
    readonly revision?: Revision;
    readonly value?: RecordValue;
    readonly deployIds: readonly string[];
  }[];
  /** False: ask again after the last key. */
  readonly last: boolean;
  readonly ceiling: Ballot;
  readonly maxTermMs: Millis;
};

/** Names one session of one host with one voter: the voter's boot, its count, its nonce. */
export type Grant = { readonly boot: Boot; readonly count: number; readonly nonce: number };
export type Keepalive = {
  readonly kind: 'keepalive';
  readonly epoch: Epoch;
  readonly class: LeaseClass;
  readonly termMs: Millis;
  readonly seq: number;
  readonly sid: Boot;
  readonly grant?: Grant;
};
export type KeepaliveAck = {
  readonly kind: 'keepaliveAck';
  readonly epoch: Epoch;
  readonly class: LeaseClass;
  readonly seq: number;
  readonly sid: Boot;
  readonly grant: Grant;
  /** True: this keepalive extended the session. */
  readonly fresh: boolean;
  /** The highest sid the voter has seen from the holder: a clone shows itself here. */
  readonly yourBoot: Boot;
  /** False: a new voter that has not merged the old voters' state yet. */
  readonly synced: boolean;
  /** The longest T the voter has ever granted. */
  readonly maxTermMs: Millis;
  /** Bindings that a user has taken from the sender, all of this class: it must let go of them. */
  readonly revoked: readonly Attempt[];
  /** Of this class alone. */
  readonly bindings: readonly { readonly key: Key; readonly ballot: Ballot }[];
};
export type Attempt = { readonly key: Key; readonly ballot: Ballot };
export type Prepare = {
  readonly kind: 'prepare';
  readonly epoch: Epoch;
  readonly sid: Boot;
  readonly items: readonly Attempt[];
};
export type PrepareAck = {
  readonly kind: 'prepareAck';
  readonly epoch: Epoch;
  readonly sid: Boot;
  readonly items: readonly (Attempt & {
    readonly status: 'open' | 'self' | 'held' | 'silent' | 'nack';
    readonly hint: Ballot;
  })[];
};
export type Accept = {
  readonly kind: 'accept';
  readonly epoch: Epoch;
  readonly sid: Boot;
  readonly grant: Grant;
  readonly items: readonly Attempt[];
};
export type AcceptAck = {
  readonly kind: 'acceptAck';
  readonly epoch: Epoch;
  readonly sid: Boot;
  readonly grant: Grant;
  readonly items: readonly (Attempt & { readonly ok: boolean; readonly hint: Ballot })[];
};
export type Release = {
  readonly kind: 'release';
  readonly sid: Boot;
  readonly items: readonly Attempt[];
  /** The sender's agent ends, and with it its session of class normal. */
  readonly ends: boolean;
  /** Who should lead them next. */
  readonly prefer?: HostId;
};
/** A hint to candidates: these keys have just become free here, and `prefer` is to try first. */
export type Open = {
  readonly kind: 'open';
  readonly keys: readonly Key[];
  readonly prefer?: HostId;
};
/** A user asks the leader of this key to let another host lead it. */
export type HandOver = { readonly kind: 'handOver'; readonly key: Key; readonly to: HostId };
/** A user takes keys from their leader, whose bindings of at most these ballots are to end. */
export type Revoke = {
  readonly kind: 'revoke';
  readonly epoch: Epoch;
  readonly items: readonly Attempt[];
  readonly prefer: HostId;
};

export type Read = {
  readonly kind: 'read';
  readonly epoch: Epoch;
  readonly key: Key;
  readonly term: Term;
};
export type ReadAck = {
  readonly kind: 'readAck';
  readonly epoch: Epoch;
  readonly key: Key;
  readonly term: Term;
  readonly ok: boolean;
  readonly promised: Term;
  readonly revision?: Revision;
  readonly value?: RecordValue;
  readonly deployIds: readonly string[];
};
export type Write = {
  readonly kind: 'write';
  readonly epoch: Epoch;
  readonly key: Key;
  readonly revision: Revision;
  readonly value: RecordValue;
  readonly deployIds: readonly string[];
};
export type WriteAck = {
  readonly kind: 'writeAck';
  readonly epoch: Epoch;
  readonly key: Key;
  readonly revision: Revision;
  readonly outcome: 'stored' | 'superseded' | 'refused';
  readonly promised: Term;
};
/** The leader itself tells a host of a committed record, until it is acknowledged. */
export type Push = { readonly kind: 'push'; readonly record: Committed };
export type PushAck = { readonly kind: 'pushAck'; readonly key: Key; readonly revision: Revision };

/** Forwarded to the stack's leader. `spec` absent: destroy. */
export type Deploy = {
  readonly kind: 'deploy';
  readonly deployId: string;
  readonly stack: string;
  readonly spec?: StackSpec;
  /** When it was asked for, for people to read; absent: it is not said. */
  readonly at?: string;
  /** Absent: whatever is there. */
  readonly expect?: Expected;
};
export type DeployResult = {
  readonly kind: 'deployResult';
  readonly deployId: string;
  readonly outcome: DeployOutcome;
};
export type DeployOutcome =
  | { readonly kind: 'committed'; readonly revision: Revision; readonly changed: boolean }
  /** Nothing was written. `code`: `no-quorum`, `not-leader`, `no-such-stack`, `stale`,
   *  `too-large`, `busy`. */
  | { readonly kind: 'refused'; readonly code: string; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** From a host with the secret that is not a member yet, to any member. */
export type Join = {
  readonly kind: 'join';
  readonly host: HostId;
  readonly name: string;
  readonly peerId: string;
  readonly boot: Boot;
};
/** The joiner is now a member: the roster and the committed list it stands in. */
export type Welcome = {
  readonly kind: 'welcome';
  readonly roster: Roster;
  readonly members: Committed;
};
/**
 * To the leader of the list of members: a user wants this host, which does not come back, to be a member
 * no more; or, of the sender itself, it is to leave.
 */
export type Forget = { readonly kind: 'forget'; readonly host: HostId };
/**
 * To the leader of the list of members: a user wants this host's setting to be so. Done only where
 * `adjusted` is what the list says: a late one is void.
 */
export type Adjust = {
  readonly kind: 'adjust';
  readonly host: HostId;
  readonly adjusted: number;
} & Setting;
/** To a host that speaks as a member: it is none by this list, which names no host of its id. */
export type Dismissed = { readonly kind: 'dismissed'; readonly members: Committed };
