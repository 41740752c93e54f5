/**
 * The inventories of all hosts, each written by its owner alone and learned by everyone.
 *
 *     own writes ──coalesceMs──▶ gossip a delta (a hint)
 *     a gap, or a newer version in a beat ──▶ pull from the owner at once
 *     every pullMs ──▶ pull from one random peer (the certainty), with many owners an arc of them
 *
 * The rules of one inventory are in `inventory.ts`. Committed records travel in the same pulls.
 *
 * Source: README.md §8 (push for speed, pull for certainty), S9, S10.
 */
import { nextArc } from '../base/arc.ts';
import type { Boot, HostId } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { pick, within } from '../base/prng.ts';
import { sameData } from '../base/same.ts';
import {
  after,
  before,
  between,
  earlier,
  type Instant,
  later,
  millis,
  NEVER,
  seconds,
} from '../base/time.ts';
import { DELTA_OPS_MAX, ENTRIES_MAX, MEMBERS_MAX, RECORDS_MAX } from '../limits.ts';
import { type CommittedRecords, mergeCommitted, nextDigest } from '../record/committed.ts';
import type { Committed } from '../record/record.ts';
import { journal, publish, send, type Turn } from '../turn.ts';
import type { Delta, InventoryDelta, Pull } from '../wire/message.ts';
import { answerTo, DIGEST_OWNERS_MAX, firstOps, type InOrder, isFull, opChars } from './delta.ts';
import { type Entry, LEASE_ENTRIES, type Matter, mattersOf } from './entry.ts';
import { type Inventory, newInventory, opsAfter, put, take, tidy } from './inventory.ts';
import { keepDecisions, type Witnessed } from './log.ts';

export type Inventories = {
  readonly self: HostId;
  readonly byOwner: Map<HostId, Inventory>;
  /** Rises with every change of any inventory. */
  version: number;
  /** Rises with `version`, but not if only decisions have changed, on which nothing else rests. */
  factsVersion: number;
  /** Of each matter, the `factsVersion` with which anything of it changed last (`changedIn`). */
  readonly changedAt: Map<Matter, number>;
  /** The `factsVersion` with which any matter may have changed, because an inventory came or went whole. */
  allChangedAt: number;
  /** What follows from the inventories, kept until the version changes. */
  derived: Derived | undefined;
  /** The newest decisions of earlier starts of other hosts, oldest first. */
  readonly past: Map<HostId, readonly Witnessed[]>;
  /** Our own version as far as it was gossiped. */
  published: number;
  /** When to gossip our own changes; undefined: there are none. */
  gossipAt: Instant | undefined;
  pullAt: Instant;
  /** The last owner of the last pull from a random peer. */
  cursor: HostId | undefined;
  /** Whom to ask beside the rhythm, and when. */
  readonly asks: Map<HostId, Instant>;
  readonly askedAt: Map<HostId, Instant>;
  /** Of whom we have been behind, by their own word, since then. */
  readonly behindSince: Map<HostId, Instant>;
  /** Those of them that do not answer: what they once said they lead they may long have given up (I4). */
  readonly outdated: Set<HostId>;
  /** Whose inventories are kept; undefined: anyone's. */
  owners: ReadonlySet<HostId> | undefined;
  /** An entry of our own did not fit; said once. */
  overfull: boolean;
};

type Derived = {
  readonly version: number;
  readonly inOrder: InOrder;
  /** Of all but our own. */
  readonly digest: Pull['inventories'];
};

/** Between two pulls from one peer that a gap or a newer version asks for. */
const ASK_EVERY_MS = millis(300);
/** What somebody says it leads counts for so long after it has had other news: as long as a lease. */
const BEHIND_MS = seconds(3);
/** Approximate characters of one gossiped delta, well below `GOSSIP_BYTES_MAX`. */
const GOSSIP_CHARS = 16_384;

const NO_ENTRIES: ReadonlyMap<string, Entry> = new Map();

