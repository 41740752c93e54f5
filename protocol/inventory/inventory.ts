/**
 * One owner's inventory as known here: a map of entries and the version of each name's last change.
 *
 * Invariants (test/protocol/inventory):
 *  I1 (boot, version) only rises, and everything the owner changed up to `version` is reflected here:
 *     ops are taken in order and without gaps (S9).
 *  I2 What was deleted comes back only by a later write of its owner (S10). A tombstone may be
 *     forgotten once no live entry is older than it; `forgotten` is the newest so lost. Whoever asks
 *     from below that must forget everything first (`reset`).
 *  I3 Every live entry is newer than `forgotten`, so the first page of a reset lifts its reader above
 *     it: a reset is never asked for twice.
 *
 * Source: scuttlebutt as in quickwit-oss/chitchat. Unlike there the digest carries no GC version: an
 * owner rewrites its old entries before it forgets (I3), and everyone forgets by the same rule.
 */
import type { Boot } from '../base/ids.ts';
import type { Instant } from '../base/time.ts';
import { ENTRIES_MAX } from '../limits.ts';
import type { InventoryOp } from '../wire/message.ts';
import type { Entry } from './entry.ts';

export type Inventory = {
  readonly boot: Boot;
  /** When the owner's agent has begun this boot, by our clock: as the newest news of it says. */
  begunAt: Instant;
  version: number;
  readonly entries: Map<string, Entry>;
  /** Version of the last change of each name; a name without an entry is a tombstone. */
  readonly changes: Map<string, number>;
  forgotten: number;
};

/** Tombstones kept per owner; with more, all older than the oldest live entry are forgotten. */
export const TOMBSTONES_MAX = 500;
/** Names kept of another owner; new ones beyond it are left out. An honest owner stays far below. */
const NAMES_MAX = 2 * ENTRIES_MAX;

/** `forgotten`: what the source of a reset may have forgotten, at most. */
export const newInventory = (boot: Boot, begunAt: Instant, forgotten = 0): Inventory => ({
  boot,
  begunAt,
  version: 0,
  entries: new Map(),
  changes: new Map(),
  forgotten,
});

/** The owner's own write of one name. */
export function put(inventory: Inventory, name: string, entry: Entry | undefined): void {
  record(inventory, name, entry, inventory.version + 1);
  inventory.version += 1;
  if (countTombstones(inventory) <= TOMBSTONES_MAX) return;
  for (const [old, kept] of inventory.entries) {
    inventory.version += 1;
    record(inventory, old, kept, inventory.version);
  }
  forget(inventory);
}

/** Takes over one op of another owner; what is not newer is known already (I1). */
export function take(inventory: Inventory, { name, version, entry }: InventoryOp): void {
  if (version <= inventory.version) return;
  inventory.version = version;
  if (inventory.changes.size >= NAMES_MAX && !inventory.changes.has(name)) return;
  record(inventory, name, entry, version);
}

/** Forgets tombstones, if there are many, that no live entry is older than (I2). */
export function tidy(inventory: Inventory): void {
  if (countTombstones(inventory) > TOMBSTONES_MAX) forget(inventory);
}

/** Everything changed after `version`, in order of change. */
export function opsAfter(inventory: Inventory, version: number): readonly InventoryOp[] {
  const ops: InventoryOp[] = [];
  for (const [name, changed] of inventory.changes) {
    if (changed <= version) continue;
    const entry = inventory.entries.get(name);
    ops.push({ name, version: changed, ...(entry === undefined ? {} : { entry }) });
  }
  return ops.sort((a, b) => a.version - b.version);
}

function record(
  inventory: Inventory,
  name: string,
  entry: Entry | undefined,
  version: number,
): void {
  inventory.changes.set(name, version);
  if (entry === undefined) inventory.entries.delete(name);
  else inventory.entries.set(name, entry);
}

const countTombstones = ({ changes, entries }: Inventory): number => changes.size - entries.size;

function forget(inventory: Inventory): void {
  let oldest = Infinity;
  for (const name of inventory.entries.keys())
    oldest = Math.min(oldest, inventory.changes.get(name) ?? Infinity);
  for (const [name, changed] of inventory.changes) {
    if (inventory.entries.has(name) || changed > oldest) continue;
    inventory.changes.delete(name);
    inventory.forgotten = Math.max(inventory.forgotten, changed);
  }
}
