/** Everything one agent's core knows, and how it begins. Each table is written by its own module only. */
import {
  ballot,
  type Boot,
  boot,
  type ClusterId,
  type ComponentId,
  epoch,
  type HostId,
  type Key,
} from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { createPrng, type Prng } from '../base/prng.ts';
import { type Instant, type Millis, millis, NEVER } from '../base/time.ts';
import { createDeploys, type Deploys } from '../command/deploys.ts';
import type { Adjusts } from '../command/adjusts.ts';
import type { Forgets } from '../command/forgets.ts';
import type { Leads } from '../command/leads.ts';
import { type Config, firstTerms } from '../config.ts';
import { beginInventory, createInventories, type Inventories } from '../inventory/inventories.ts';
import type { HostFacts, Leadership } from '../inventory/entry.ts';
import { CEILING_BLOCK, type Durable } from '../lease/durable.ts';
import { createLeases, type Leases } from '../lease/leases.ts';
import { createMembership, type Membership } from '../membership/membership.ts';
import type { Burials } from '../record/burial.ts';
import { type CommittedRecords, createCommitted } from '../record/committed.ts';
import { type Brake, createBrake } from '../placement/brake.ts';
import type { Pusher } from '../record/pusher.ts';
import type { Committed, Revision } from '../record/record.ts';
import type { Register, Registers } from '../record/register.ts';
import type { Writer } from '../record/writer.ts';
import { createSlots, type Slots } from '../reconcile/slots.ts';
import type { Acceptor } from '../roster/acceptor.ts';
import { type Council, createCouncil } from '../roster/council.ts';
import { type Roster, votersOf } from '../roster/roster.ts';
import type { Watch } from '../rollout/draft.ts';
import type { Turn } from '../turn.ts';
import type { JournalEntry } from '../view/view.ts';
import type { Endings } from './ending.ts';
import type { Finds } from './finding.ts';
import type { Knowledge } from './knowledge.ts';
import { createPulse, type Pulse } from './pulse.ts';
import { createGuarding, type Guarding, isFree } from './strict.ts';

/** Who this agent is; the same across restarts, but for the facts. */
export type Identity = {
  readonly host: HostId;
  readonly cluster: ClusterId;
  readonly name: string;
  readonly peerId: string;
  readonly facts: HostFacts;
};

/** What was found on disk. `decodeRestored` reads it, `emptyDisk` and `foundCluster` make the first. */
export type Restored = {
  readonly boot: Boot;
  readonly ceiling: number;
  readonly maxTermMs: number;
  readonly synced: boolean;
  readonly roster: Roster;
  readonly acceptor?: Acceptor;
  readonly registers: ReadonlyMap<Key, Register>;
  readonly committed: readonly Committed[];
  /** A user has told it to join: where its cluster has forgotten it, it may ask to be let in again. */
  readonly joins: boolean;
};

/** The disk of a host that has joined nothing yet: a roster of epoch 0 in which nobody votes. */
export function emptyDisk(config: Config): Restored {
  return {
    boot: boot(0),
    ceiling: 0,
    maxTermMs: 0,
    synced: false,
    roster: { epoch: epoch(0), voters: [], termMs: firstTerms(config) },
    registers: new Map(),
    committed: [],
    joins: true,
  };
}

/** The disk of the first host of a new cluster: its sole voter. */
export function foundCluster(host: HostId, config: Config): Restored {
  return {
    ...emptyDisk(config),
    joins: false,
    synced: true,
    roster: { epoch: epoch(1), voters: [host], termMs: firstTerms(config) },
  };
}

export type Core = {
  readonly config: Config;
  readonly identity: Identity;
  readonly prng: Prng;
  readonly boot: Boot;
  readonly durable: Durable;
  readonly council: Council;
  /** Set by the first input. */
  leases: Leases | undefined;
  readonly registers: Registers;
  /** One per key led. */
  readonly writers: Map<Key, Writer>;
  readonly pusher: Pusher;
  /** Boot and health under which each host was last told what it runs. */
  readonly told: Map<HostId, string>;
  /** Of the membership, when that was last looked at. */
  toldVersion: number;
  /** Of the committed records, when their list of members was last followed. */
  followedVersion: number;
  readonly committed: CommittedRecords;
  /** As which of the burials of `committed` were followed on disk and as a voter. */
  buriedBy: Burials | undefined;
  /** As the leader of the list of members: tombstones and burials, and since when it has seen them. */
  readonly graves: Map<string, Instant>;
  /** Newest revision of each component told by its leader since this agent started (R9). */
  readonly authorized: Map<Key, Revision>;
  readonly membership: Membership;
  readonly brake: Brake;
  readonly inventories: Inventories;
  readonly slots: Slots;
  /** At the last look at what runs here. */
  endings: Endings;
  finds: Finds;
  readonly guarding: Guarding;
  readonly pulse: Pulse;
  readonly deploys: Deploys;
  readonly leads: Leads;
  readonly forgets: Forgets;
  readonly adjusts: Adjusts;
  /** The newest decisions of this host, oldest first. */
  readonly journal: JournalEntry[];
  journalSeq: number;
  startedAt: Instant;
  lastStepAt: Instant;
  /** The next deadline of all, found by each step. */
  dueAt: Instant;
  /** When everything is to be settled, as found when it last was; and when at the latest. */
  settleAt: Instant;
  settleBy: Instant;
  /** When leases ask for something by themselves (`rhythm.ts`). */
  leasesAt: Instant;
  /** The detector's deadline, as found when it was last woken. */
  membershipAt: Instant;
  /** After a stall: no start before this, or before a peer has told us what we missed. */
  heldBackUntil: Instant;
  /** Send time of the newest keepalives that a quorum had acknowledged at the last look. */
  quorumHeardAt: Instant;
  /** The last step after a stall. */
  awakeAt: Instant;
  /** Some component's contract took this host for isolated at the last look. */
  isolated: boolean;
  joinAt: Instant;
  /** It may ask to be let in: a user has said so, and nobody has let it in since. */
  joins: boolean;
  /** The cluster has forgotten us, and we have done by it (`dismissal.ts`). */
  dismissed: boolean;
  /** Another agent runs under our identity: we serve nothing (README.md §5, "Copied disks"). */
  cloned: boolean;
  /** The agent was asked to end: nothing is done any more. */
  ended: boolean;
  /** Messages ignored because their sender is no member. */
  strangers: number;
  /** When those were told so. */
  readonly strangersToldAt: Map<HostId, Instant>;
  /** Hosts that follow an earlier generation of voters, and when they were told ours. */
  readonly outlivedToldAt: Map<HostId, Instant>;
  /** Hosts that follow voters forced elsewhere, and when they were heard last. */
  readonly rivals: Map<HostId, Instant>;
  /** Derived from the tables above, renewed when their versions change. */
  knowledge: Knowledge | undefined;
  /** What was known when everything was settled last. */
  settled: Knowledge | undefined;
  /** What our own inventory was last made from. */
  offered: Offered | undefined;
  /** What each component's leader last decided on: while it is the same, so is the decision. */
  readonly decided: Map<Key, Decided>;
  /** What the leader of each component has seen of its rollout. */
  readonly watches: Map<ComponentId, Watch>;
  readonly connected: Set<HostId>;
  /** Components whose assignment was last explained, so that each reason is journaled once. */
  readonly explained: Map<ComponentId, string>;
};