export const createInventories = (self: HostId, boot: Boot): Inventories => ({
  self,
  byOwner: new Map([[self, newInventory(boot, NEVER)]]),
  past: new Map(),
  version: 0,
  factsVersion: 0,
  changedAt: new Map(),
  allChangedAt: 0,
  derived: undefined,
  published: 0,
  gossipAt: undefined,
  pullAt: NEVER,
  cursor: undefined,
  asks: new Map(),
  askedAt: new Map(),
  behindSince: new Map(),
  outdated: new Set(),
  owners: undefined,
  overfull: false,
});

/** Whether what any host says on the matter may have changed since `factsVersion` was `since`. */
export const hasChanged = (inv: Inventories, matter: Matter, since: number): boolean =>
  inv.allChangedAt > since || (inv.changedAt.get(matter) ?? 0) > since;

export const entriesOf = (inv: Inventories, owner: HostId): ReadonlyMap<string, Entry> =>
  inv.byOwner.get(owner)?.entries ?? NO_ENTRIES;

/** When the present start of the owner's agent was, by our clock. */
export const begunAtOf = (inv: Inventories, owner: HostId): Instant | undefined =>
  inv.byOwner.get(owner)?.begunAt;

/** Our agent begins: from here on it has an age to tell. */
export function beginInventory(inv: Inventories, turn: Turn): void {
  ownOf(inv, turn).begunAt = turn.now;
}

/** In the order of owners. */
export const allEntries = (
  inv: Inventories,
): readonly (readonly [HostId, ReadonlyMap<string, Entry>])[] =>
  derive(inv).inOrder.map(([owner, { entries }]) => [owner, entries]);

function derive(inv: Inventories): Derived {
  const { version } = inv;
  if (inv.derived?.version === version) return inv.derived;
  const inOrder = sorted(inv.byOwner);
  const others = inOrder.filter(([owner]) => owner !== inv.self);
  const digest = others.map(([owner, known]) => ({
    owner,
    boot: known.boot,
    version: known.version,
  }));
  inv.derived = { version, inOrder, digest };
  return inv.derived;
}

/** For beats and heartbeats: as far as it was gossiped, so that nobody pulls what is on its way. */
export const ownVersion = (inv: Inventories): number => inv.published;

/** Keeps the inventories of these hosts only, from now on. Our own always stays. */
export function forgetOwners(inv: Inventories, keep: readonly HostId[]): void {
  inv.owners = new Set([...keep, inv.self]);
  for (const owner of inv.byOwner.keys()) {
    if (inv.owners.has(owner)) continue;
    for (const table of [inv.byOwner, inv.past, inv.asks, inv.askedAt]) table.delete(owner);
    hear(inv, owner);
    noteWhole(inv);
  }
}

/** Our own entry; undefined deletes it. What does not fit is left out and said in the journal. */
export function writeEntry(
  inv: Inventories,
  turn: Turn,
  name: string,
  entry: Entry | undefined,
): void {
  const own = ownOf(inv, turn);
  const was = own.entries.get(name);
  if (sameData(was, entry)) return;
  if (was === undefined && own.entries.size >= ENTRIES_MAX) {
    if (!inv.overfull)
      journal(turn, 'inventory', [name], `not told to others: ${ENTRIES_MAX} entries are the most`);
    inv.overfull = true;
    return;
  }
  if (entry === undefined) inv.overfull = false;
  put(own, name, entry);
  noteChange(inv, [name]);
  inv.gossipAt ??= after(turn.now, turn.config.coalesceMs);
}

/** Gossips our own changes and pulls, each when due. `peers`: alive hosts, with or without us. */
export function wakeInventories(
  inv: Inventories,
  committed: CommittedRecords,
  turn: Turn,
  peers: readonly HostId[],
): void {
  if (inv.gossipAt !== undefined && turn.now >= inv.gossipAt) gossip(inv, turn);
  for (const [peer, at] of sorted(inv.asks))
    if (turn.now >= at) pullFrom(inv, committed, turn, peer);
  if (turn.now < inv.pullAt) return;
  const { pullMs } = turn.config;
  const fifth = Math.floor(pullMs / 5);
  inv.pullAt = after(turn.now, millis(within(turn.prng, pullMs - fifth, pullMs + fifth)));
  const others = peers.filter((peer) => peer !== inv.self);
  if (others.length === 0) return;
  inv.cursor = pullFrom(inv, committed, turn, pick(turn.prng, others), inv.cursor);
}

