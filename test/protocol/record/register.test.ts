import { expect, it } from 'vitest';
import { epoch, hostId, stackKey, term } from '../../../protocol/base/ids.ts';
import type { Stack } from '../../../protocol/record/record.ts';
import {
  mergeRegister,
  onRead,
  onWrite,
  type Registers,
  wipeRegisters,
} from '../../../protocol/record/register.ts';
import { order, theOnly, turnOf } from '../turns.ts';

const KEY = stackKey('shop');
const P = hostId('p');
const life = (n: number): Stack => ({
  kind: 'stack',
  life: n,
  since: { term: term(1), seq: 1 },
});
const at = (t: number, seq: number) => ({ term: term(t), seq });

/** A register that has promised 5 and stored (5, 2). */
function stored(): Registers {
  return new Map([
    [KEY, { promised: term(5), revision: at(5, 2), value: life(1), deployIds: ['d1'] }],
  ]);
}

function write(registers: Registers, t: number, seq: number) {
  const turn = turnOf('v', 0);
  const message = { epoch: epoch(1), key: KEY, revision: at(t, seq), value: life(9) };
  onWrite(registers, turn, P, { kind: 'write', deployIds: ['d9'], ...message });
  return { outcome: theOnly(turn, 'writeAck').outcome, order: order(turn.out) };
}

function read(registers: Registers, t: number) {
  const turn = turnOf('v', 0);
  onRead(registers, turn, P, { kind: 'read', epoch: epoch(1), key: KEY, term: term(t) });
  return { ...theOnly(turn, 'readAck'), order: order(turn.out) };
}

it.each([
  [4, 9, 'refused', 'below the promise (R2)'],
  [5, 1, 'superseded', 'an earlier write of the same term'],
  [5, 2, 'stored', 'the same again changes nothing'],
  [5, 3, 'stored', 'the next write'],
  [6, 0, 'stored', 'a higher term'],
])('write (%i, %i): %s, %s', (t, seq, outcome, _why) => {
  expect(write(stored(), t, seq).outcome).toBe(outcome);
});

it('writes to disk before it acknowledges, and only what changed (G1)', () => {
  const registers = stored();
  expect(write(registers, 5, 3).order).toEqual(['persist record/stack/shop', 'send p writeAck']);
  expect(write(registers, 5, 3).order).toEqual(['send p writeAck']);
  expect(write(registers, 4, 9).order).toEqual(['send p writeAck']);
});

it.each([
  [4, false, [], 'below the promise'],
  [5, true, [], 'the promise itself'],
  [6, true, ['persist record/stack/shop'], 'a higher term is promised, durably (R1)'],
])('read by term %i: ok %s, %j, %s', (t, ok, persisted, _why) => {
  const answer = read(stored(), t);
  expect(answer).toMatchObject({ ok, revision: at(5, 2), value: life(1) });
  expect(answer.order).toEqual([...persisted, 'send p readAck']);
});

it('after a read by a higher term the old leader can write no more (G2)', () => {
  const registers = stored();
  read(registers, 7);
  expect(write(registers, 5, 3).outcome).toBe('refused');
  expect(write(registers, 7, 0).outcome).toBe('stored');
});

it.each([
  [{ promised: term(9), deployIds: [] }, 9, 1, 'a higher promise alone'],
  [{ promised: term(3), revision: at(3, 0), value: life(7), deployIds: [] }, 5, 1, 'older'],
  [{ promised: term(6), revision: at(6, 0), value: life(7), deployIds: [] }, 6, 7, 'newer'],
  [{ promised: term(5), revision: at(5, 3), value: life(7), deployIds: [] }, 5, 7, 'a later write'],
])('merging %j: promised %i, life %i, %s (roster rule 4)', (theirs, promised, lives, _why) => {
  const registers = stored();
  mergeRegister(registers, turnOf('v', 0), { key: KEY, ...theirs });
  expect(registers.get(KEY)).toMatchObject({ promised, value: { life: lives } });
});

it('a removed voter forgets on disk too (Q5, roster rule 6)', () => {
  const registers = stored();
  expect(wipeRegisters(registers)).toEqual([{ name: 'record/stack/shop', value: undefined }]);
  expect(registers.size).toBe(0);
});
