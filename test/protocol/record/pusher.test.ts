/** Who is told of a committed record, and how often. */
import { expect, it } from 'vitest';
import { boot, hostId, key, term } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  onPushAck,
  push,
  pushAlso,
  type Pusher,
  repeatPushes,
} from '../../../protocol/record/pusher.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import type { Turn } from '../../../protocol/turn.ts';

const KEY = key('stack/shop');
const [a, b, c] = ['a', 'b', 'c'].map(hostId) as [
  ReturnType<typeof hostId>,
  ReturnType<typeof hostId>,
  ReturnType<typeof hostId>,
];
const recordAt = (seq: number): Committed => ({
  key: KEY,
  revision: { term: term(1), seq },
  value: { kind: 'stack', life: 0, since: { term: term(1), seq: 1 } },
});
const turnAt = (ms: number): Turn => ({
  now: instant(ms),
  config: LAN,
  self: hostId('self'),
  boot: boot(1),
  prng: createPrng(1),
  out: [],
});
const told = (turn: Turn): readonly string[] =>
  turn.out.flatMap((effect) => (effect.kind === 'send' ? [effect.to] : []));

it('one more host is told alone, whoever else still waits', () => {
  const pusher: Pusher = new Map();
  push(pusher, turnAt(0), recordAt(1), [a, b]);
  const turn = turnAt(10);
  pushAlso(pusher, turn, recordAt(1), c);
  expect(told(turn)).toEqual(['c']);
});

it('all who wait are told again after a while, until each has answered', () => {
  const pusher: Pusher = new Map();
  push(pusher, turnAt(0), recordAt(1), [a, b]);
  pushAlso(pusher, turnAt(10), recordAt(1), c);
  onPushAck(pusher, a, KEY, recordAt(1).revision);
  const early = turnAt(LAN.retryMs - 1);
  repeatPushes(pusher, early, () => true);
  const late = turnAt(LAN.retryMs);
  repeatPushes(pusher, late, () => true);
  expect([told(early), told(late)]).toEqual([[], ['b', 'c']]);
});

it('who waits for an older record is told of the newer with the one more host', () => {
  const pusher: Pusher = new Map();
  push(pusher, turnAt(0), recordAt(1), [a]);
  const turn = turnAt(10);
  pushAlso(pusher, turn, recordAt(2), b);
  expect(told(turn)).toEqual(['a', 'b']);
});