/** Gossips our own changes without waiting for more. */
export function tellNow(inv: Inventories, turn: Turn): void {
  if (inv.gossipAt !== undefined) gossip(inv, turn);
}

export function inventoriesDeadline(inv: Inventories): Instant | undefined {
  let deadline = earlier(inv.gossipAt, inv.pullAt);
  for (const at of inv.asks.values()) deadline = earlier(deadline, at);
  return deadline;
}

function gossip(inv: Inventories, turn: Turn): void {
  const own = ownOf(inv, turn);
  const from = inv.published;
  // Of what was forgotten before it was gossiped only a pull can tell, and of what is too large.
  const all = from < own.forgotten ? [] : opsAfter(own, from);
  const ops = firstOps(all, DELTA_OPS_MAX, GOSSIP_CHARS);
  const last = ops.at(-1);
  inv.published = ops.length < all.length && last !== undefined ? last.version : own.version;
  inv.gossipAt = inv.published < own.version ? after(turn.now, turn.config.coalesceMs) : undefined;
  if (last === undefined || ops.some((op) => opChars(op) > GOSSIP_CHARS / 2)) return;
  const { boot } = own;
  const ageMs = between(own.begunAt, turn.now);
  publish(turn, { kind: 'inventoryDelta', owner: inv.self, boot, ageMs, from, ops });
}

/**
 * Asks one peer for everything it knows that we do not; of many owners only for the next ones, `from`
 * that peer or another on. Returns the last of them.
 */
export function pullFrom(
  inv: Inventories,
  committed: CommittedRecords,
  turn: Turn,
  peer: HostId,
  from: HostId | undefined = peer,
): HostId | undefined {
  inv.asks.delete(peer);
  inv.askedAt.set(peer, turn.now);
  const { digest } = derive(inv);
  const inventories = nextArc(digest, DIGEST_OWNERS_MAX, ({ owner }) => owner, from);
  send(turn, peer, { kind: 'pull', inventories, records: nextDigest(committed) });
  return inventories.at(-1)?.owner;
}

/** An owner's own word of its version: behind it, we ask the owner. */
export function noteVersion(
  inv: Inventories,
  turn: Turn,
  owner: HostId,
  boot: Boot,
  version: number,
): void {
  const known = inv.byOwner.get(owner);
  const isBehind =
    known?.boot === boot
      ? version > known.version
      : known === undefined
        ? version > 0
        : boot > known.boot;
  if (!isBehind || !isKept(inv, owner)) return;
  ask(inv, turn, owner);
  const since = inv.behindSince.get(owner) ?? turn.now;
  inv.behindSince.set(owner, since);
  if (turn.now < after(since, BEHIND_MS) || inv.outdated.has(owner)) return;
  inv.outdated.add(owner);
  noteClaims(inv, owner);
}

/** There is news of it, or none is wanted any more. */
function hear(inv: Inventories, owner: HostId): void {
  inv.behindSince.delete(owner);
  if (inv.outdated.delete(owner)) noteClaims(inv, owner);
}

const noteClaims = (inv: Inventories, owner: HostId): void =>
  noteChange(
    inv,
    [...entriesOf(inv, owner).keys()].filter((name) => name.startsWith(LEASE_ENTRIES)),
  );

/** Soon: the next wake sends the pull. */
function ask(inv: Inventories, turn: Turn, peer: HostId): void {
  if (inv.asks.has(peer)) return;
  const askedAt = inv.askedAt.get(peer) ?? NEVER;
  inv.asks.set(peer, later(turn.now, after(askedAt, ASK_EVERY_MS)));
}

