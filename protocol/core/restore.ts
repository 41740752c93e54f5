/**
 * Reads back what the persist effects wrote: `host`, `roster`, `acceptor`, `record/KEY`,
 * `committed/KEY`. A voter that forgets a promise can make two leaders, so nothing is passed over:
 * whatever cannot be read, or contradicts the rest, is an error, and the agent must not start.
 */
import { type Key, key as keyOf } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { Config } from '../config.ts';
import type { Committed } from '../record/record.ts';
import type { Register } from '../record/register.ts';
import { brokenRegister, committed, register } from '../wire/record-schema.ts';
import { acceptor, keptRoster } from '../wire/roster-schema.ts';
import {
  boolean,
  decode,
  type DecodeError,
  object,
  refusal,
  type Schema,
  where,
  whole,
  within,
} from '../wire/schema.ts';
import { boot, key, length } from '../wire/vocabulary.ts';
import { emptyDisk, type Restored } from './state.ts';

/** A ceiling stands a block above the ballot that raised it, so it may exceed `COUNTER_MAX`. */
const host = object({
  boot,
  ceiling: whole(0, Number.MAX_SAFE_INTEGER),
  maxTermMs: length,
  synced: boolean,
});

const RECORD = 'record/';
const COMMITTED = 'committed/';

/** What is found on a disk, by name. Undefined: not there. */
type Found = { -readonly [K in 'roster' | 'acceptor']?: Restored[K] } & {
  host?: Pick<Restored, 'boot' | 'ceiling' | 'maxTermMs' | 'synced'>;
  readonly registers: Map<Key, Register>;
  readonly committed: Committed[];
};

/** `entries`: the core's part of the disk, by the names of its writes; of nobody else. */
export function decodeRestored(
  entries: ReadonlyMap<string, unknown>,
  config: Config,
): Result<Restored, DecodeError> {
  const found: Found = { registers: new Map(), committed: [] };
  for (const name of [...entries.keys()].sort(compareText)) {
    const error = read(found, name, entries.get(name));
    if (error !== undefined) return fail(within(`[${name}]`, error));
  }
  const gap = missing(found);
  if (gap !== undefined) return refusal('inconsistent', gap);
  const { host: numbers, roster, acceptor: kept, registers, committed: records } = found;
  return ok({
    ...emptyDisk(config),
    joins: roster === undefined || roster.epoch === 0,
    // Before its first start a founder has only its roster: there is nothing it could lack.
    ...(numbers ?? { synced: roster !== undefined && roster.voters.length > 0 }),
    ...(roster === undefined ? {} : { roster }),
    ...(kept === undefined ? {} : { acceptor: kept }),
    registers,
    committed: records,
  });
}

/** Puts one entry in its place. */
function read(found: Found, name: string, value: unknown): DecodeError | undefined {
  if (name === 'host') return take(host, value, (numbers) => (found.host = numbers));
  if (name === 'roster') return take(keptRoster, value, (roster) => (found.roster = roster));
  if (name === 'acceptor') return take(acceptor, value, (kept) => (found.acceptor = kept));
  if (name.startsWith(RECORD)) {
    const at = keyOf(name.slice(RECORD.length));
    const sound = where(object(register), (kept) => brokenRegister(at, kept));
    return (
      take(key, at, () => undefined) ?? take(sound, value, (kept) => found.registers.set(at, kept))
    );
  }
  if (name.startsWith(COMMITTED)) {
    const at = name.slice(COMMITTED.length);
    const own = where(committed, (record) =>
      record.key === at ? undefined : `it holds the record of ${record.key}`,
    );
    return take(own, value, (record) => found.committed.push(record));
  }
  return { code: 'unknown', path: '', message: 'nothing of this name is known to this version' };
}

function take<T>(
  schema: Schema<T>,
  value: unknown,
  keep: (value: T) => unknown,
): DecodeError | undefined {
  const decoded = decode(schema, value);
  if (!decoded.ok) return decoded.error;
  keep(decoded.value);
  return undefined;
}

/** What must have been on the disk before something that is there; undefined: nothing. */
function missing({
  host: numbers,
  roster,
  acceptor: kept,
  registers,
  committed: records,
}: Found): string | undefined {
  // The very first persist of an agent is `host`; only a founder's roster may stand before it.
  if (numbers === undefined && (kept !== undefined || registers.size > 0 || records.length > 0))
    return 'there are records, but not the host entry that is written before all others';
  if (roster === undefined && (kept !== undefined || registers.size > 0))
    return 'there is the state of a voter, but no roster that made this host one';
  if (kept !== undefined && roster !== undefined && kept.epoch > roster.epoch + 1)
    return `a vote for epoch ${kept.epoch}, but a roster of epoch ${roster.epoch}`;
  return undefined;
}
