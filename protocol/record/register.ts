/**
 * One voter's durable registers, one per key: the highest term it has promised and the record it has
 * accepted. Safe by ballots alone; that the term's holder is unique in time only saves work.
 *
 * Invariants:
 *  G1 Nothing is acknowledged before it is durable (R1, R2).
 *  G2 A promised term never falls; a record is replaced only by a higher revision under a term not
 *     below the promise.
 *
 * Source: README.md §6, R1, R2, R7.
 */
import { type HostId, type Key, term, type Term } from '../base/ids.ts';
import type { DiskWrite } from '../effect.ts';
import { RECORDS_MAX } from '../limits.ts';
import { persist, send, type Turn } from '../turn.ts';
import type { Read, SyncPage, Write } from '../wire/message.ts';
import { type Burials, isBuried } from './burial.ts';
import { type Committed, compareRevision, type RecordValue, type Revision } from './record.ts';

export type Register = {
  readonly promised: Term;
  readonly revision?: Revision;
  readonly value?: RecordValue;
  readonly deployIds: readonly string[];
};
export type Registers = Map<Key, Register>;

const EMPTY: Register = { promised: term(0), deployIds: [] };

function store(registers: Registers, turn: Turn, key: Key, register: Register): void {
  registers.set(key, register);
  persist(turn, `record/${key}`, register); // G1
}

export function onRead(registers: Registers, turn: Turn, from: HostId, message: Read): void {
  const { epoch, key } = message;
  const known = registers.get(key) ?? EMPTY;
  const ok = message.term >= known.promised;
  if (ok && message.term > known.promised) {
    if (!registers.has(key) && registers.size >= RECORDS_MAX) return;
    store(registers, turn, key, { ...known, promised: message.term });
  }
  const { promised, ...rest } = registers.get(key) ?? EMPTY;
  send(turn, from, { kind: 'readAck', epoch, key, term: message.term, ok, promised, ...rest });
}

export function onWrite(registers: Registers, turn: Turn, from: HostId, message: Write): void {
  const { epoch, key, revision, value, deployIds } = message;
  const known = registers.get(key) ?? EMPTY;
  const answer = (outcome: 'stored' | 'superseded' | 'refused', promised: Term): void =>
    send(turn, from, { kind: 'writeAck', epoch, key, revision, outcome, promised });
  if (revision.term < known.promised) return answer('refused', known.promised);
  const order = known.revision === undefined ? 1 : compareRevision(revision, known.revision);
  if (order < 0) return answer('superseded', known.promised);
  if (order > 0) {
    if (!registers.has(key) && registers.size >= RECORDS_MAX) return;
    store(registers, turn, key, { promised: revision.term, revision, value, deployIds });
  }
  answer('stored', revision.term);
}

/** Merges one register of an old voter: highest revision, highest promise (roster rule 4). */
export function mergeRegister(
  registers: Registers,
  turn: Turn,
  { key, ...theirs }: SyncPage['records'][number],
): void {
  const ours = registers.get(key) ?? EMPTY;
  const newer =
    theirs.revision !== undefined &&
    (ours.revision === undefined || compareRevision(theirs.revision, ours.revision) > 0);
  const promised = theirs.promised > ours.promised ? theirs.promised : ours.promised;
  if (!newer && promised === ours.promised) return;
  store(registers, turn, key, { ...(newer ? theirs : ours), promised });
}

/**
 * What was buried is forgotten. A promise of a higher term than its own stays, or whoever was outbid by
 * it could write again (G2).
 */
export function buryRegisters(registers: Registers, turn: Turn, burials: Burials): void {
  for (const [key, register] of registers) {
    const { promised, revision } = register;
    if (revision === undefined || !isBuried(burials, key, register)) continue;
    if (promised > revision.term) {
      store(registers, turn, key, { promised, deployIds: [] });
    } else {
      registers.delete(key);
      persist(turn, `record/${key}`, undefined);
    }
  }
}

/** A forced voter begins with what it knows as committed: what must be on its disk for that. */
export function seedRegisters(
  registers: Registers,
  committed: readonly Committed[],
): readonly DiskWrite[] {
  const writes: DiskWrite[] = [];
  for (const { key, revision, value } of committed) {
    const known = registers.get(key) ?? EMPTY;
    if (known.revision !== undefined && compareRevision(revision, known.revision) <= 0) continue;
    const promised = known.promised > revision.term ? known.promised : revision.term;
    const register: Register = { promised, revision, value, deployIds: [] };
    writes.push({ name: `record/${key}`, value: register });
  }
  return writes;
}

/** A removed voter forgets its records (roster rule 6); returns what the caller must persist. */
export function wipeRegisters(registers: Registers): readonly DiskWrite[] {
  const writes = [...registers.keys()].map((key) => ({ name: `record/${key}`, value: undefined }));
  registers.clear();
  return writes;
}
