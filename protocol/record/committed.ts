/**
 * The committed records this host knows: of each key the highest revision it was ever told of. Filled
 * by leaders' pushes, by anti-entropy and from disk; a record never goes back (R5), and is forgotten only
 * when its stack is buried (R8).
 *
 * Anti-entropy compares digests, which with very many records are arcs (`base/arc.ts`).
 */
import { nextArc, speaksFor } from '../base/arc.ts';
import type { Key } from '../base/ids.ts';
import { compareText, hash } from '../base/order.ts';
import type { DiskWrite } from '../effect.ts';
import { RECORDS_MAX } from '../limits.ts';
import type { Pull } from '../wire/message.ts';
import { type Burials, burialsIn, isBuried, NO_BURIALS } from './burial.ts';
import { type Committed, compareRevision, showRevision } from './record.ts';

/** Records in one digest; with more, each digest speaks for the next part of them. */
export const DIGEST_RECORDS_MAX = 500;

export type CommittedRecords = {
  readonly byKey: Map<Key, Committed>;
  /** Rises with every record taken over. */
  version: number;
  /** Stacks that the list of members has buried: nothing older of them is taken over. */
  burials: Burials;
  /** Keys that were buried since their end was last written to disk. */
  readonly dropped: Key[];
  /** What follows from the records, kept until the version changes. */
  derived: Derived | undefined;
  /** The last key of the last partial digest. */
  cursor: Key | undefined;
};
type Derived = {
  readonly version: number;
  readonly inOrder: readonly Committed[];
  readonly hash: number;
};
type Digest = Pull['records'];

export function createCommitted(restored: readonly Committed[]): CommittedRecords {
  const records: CommittedRecords = {
    byKey: new Map(),
    version: 0,
    burials: NO_BURIALS,
    dropped: [],
    derived: undefined,
    cursor: undefined,
  };
  for (const record of restored) mergeCommitted(records, record);
  return records;
}

/** Returns whether it was news. Beyond `RECORDS_MAX` keys a new key is refused. */
export function mergeCommitted(records: CommittedRecords, record: Committed): boolean {
  const known = records.byKey.get(record.key);
  if (isBuried(records.burials, record.key, record)) return false;
  if (known === undefined && records.byKey.size >= RECORDS_MAX) return false;
  if (known !== undefined && compareRevision(record.revision, known.revision) <= 0) return false;
  records.byKey.set(record.key, record);
  records.version += 1;
  if (record.value.kind === 'members') bury(records, burialsIn(record.value));
  return true;
}

/** Forgets all but one; returns what is to be deleted from the disk. */
export function keepOnly(records: CommittedRecords, kept: Key): readonly DiskWrite[] {
  const keys = [...records.byKey.keys()].filter((key) => key !== kept);
  for (const key of keys) records.byKey.delete(key);
  records.version += 1;
  return keys.map((key) => ({ name: `committed/${key}`, value: undefined }));
}

function bury(records: CommittedRecords, burials: Burials): void {
  records.burials = burials;
  for (const [key, record] of records.byKey) {
    if (!isBuried(burials, key, record)) continue;
    records.byKey.delete(key);
    records.dropped.push(key);
  }
}

export const committedOf = (records: CommittedRecords, key: Key): Committed | undefined =>
  records.byKey.get(key);

/** In key order. */
export const allCommitted = (records: CommittedRecords): readonly Committed[] =>
  derive(records).inOrder;

/** Over every key and its revision: equal on hosts that know the same. */
export const recordsHash = (records: CommittedRecords): number => derive(records).hash;

function derive(records: CommittedRecords): Derived {
  const { version } = records;
  if (records.derived?.version === version) return records.derived;
  const inOrder = [...records.byKey.values()].sort((a, b) => compareText(a.key, b.key));
  let sum = 0;
  for (const { key, revision } of inOrder) {
    const line = hash(`${key}\0${showRevision(revision)}`);
    sum = (Math.imul(sum, 31) + line) >>> 0;
  }
  records.derived = { version, inOrder, hash: sum };
  return records.derived;
}

/** What we know, for a peer to answer with what is newer. Moves on through the keys if many. */
export function nextDigest(records: CommittedRecords): Digest {
  const arc = nextArc(allCommitted(records), DIGEST_RECORDS_MAX, ({ key }) => key, records.cursor);
  records.cursor = arc.at(-1)?.key;
  return arc.map(({ key, revision }) => ({ key, revision }));
}

/** Records newer than the digest says, or missing from its arc; in key order. */
export function newerThan(records: CommittedRecords, digest: Digest): readonly Committed[] {
  const told = new Map(digest.map(({ key, revision }) => [key, revision]));
  const keys = [...told.keys()];
  return allCommitted(records).filter(({ key, revision }) => {
    const known = told.get(key);
    if (known !== undefined) return compareRevision(revision, known) > 0;
    return speaksFor(keys, DIGEST_RECORDS_MAX, key);
  });
}