/** Gossip from an owner, possibly lost in part, repeated, or out of order. */
export function onInventoryDelta(
  inv: Inventories,
  turn: Turn,
  { owner, boot, ageMs, from, ops }: InventoryDelta,
): void {
  const version = ops.at(-1)?.version ?? from;
  const outcome = merge(inv, turn, { owner, boot, ageMs, reset: false, from, version, ops });
  if (outcome === 'gap') ask(inv, turn, owner);
}

export function onPull(
  inv: Inventories,
  committed: CommittedRecords,
  turn: Turn,
  from: HostId,
  pull: Pull,
): void {
  const delta = answerTo(from, pull, derive(inv).inOrder, committed, turn.now);
  if (delta !== undefined) send(turn, from, delta);
}

/** Returns the records that were news; they are merged into `committed` already. */
export function onDelta(
  inv: Inventories,
  committed: CommittedRecords,
  turn: Turn,
  from: HostId,
  delta: Delta,
): readonly Committed[] {
  const outcomes = delta.inventories.map((part) => merge(inv, turn, part));
  const changed = delta.records.filter((record) => mergeCommitted(committed, record));
  const isNews = changed.length > 0 || outcomes.includes('news');
  // Every round makes progress, so the rounds end.
  if (isNews && isFull(delta)) inv.asks.set(from, turn.now);
  return changed;
}

type Part = Delta['inventories'][number];

function merge(inv: Inventories, turn: Turn, part: Part): 'news' | 'known' | 'gap' {
  const { owner, boot, ageMs, reset, from, version, ops } = part;
  if (!isKept(inv, owner)) return 'known'; // S9: of ourselves nobody knows better
  const known = inv.byOwner.get(owner);
  const current = known?.boot === boot ? known : undefined;
  if (known !== undefined && boot < known.boot) return 'known';
  if (current !== undefined && version <= current.version) return 'known';
  if (!reset && from > (current?.version ?? 0)) return 'gap'; // I1
  const begunAt = before(turn.now, ageMs);
  const next =
    current === undefined || reset
      ? newInventory(boot, begunAt, reset ? (ops[0]?.version ?? version + 1) - 1 : 0)
      : current;
  next.begunAt = begunAt;
  if (known !== undefined && current === undefined) keepDecisions(inv, owner, known);
  for (const op of ops) take(next, op);
  next.version = Math.max(next.version, version);
  tidy(next);
  inv.byOwner.set(owner, next);
  hear(inv, owner);
  if (next !== current) noteWhole(inv);
  else
    noteChange(
      inv,
      ops.map(({ name }) => name),
    );
  return 'news';
}

/** These entries of one inventory have changed. */
function noteChange(inv: Inventories, names: readonly string[]): void {
  inv.version += 1;
  const matters = names.flatMap(mattersOf);
  if (matters.length === 0) return;
  inv.factsVersion += 1;
  for (const matter of matters) inv.changedAt.set(matter, inv.factsVersion);
  if (inv.changedAt.size > RECORDS_MAX) noteAll(inv);
}

/** An inventory has come or gone, or begins anew. */
function noteWhole(inv: Inventories): void {
  inv.version += 1;
  inv.factsVersion += 1;
  noteAll(inv);
}

function noteAll(inv: Inventories): void {
  inv.allChangedAt = inv.factsVersion;
  inv.changedAt.clear();
}

/** Whether another host's inventory is wanted, and there is room for it. */
function isKept(inv: Inventories, owner: HostId): boolean {
  if (owner === inv.self) return false;
  if (inv.owners !== undefined) return inv.owners.has(owner);
  return inv.byOwner.has(owner) || inv.byOwner.size < MEMBERS_MAX;
}

function ownOf(inv: Inventories, turn: Turn): Inventory {
  let own = inv.byOwner.get(inv.self);
  if (own === undefined) {
    own = newInventory(turn.boot, turn.now);
    inv.byOwner.set(inv.self, own);
  }
  return own;
}
