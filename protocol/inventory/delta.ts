/**
 * Answers to pulls: what the asker is missing, cut to fit a frame. A delta grows until it has reached
 * `DELTA_CHARS`, so both sides can tell from it alone whether it was cut: who receives a full one that
 * taught it something asks again at once.
 */
import { speaksFor } from '../base/arc.ts';
import type { HostId } from '../base/ids.ts';
import { between, type Instant } from '../base/time.ts';
import { DELTA_OPS_MAX } from '../limits.ts';
import { type CommittedRecords, newerThan } from '../record/committed.ts';
import type { Committed, RecordValue } from '../record/record.ts';
import type { Delta, InventoryOp, Pull } from '../wire/message.ts';
import type { Entry } from './entry.ts';
import { type Inventory, opsAfter } from './inventory.ts';

/**
 * Approximate characters after which nothing more is added. The last thing added may be a stack of
 * `STACK_CHARS_MAX`: together they stay below 200 KB, and a frame takes 262.
 */
const DELTA_CHARS = 65_536;
/** Owners in one digest: with more, each speaks for the next part of them. They take about 1 KB. */
export const DIGEST_OWNERS_MAX = 32;
/** Counted for each item besides its text; bounds the number of items by itself. */
const ITEM_CHARS = 96;

type Part = Delta['inventories'][number];
type Known = Pull['inventories'][number];

/** By owner, in the order of owners. */
export type InOrder = readonly (readonly [HostId, Inventory])[];

/** Everything that `asker` is missing, as far as it fits. `undefined`: nothing. */
export function answerTo(
  asker: HostId,
  pull: Pull,
  inventories: InOrder,
  committed: CommittedRecords,
  now: Instant,
): Delta | undefined {
  const known = new Map(pull.inventories.map((one) => [one.owner, one]));
  const owners = [...known.keys()];
  const parts: Part[] = [];
  let chars = 0;
  for (const [owner, inventory] of inventories) {
    if (chars >= DELTA_CHARS) break;
    if (owner === asker) continue;
    const theirs = known.get(owner);
    if (theirs === undefined && !speaksFor(owners, DIGEST_OWNERS_MAX, owner)) continue;
    const missing = missingOf(owner, inventory, theirs, DELTA_CHARS - chars);
    if (missing === undefined) continue;
    const part = { ...missing, ageMs: between(inventory.begunAt, now) };
    parts.push(part);
    chars += partChars(part);
  }
  const records: Committed[] = [];
  for (const record of newerThan(committed, pull.records)) {
    if (chars >= DELTA_CHARS) break;
    records.push(record);
    chars += recordChars(record);
  }
  if (parts.length === 0 && records.length === 0) return undefined;
  return { kind: 'delta', inventories: parts, records };
}

/** Whether its sender may have had more to say. */
export function isFull({ inventories, records }: Delta): boolean {
  let chars = 0;
  for (const part of inventories) chars += partChars(part);
  for (const record of records) chars += recordChars(record);
  return chars >= DELTA_CHARS || inventories.some(({ ops }) => ops.length >= DELTA_OPS_MAX);
}

function missingOf(
  owner: HostId,
  inventory: Inventory,
  known: Known | undefined,
  room: number,
): Omit<Part, 'ageMs'> | undefined {
  const { boot, forgotten } = inventory;
  if (known !== undefined && known.boot > boot) return undefined;
  const had = known?.boot === boot ? known.version : 0;
  // An older boot is superseded even by one that has not written anything yet.
  const supersedes = known !== undefined && known.boot < boot;
  if (had >= inventory.version && !supersedes) return undefined;
  const reset = had < forgotten;
  const from = reset ? 0 : had;
  const missing = opsAfter(inventory, from);
  const ops = firstOps(missing, DELTA_OPS_MAX, room);
  const complete = ops.length === missing.length;
  const version = complete ? inventory.version : (ops.at(-1)?.version ?? from);
  return { owner, boot, reset, from, version, ops };
}

/** As many as fit, and at least one; without gaps, in order. */
export function firstOps(
  ops: readonly InventoryOp[],
  countMax: number,
  charsMax: number,
): readonly InventoryOp[] {
  let chars = 0;
  let count = 0;
  for (const op of ops) {
    if (count >= countMax || chars >= charsMax) break;
    chars += opChars(op);
    count += 1;
  }
  return ops.slice(0, count);
}

function textChars(value: Entry | RecordValue): number {
  let chars = lengths.get(value);
  if (chars === undefined) lengths.set(value, (chars = JSON.stringify(value).length));
  return chars;
}

/** Entries and records are never changed, and each is told to many. */
const lengths = new WeakMap<Entry | RecordValue, number>();

export const opChars = ({ name, entry }: InventoryOp): number =>
  ITEM_CHARS + name.length + (entry === undefined ? 0 : textChars(entry));
const partChars = ({ ops }: Part): number =>
  ops.reduce((chars, op) => chars + opChars(op), ITEM_CHARS);
const recordChars = ({ value }: Committed): number => ITEM_CHARS + textChars(value);
