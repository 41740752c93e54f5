/** Which of several running instances of one slot stays. */
import { expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { heal } from '../../../protocol/placement/heal.ts';
import { place } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { dead, FIXED, host, image, request, takes } from './cluster.ts';

const hosts = (names: string) => names.split(' ').filter(Boolean).map(hostId);
/** `h3 <- h1 h2`: with h3, taken from h1 and before from h2. */
function slotOf(text: string): Slot {
  const [at = '', left = ''] = text.split(' <- ');
  const names = hosts(left);
  return { slot: 1, host: hostId(at), ...(names.length === 0 ? {} : { left: names }) };
}
const show = ({ host: at, left = [] }: Slot): string =>
  left.length === 0 ? at : `${at} <- ${left.join(' ')}`;

type OnHeal = ComponentSpec['onHeal'];
it.each<[OnHeal, string, string, string, string]>([
  // on_heal, the slot, who runs it besides, the slot afterwards, why
  [undefined, 'h3', '', 'h3', 'there is nothing to choose'],
  [undefined, 'h3 <- h1', 'h1', 'h3', 'as assigned, and nobody is remembered'],
  ['keepOldest', 'h3 <- h1', '', 'h3 <- h1', 'nobody has been heard yet'],
  ['keepOldest', 'h3 <- h1', 'h1', 'h1', 'it had the slot first'],
  ['keepOldest', 'h3 <- h1 h2', 'h1 h2', 'h1', 'the first of all'],
  ['keepOldest', 'h3 <- h1 h2', 'h2', 'h2 <- h1', 'an older one may still come back'],
  ['keepOldest', 'h3 <- h1 h2', 'h1', 'h1', 'whoever is younger has lost, heard or not'],
  ['keepLeader', 'h3 <- h1', 'h1', 'h3', 'the leader, h2, runs none'],
  ['keepLeader', 'h3 <- h1 h2', 'h1 h2', 'h2', 'the leader runs it'],
  ['keepLeader', 'h3 <- h2 h1', 'h2', 'h2 <- h1', 'the leader runs it, another was not heard'],
  ['keepLeader', 'h9 <- h1 h2', 'h1', 'h1 <- h2', 'h9 is dead: what runs stays'],
  ['keepOldest', 'h9 <- h1', 'h1', 'h1', 'h9 is dead, and younger'],
])('%s: %s, and %s run it: %s, as %s', (onHeal, before, running, after) => {
  const spec = { ...image(1), ...(onHeal === undefined ? {} : { onHeal }) };
  const slot = heal(spec, slotOf(before), {
    runs: (at) => hosts(running).includes(at),
    isAlive: (at) => at !== 'h9',
    leader: hostId('h2'),
  });
  expect(show(slot)).toBe(after);
});

const OLDEST = { onHeal: 'keepOldest' } as const;
it.each<[Partial<ComponentSpec>, string, Parameters<typeof request>[1], string, string, string]>([
  [OLDEST, 'h1', [dead('h1'), host('h2')], '', 'h2 <- h1', 'h1 may only be out of reach'],
  [{}, 'h1', [dead('h1'), host('h2')], '', 'h2', 'as assigned: nobody has to be asked'],
  [OLDEST, 'h2 <- h1', [dead('h1'), dead('h2'), host('h3')], '', 'h3 <- h1 h2', 'both may'],
  [OLDEST, 'h2 <- h1', [host('h1'), dead('h2')], '', 'h1 <- h2', 'it moves to one of them'],
  [OLDEST, 'h2 <- h1', [host('h1'), host('h2')], 'h1', 'h1', 'it goes back'],
  [OLDEST, 'h1', [dead('h1')], '', 'h1', 'it fits nowhere else'],
  [OLDEST, 'h1', [host('h2')], '', 'h2', 'h1 is no member any more'],
  [
    { ...OLDEST, ...FIXED },
    'h2 <- h1',
    [host('h1', takes('shop.a')), host('h2')],
    'h1',
    'h2',
    'its port is taken there',
  ],
])('%o: %s becomes, of %o with %s running, %s: %s', (contract, before, all, running, after) => {
  const { slots } = place({
    ...request({ ...image(1), ...contract }, all),
    current: [slotOf(before)],
    runs: (_, at) => hosts(running).includes(at),
  });
  expect(slots.map(show)).toEqual([after]);
});

it('remembers four hosts at most, the oldest', () => {
  const spec = { ...image(1), ...OLDEST };
  let current: readonly Slot[] = [slotOf('h1')];
  for (let i = 2; i <= 7; i++)
    current = place({
      ...request(spec, [...range(1, i - 1).map((n) => dead(`h${n}`)), host(`h${i}`)]),
      current,
    }).slots;
  expect(current.map(show)).toEqual(['h7 <- h1 h2 h3 h4']);
});

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