export type Offered = {
  /** Of the slots. */
  readonly version: number;
  readonly guard: boolean;
  readonly silentAfter: Millis | undefined;
  readonly led: readonly Leadership[];
};

export type Decided = {
  /** Or newer: nothing that counts for it has changed since (`assign.ts`). */
  knowledge: Knowledge;
  readonly record: Committed | undefined;
  /** How many slots of dead hosts it was allowed to move. */
  readonly movesMax: number;
  /** Until a rollout goes on by itself, or a slot may be moved to balance. */
  readonly dueAt: Instant | undefined;
  /** Since when nothing speaks against that but the time (`balance.ts`); undefined: something does. */
  readonly calmSince: Instant | undefined;
  /** Whatever is new, it is to be decided anew. */
  readonly isTimely: boolean;
};

/** Everything is decided by these four and the inputs (determinism law, `../core.ts`). */
export function newCore(
  config: Config,
  identity: Identity,
  seed: number,
  restored: Restored,
): Core {
  const present = boot(restored.boot + 1);
  const durable: Durable = {
    boot: present,
    ceiling: ballot(restored.ceiling),
    maxTermMs: millis(restored.maxTermMs),
    // Whoever does not vote has nothing to vote with: so it is on disk before any roster says it votes.
    synced: restored.synced && votersOf(restored.roster).includes(identity.host),
  };
  return {
    config,
    identity,
    prng: createPrng(seed),
    boot: present,
    durable,
    council: createCouncil(restored.roster, restored.acceptor),
    leases: undefined,
    registers: new Map([...restored.registers].sort(([a], [b]) => compareText(a, b))),
    writers: new Map(),
    pusher: new Map(),
    told: new Map(),
    toldVersion: -1,
    followedVersion: -1,
    committed: createCommitted(restored.committed),
    buriedBy: undefined,
    graves: new Map(),
    authorized: new Map(),
    membership: createMembership(),
    brake: createBrake(),
    inventories: createInventories(identity.host, present),
    slots: createSlots(),
    endings: new Map(),
    finds: new Map(),
    guarding: createGuarding(),
    pulse: createPulse(),
    deploys: createDeploys(),
    leads: new Map(),
    forgets: new Map(),
    adjusts: new Map(),
    journal: [],
    journalSeq: 0,
    startedAt: NEVER,
    lastStepAt: NEVER,
    dueAt: NEVER,
    settleAt: NEVER,
    settleBy: NEVER,
    leasesAt: NEVER,
    membershipAt: NEVER,
    heldBackUntil: NEVER,
    quorumHeardAt: NEVER,
    awakeAt: NEVER,
    isolated: false,
    joinAt: NEVER,
    joins: restored.joins,
    dismissed: false,
    cloned: false,
    ended: false,
    strangers: 0,
    strangersToldAt: new Map(),
    outlivedToldAt: new Map(),
    rivals: new Map(),
    knowledge: undefined,
    settled: undefined,
    offered: undefined,
    decided: new Map(),
    connected: new Set(),
    explained: new Map(),
    watches: new Map(),
  };
}

export function turnOf(core: Core, now: Instant): Turn {
  return {
    now,
    config: core.config,
    self: core.identity.host,
    boot: core.boot,
    prng: core.prng,
    out: [],
  };
}

/** The first step: nothing may leave before boot and ceiling are durable (L-b). */
export function begin(core: Core, turn: Turn): Leases {
  const { durable, council } = core;
  const leases = createLeases(durable, turn, council.roster, (key) => isFree(core, key));
  core.durable.ceiling = ballot(core.durable.ceiling + CEILING_BLOCK);
  core.startedAt = turn.now;
  beginInventory(core.inventories, turn);
  core.leases = leases;
  turn.out.push({ kind: 'persist', writes: [{ name: 'host', value: { ...core.durable } }] });
  return leases;
}
