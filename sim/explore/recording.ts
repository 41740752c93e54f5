/**
 * The hosts of a record walk: a leader with the writer that ships, a voter with the register that ships
 * and its disk. What a record holds is the chain of writes that led to it, one letter each.
 */
import { boot, hostId, type HostId, type Key, key, term } from '../../protocol/base/ids.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Committed, RecordValue } from '../../protocol/record/record.ts';
import { onRead, onWrite, type Register, type Registers } from '../../protocol/record/register.ts';
import {
  createWriter,
  onReadAck,
  onWriteAck,
  reread,
  write,
  type Writer,
} from '../../protocol/record/writer.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Turn } from '../../protocol/turn.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { turnAt } from './voting.ts';

const KEY = key('stack/shop');

/** `written`: how many writes of its own it has begun, so that each gets another letter. */
export type Leader = { readonly writer: Writer; written: number; readonly host: number };
export type RegisterHost = { registers: Registers; readonly disk: Map<Key, Register> };

export type LeaderEvent =
  | { readonly kind: 'heard'; readonly voter: HostId; readonly message: Message }
  | { readonly kind: 'write' }
  /** Its lease has a higher ballot now, which becomes the record's term (R6). */
  | { readonly kind: 'reread'; readonly term: number };

type Said = readonly { readonly to: number; readonly message: Message }[];
/** A revision that a leader has committed, or serves, with the writes it consists of. */
export type Exposed = {
  readonly term: number;
  readonly seq: number;
  readonly value: string;
  /** The ids of the deploys that are kept with it. */
  readonly ids: string;
  readonly served: boolean;
};

export const precedes = (a: Exposed, b: Exposed): boolean =>
  a.term < b.term || (a.term === b.term && a.seq < b.seq);
export const showExposed = ({ term: n, seq, value, served }: Exposed): string =>
  `${n}.${seq} = [${value}] was ${served ? 'served' : 'committed'}`;

const turnOf = (): Turn => turnAt(hostId('m'), boot(1));

export function createLeader(
  host: number,
  of: number,
  roster: Roster,
): { readonly leader: Leader; readonly out: Said } {
  const turn = turnOf();
  const writer = createWriter(KEY, term(of), turn, roster);
  return { leader: { writer, written: 0, host }, out: said(turn.out, roster) };
}

function said(effects: readonly Effect[], roster: Roster): Said {
  return effects.flatMap((effect) =>
    effect.kind === 'send'
      ? [{ to: roster.voters.indexOf(effect.to), message: effect.message }]
      : [],
  );
}

export function copyLeader({ writer, written, host }: Leader): Leader {
  const { pending, reads } = writer;
  const copy = pending && { ...pending, acks: new Set(pending.acks) };
  return { writer: { ...writer, reads: new Map(reads), pending: copy }, written, host };
}

/** Apart for what concerns each voter, so that voters in the same state are alike. */
export function printLeader(
  { writer, written, host }: Leader,
  roster: Roster,
): { readonly own: string; readonly links: readonly string[] } {
  const { phase, term: of, seq, pending, record, deployIds, reads } = writer;
  const { revision, value } = pending ?? {};
  const base = record && `${record.revision.term}.${record.revision.seq}${chainOf(record.value)}`;
  const open = revision && value && `${revision.term}.${revision.seq}${chainOf(value)}`;
  return {
    own: `${host} ${phase} ${of} ${seq} ${written} ${base} ${open} ${deployIds.join('')}`,
    links: roster.voters.map(
      (voter) => `${pending?.acks.has(voter)} ${JSON.stringify(reads.get(voter))}`,
    ),
  };
}

const chainOf = (value: RecordValue): string =>
  value.kind === 'members' ? value.members.map(({ id }) => id).join('') : '';
const valueOf = (chain: string): RecordValue => ({
  kind: 'members',
  members: chain.split('').map((letter) => ({ id: hostId(letter), name: letter, peerId: letter })),
});

export function befallLeader(
  leader: Leader,
  roster: Roster,
  event: LeaderEvent,
): { readonly out: Said; readonly exposed: readonly Exposed[] } {
  const { writer } = leader;
  const turn = turnOf();
  const before = writer.phase;
  let committed: Committed | undefined;
  switch (event.kind) {
    case 'heard':
      if (event.message.kind === 'readAck')
        onReadAck(writer, turn, roster, event.voter, event.message, {});
      if (event.message.kind === 'writeAck')
        committed = onWriteAck(writer, roster, event.voter, event.message);
      break;
    case 'write': {
      const letter = String.fromCodePoint(97 + leader.host * 8 + leader.written);
      leader.written += 1;
      const chain = writer.record === undefined ? '' : chainOf(writer.record.value);
      write(writer, turn, roster, valueOf(chain + letter), letter);
      break;
    }
    case 'reread':
      reread(writer, turn, roster, term(event.term));
      break;
  }
  const serves = before !== 'serving' && writer.phase === 'serving';
  const exposed = exposedBy(writer, committed, serves);
  return { out: said(turn.out, roster), exposed };
}

function exposedBy(
  { record, term: of, deployIds }: Writer,
  committed: Committed | undefined,
  serves: boolean,
): readonly Exposed[] {
  const ids = deployIds.join('');
  if (committed !== undefined) {
    const { revision, value } = committed;
    return [{ ...revision, value: chainOf(value), ids, served: false }];
  }
  const value = record === undefined ? '' : chainOf(record.value);
  return serves ? [{ term: of, seq: 0, value, ids, served: true }] : [];
}

export const copyRegister = ({ registers, disk }: RegisterHost): RegisterHost => ({
  registers: new Map(registers),
  disk: new Map(disk),
});

/** Without the voter's own name: voters in the same state are alike. */
export const printRegister = ({ registers, disk }: RegisterHost): string => {
  const kept = disk.get(KEY);
  const known = registers.get(KEY);
  return `${printOf(known)} ${kept === known ? '' : printOf(kept)}`;
};

const printOf = (register: Register | undefined): string => {
  if (register === undefined) return '-';
  const { promised, revision, value, deployIds } = register;
  const chain = value === undefined ? '' : chainOf(value);
  return `${promised} ${revision?.term}.${revision?.seq}${chain} ${deployIds.join('')}`;
};

/** What the voter answers. `crashes`: right after the first effect, be it a write or an answer. */
export function befallRegister(
  host: RegisterHost,
  from: HostId,
  message: Message,
  crashes: boolean,
): readonly Message[] {
  const turn = turnOf();
  if (message.kind === 'read') onRead(host.registers, turn, from, message);
  if (message.kind === 'write') onWrite(host.registers, turn, from, message);
  const out: Message[] = [];
  for (const effect of crashes ? turn.out.slice(0, 1) : turn.out) {
    if (effect.kind === 'persist') keep(host.disk, effect.writes);
    if (effect.kind === 'send') out.push(effect.message);
  }
  if (crashes) host.registers = new Map(host.disk);
  return out;
}

function keep(disk: Map<Key, Register>, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes)
    disk.set(key(name.slice('record/'.length)), value as Register);
}
