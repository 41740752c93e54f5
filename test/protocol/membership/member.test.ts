import { expect, it } from 'vitest';
import { boot, hostId, incarnation } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import {
  type Belief,
  believe,
  confirm,
  type Health,
  hear,
  type Member,
  newMember,
} from '../../../protocol/membership/member.ts';

/** `dead@2.1`: dead, boot 2, incarnation 1. */
function belief(text: string): Belief {
  const [, health, b, i] = /^(\w+)@(\d+)\.(\d+)$/.exec(text) ?? [];
  return { health: health as Health, boot: boot(Number(b)), incarnation: incarnation(Number(i)) };
}
const show = ({ health, boot: b, incarnation: i }: Belief): string => `${health}@${b}.${i}`;
const member = (text: string): Member => ({ ...newMember(instant(0)), ...belief(text) });

it.each([
  ['alive@0.0', 'alive@1.0', 'alive@1.0', 'any word beats the belief in a host never heard of'],
  ['alive@1.1', 'suspect@1.1', 'suspect@1.1', 'an accusation needs no newer incarnation'],
  ['alive@1.1', 'dead@1.1', 'dead@1.1', 'a verdict convinces at once'],
  ['suspect@1.1', 'alive@1.1', 'suspect@1.1', 'only a higher incarnation refutes'],
  ['suspect@1.1', 'alive@1.2', 'alive@1.2', 'the accused spoke up'],
  ['suspect@1.2', 'alive@1.1', 'suspect@1.2', 'that was before the accusation'],
  ['suspect@1.1', 'dead@1.1', 'dead@1.1', 'a verdict ends a suspicion'],
  ['dead@1.1', 'suspect@1.1', 'dead@1.1', 'a verdict is not taken back by a doubt'],
  ['dead@1.1', 'alive@1.1', 'dead@1.1', 'nor by old news of life'],
  ['dead@1.1', 'alive@1.2', 'alive@1.2', 'a host may come back under a new incarnation (S12)'],
  ['dead@1.1', 'suspect@1.2', 'suspect@1.2', 'who is doubted anew has refuted the verdict before'],
  ['dead@1.7', 'alive@2.0', 'alive@2.0', 'a new boot starts the order anew'],
  ['alive@2.0', 'dead@1.7', 'alive@2.0', 'news of a former boot is no news'],
  ['alive@1.2', 'dead@1.1', 'alive@1.2', 'old news is ignored'],
  ['left@1.1', 'dead@1.1', 'left@1.1', 'it had said good-bye'],
  ['dead@1.1', 'left@1.1', 'left@1.1', 'good-bye explains the silence'],
  ['left@1.1', 'alive@2.0', 'alive@2.0', 'it has come back'],
])('%s, hearing %s, becomes %s: %s (M2)', (was, heard, is) => {
  const before = member(was);
  const after = believe(before, belief(heard), instant(5));
  expect(show(after)).toBe(is);
  if (was === is) expect(after).toBe(before); // M2
});

it('believes the same whatever the order of six rumors (M1, all 720 orders)', () => {
  const rumors = ['alive@1.1', 'suspect@1.1', 'dead@1.1', 'suspect@1.2', 'left@1.0', 'alive@1.2'];
  let orders = 0;
  for (const order of permutations(rumors)) {
    orders += 1;
    const end = order.reduce(
      (m, text) => believe(m, belief(text), instant(1)),
      member('alive@0.0'),
    );
    expect(show(end)).toBe('suspect@1.2');
  }
  expect(orders).toBe(720);
});

it('believes the same whatever the order of rumors of two boots (M1, all 720 orders)', () => {
  const rumors = ['alive@1.9', 'dead@1.9', 'left@1.3', 'suspect@2.0', 'alive@2.0', 'alive@2.1'];
  for (const order of permutations(rumors)) {
    const end = order.reduce(
      (m, text) => believe(m, belief(text), instant(1)),
      member('alive@0.0'),
    );
    expect(show(end)).toBe('alive@2.1');
  }
});

it('keeps the time of a health while only boot or incarnation rise', () => {
  expect(believe(member('alive@1.1'), belief('alive@2.0'), instant(9)).since).toBe(0);
  expect(believe(member('alive@1.1'), belief('suspect@1.1'), instant(9)).since).toBe(9);
});

it('counts each watcher once, for this suspicion only', () => {
  const suspect = member('suspect@1.1');
  const [a, b] = [hostId('a'), hostId('b')];
  const once = confirm(suspect, belief('suspect@1.1'), a);
  expect(once.suspectedBy).toEqual([a]);
  expect(confirm(once, belief('suspect@1.1'), a)).toBe(once);
  expect(confirm(once, belief('suspect@1.1'), b).suspectedBy).toEqual([a, b]);
  expect(confirm(once, belief('suspect@1.0'), b)).toBe(once);
  expect(confirm(once, belief('suspect@2.1'), b)).toBe(once);
  expect(confirm(member('alive@1.1'), belief('alive@1.1'), a).suspectedBy).toEqual([]);
  expect(believe(once, belief('suspect@1.2'), instant(1)).suspectedBy).toEqual([]);
});

it.each([
  ['dead@1.1', 'alive@1.1', 'dead@1.1', 5, 'its voice alone ends no verdict, but counts as heard'],
  ['dead@1.1', 'alive@1.2', 'alive@1.2', 5, 'its own higher incarnation does'],
  ['dead@1.1', 'alive@2.0', 'alive@2.0', 5, 'so does its next boot'],
  ['alive@2.0', 'alive@1.7', 'alive@2.0', -Infinity, 'what a former boot sent proves nothing'],
])(
  '%s hears the host itself as %s and becomes %s, heard at %d: %s',
  (was, evidence, is, heardAt) => {
    const after = hear(member(was), instant(5), belief(evidence));
    expect([show(after), after.lastHeardAt]).toEqual([is, heardAt]);
  },
);

it('hears a message that says nothing of boots', () => {
  const after = hear(member('suspect@1.1'), instant(5), undefined);
  expect([show(after), after.lastHeardAt]).toEqual(['suspect@1.1', 5]);
});

function* permutations<T>(list: readonly T[]): Generator<readonly T[]> {
  if (list.length === 0) yield [];
  for (const [i, first] of list.entries())
    for (const rest of permutations([...list.slice(0, i), ...list.slice(i + 1)]))
      yield [first, ...rest];
}
