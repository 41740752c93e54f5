/** A destroyed stack is forgotten by all who hear of its burial, and by nobody else (R8). */
import { expect, it } from 'vitest';
import {
  componentId,
  componentKey,
  key,
  ROSTER_KEY,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import { isBuried } from '../../../protocol/record/burial.ts';
import {
  allCommitted,
  createCommitted,
  mergeCommitted,
} from '../../../protocol/record/committed.ts';
import type { Burial, Committed, RecordValue } from '../../../protocol/record/record.ts';
import { buryRegisters, type Register, type Registers } from '../../../protocol/record/register.ts';
import { spec } from '../reconcile/stage.ts';
import { order, turnOf } from '../turns.ts';

const at = (t: number, seq: number) => ({ term: term(t), seq });
const SHOP: Burial = { stack: 'shop', life: 2, revision: at(5, 1) };
const WEB = componentId('shop', 'web');

const stack = (t: number, seq: number, name = 'shop'): Committed => ({
  key: stackKey(name),
  revision: at(t, seq),
  value: { kind: 'stack', life: 2, since: at(t, seq) },
});
/** Serves the stack of revision (t', 0). */
const web = (t: number, stackTerm: number): Committed => ({
  key: componentKey(WEB),
  revision: at(t, 0),
  value: {
    kind: 'component',
    component: WEB,
    life: 1,
    stackRevision: at(stackTerm, 0),
    spec: spec({ name: 'web' }),
    slots: [],
  },
});
const members = (t: number, buried?: readonly Burial[]): Committed => ({
  key: ROSTER_KEY,
  revision: at(t, 0),
  value: { kind: 'members', members: [], ...(buried === undefined ? {} : { buried }) },
});

it.each<readonly [string, Committed, boolean, string]>([
  ['the tombstone', stack(5, 1), true, 'it is what was buried'],
  ['what was before it', stack(4, 9), true, 'it is older'],
  ['what was written after it', stack(5, 2), false, 'the stack is there again'],
  ['another stack', stack(4, 0, 'shopping'), false, 'it only begins alike'],
  ['an assignment from before', web(9, 5), true, 'it is void, whatever its own term'],
  [
    'an assignment of what was written after it',
    web(3, 6),
    false,
    'it is of the stack that is there again',
  ],
  ['the list of members', members(1), false, 'it is no part of any stack'],
])('%s is buried: %#, %s', (_what, record, buried) => {
  expect(isBuried(new Map([['shop', SHOP]]), record.key, record)).toBe(buried);
});

it('drops what a list of members buries, takes none of it back, and knows what to tell the disk', () => {
  const records = createCommitted([stack(5, 1), web(5, 4), stack(1, 0, 'mail'), members(1)]);
  expect(mergeCommitted(records, members(2, [SHOP]))).toBe(true);
  const keys = () => allCommitted(records).map((record) => record.key);
  expect(keys()).toEqual([stackKey('mail'), ROSTER_KEY]);
  expect(records.dropped).toEqual([stackKey('shop'), componentKey(WEB)]);
  for (const old of [stack(4, 9), stack(5, 1), web(7, 4)])
    expect(mergeCommitted(records, old)).toBe(false);
  expect(mergeCommitted(records, stack(6, 0))).toBe(true);
  expect(mergeCommitted(records, web(6, 6))).toBe(true);
  expect(keys()).toContain(componentKey(WEB));
});

it('finds buried on its disk what a crash has kept there', () => {
  const records = createCommitted([web(5, 4), stack(5, 1), members(2, [SHOP])]);
  expect(allCommitted(records).map((record) => record.key)).toEqual([ROSTER_KEY]);
  expect(records.dropped).toEqual([componentKey(WEB), stackKey('shop')]);
});

it('once a later list does not name it, a stack of the name may begin anew', () => {
  const records = createCommitted([members(2, [SHOP])]);
  mergeCommitted(records, members(3));
  expect(mergeCommitted(records, stack(1, 0))).toBe(true);
});

const registerOf = (promised: number, value: RecordValue, t: number): Register => ({
  promised: term(promised),
  revision: at(t, 1),
  value,
  deployIds: ['d1'],
});

it.each<readonly [string, Register, Register | undefined, readonly string[]]>([
  ['the tombstone', registerOf(5, stack(5, 1).value, 5), undefined, ['persist record/stack/shop']],
  [
    'the tombstone, outbid',
    registerOf(7, stack(5, 1).value, 5),
    { promised: term(7), deployIds: [] },
    ['persist record/stack/shop'],
  ],
  ['a later write', registerOf(6, stack(6, 1).value, 6), registerOf(6, stack(6, 1).value, 6), []],
])(
  'a voter that has %s forgets the value, never a higher promise (G2)',
  (_what, has, left, out) => {
    const name = stackKey('shop');
    const registers: Registers = new Map([
      [name, has],
      [key('stack/mail'), registerOf(1, stack(1, 1).value, 1)],
    ]);
    const turn = turnOf('v', 0);
    buryRegisters(registers, turn, new Map([['shop', SHOP]]));
    expect(registers.get(name)).toEqual(left);
    expect(registers.has(key('stack/mail'))).toBe(true);
    expect(order(turn.out)).toEqual(out);
  },
);
