/** The guard alone: what each warrant lets an instance do at each moment, and what it does to make it so. */
import { expect, it } from 'vitest';
import { componentId, slotKey, term } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  begin,
  createGuard,
  mayBegin,
  vouch,
  type Ward,
  watch,
  watchAt,
} from '../../../protocol/guard/guard.ts';

const KEY = slotKey(componentId('shop', 'db'), 1);
const V = 20_000;
const running: Ward = { id: 'e1', key: KEY, term: 7, isStill: false };
const still: Ward = { ...running, isStill: true };

/** A guard that has the agent's word for terms from `first` on, until V. */
function guardOf(first = 7) {
  const guard = createGuard();
  vouch(guard, KEY, { first: term(first), until: instant(V) });
  return guard;
}

it.each([
  [V - 5000, running, [], true, 'far from V it runs'],
  [V - 1001, running, [], true, 'it runs until V - F'],
  [V - 1000, running, ['freeze'], false, 'from V - F on it stands still (X7)'],
  [V - 1000, still, [], false, 'what stands still already is left so'],
  [V - 1, still, [], false, 'until V it may stand there'],
  [V, still, ['kill'], false, 'at V it is killed, frozen or not'],
  [V, running, ['kill'], false, 'at V it is killed, however late the guard is'],
  [V - 2000, still, ['thaw'], true, 'with startMarginMs left it goes on'],
  [V - 1999, still, [], true, 'with less it stays frozen, though it might run'],
  [V - 5000, { ...running, term: 6 }, ['kill'], false, 'made before the first term: killed (X6)'],
  [V - 5000, { ...still, term: 6 }, ['kill'], false, 'nor is it thawed under another ballot (X6)'],
  [V - 5000, { ...running, term: 8 }, [], true, 'a raised ballot leaves no gap'],
  [
    V - 5000,
    { ...running, key: slotKey(componentId('shop', 'db'), 2) },
    ['kill'],
    false,
    'nobody has vouched for it (X6)',
  ],
] satisfies readonly (readonly [number, Ward, readonly string[], boolean, string])[])(
  'at %i of %o it does %j, and lets one begin: %s: %s',
  (now, ward, acts, begins, _why) => {
    const guard = guardOf();
    expect(watch(guard, LAN, instant(now), [ward]).map(({ kind }) => kind)).toEqual(acts);
    expect(mayBegin(guard, LAN, instant(now), ward)).toBe(begins);
  },
);

it('a later V thaws what an earlier one froze, and one that is taken back kills it', () => {
  const guard = guardOf();
  expect(watch(guard, LAN, instant(V - 500), [running])).toEqual([{ kind: 'freeze', id: 'e1' }]);
  vouch(guard, KEY, { first: term(7), until: instant(V + 3000) });
  expect(watch(guard, LAN, instant(V - 500), [still])).toEqual([{ kind: 'thaw', id: 'e1' }]);
  vouch(guard, KEY, undefined);
  expect(watch(guard, LAN, instant(V - 500), [running])).toEqual([{ kind: 'kill', id: 'e1' }]);
});

it('an agent that connects holds nothing yet: what an earlier one vouched for is killed (X8)', () => {
  const guard = guardOf();
  begin(guard);
  expect(mayBegin(guard, LAN, instant(0), running)).toBe(false);
  expect(watch(guard, LAN, instant(0), [running])).toEqual([{ kind: 'kill', id: 'e1' }]);
});

it('wakes for V - F, then for V, then for nothing', () => {
  const guard = guardOf();
  expect(watchAt(guard, LAN, instant(0))).toBe(V - 1000);
  expect(watchAt(guard, LAN, instant(V - 1000))).toBe(V);
  expect(watchAt(guard, LAN, instant(V))).toBeUndefined();
  expect(watchAt(createGuard(), LAN, instant(0))).toBeUndefined();
});
