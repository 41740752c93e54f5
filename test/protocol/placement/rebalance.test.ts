/** One slot moves to where there are fewer, and never does one that would come back. */
import { describe, expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import type { ComponentSpec, Subject } from '../../../protocol/component/spec.ts';
import { type Followers, followersOf } from '../../../protocol/placement/neighbor.ts';
import type { PlacementHost } from '../../../protocol/placement/place.ts';
import { mayRebalance, rebalance } from '../../../protocol/placement/rebalance.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { DATA, dead, DOCKER, FIXED, host, image, request, slotsOf, takes } from './cluster.ts';

const ZONE: Subject = { kind: 'label', label: 'zone' };
const over = (...spread: Subject[]) => ({ placement: { constraints: [], spread } });
/** `h1 in a`. */
function at(text: string, changes: Partial<PlacementHost> = {}): PlacementHost {
  const [id = '', zone] = text.split(' in ');
  return host(id, { facts: { ...DOCKER, ...(zone && { labels: { zone } }) }, ...changes });
}
const hosts = (text: string): PlacementHost[] => text.split(',').map((each) => at(each));
const busy = (id: string, slotCount: number): PlacementHost => host(id, { slotCount });

const NOBODY: Followers = { near: new Set(), apart: new Set() };
const shift = (
  wanted: ComponentSpec,
  current: readonly Slot[],
  all: readonly PlacementHost[],
  followers = NOBODY,
) => rebalance({ ...request(wanted, all), current }, followers);

/** `2 h1>h3`: slot 2 moves from h1 to h3. */
function moved(...args: Parameters<typeof shift>): string {
  const [, current] = args;
  const found = shift(...args);
  if (found === undefined) return '';
  const changed = found.slots.filter((slot, i) => slot !== current[i]);
  return changed.map(({ slot, host: to, from }) => `${slot} ${from}>${to}`).join(', ');
}

describe('which slot moves, and where (B3)', () => {
  it.each<readonly [string, ComponentSpec, string, readonly PlacementHost[], string]>([
    ['one host is back', image(3), 'h1 h1 h2', hosts('h1,h2,h3'), '2 h1>h3'],
    ['two are back: the first', image(4), 'h1 h1 h1 h1', hosts('h1,h2,h3'), '4 h1>h2|4 h1>h3'],
    ['and the second', image(4), 'h1 h1 h1 h2', hosts('h1,h2,h3'), '3 h1>h3'],
    ['and no more', image(4), 'h1 h1 h3 h2', hosts('h1,h2,h3'), ''],
    ['one more is no reason', image(3), 'h1 h1 h2', hosts('h1,h2'), ''],
    ['two more are one', image(4), 'h1 h1 h1 h2', hosts('h1,h2'), '3 h1>h2'],
    ['from the one with most', image(5), 'h2 h2 h1 h1 h1', hosts('h1,h2,h3'), '5 h1>h3'],
    ['one slot has nowhere better', image(1), 'h1', hosts('h1,h2'), ''],
    ['none', image(0), '', hosts('h1,h2'), ''],
    [
      'others there choose among equals',
      image(2),
      'h1 h1',
      [...hosts('h1'), busy('h2', 3), busy('h3', 2)],
      '2 h1>h3',
    ],
    ['and move nothing', image(2), 'h1 h2', [busy('h1', 9), busy('h2', 9), host('h3')], ''],
    [
      'zones before hosts',
      image(4, over(ZONE)),
      'h1 h2 h3 h1',
      hosts('h1 in a,h2 in a,h3 in a,h4 in b'),
      '4 h1>h4',
    ],
    [
      'full hosts in an empty zone',
      image(4, over(ZONE)),
      'h1 h1 h2 h2',
      hosts('h1 in a,h2 in b,h3 in b'),
      '4 h2>h3',
    ],
    [
      'a zone with one host keeps its half',
      image(4, over(ZONE)),
      'h1 h1 h2 h3',
      hosts('h1 in a,h2 in b,h3 in b'),
      '',
    ],
    [
      'within a zone that is not the fullest',
      image(5, over(ZONE)),
      'h1 h2 h3 h4 h4',
      hosts('h1 in a,h2 in a,h3 in a,h4 in b,h5 in b'),
      '5 h4>h5',
    ],
    [
      'not where it is cordoned',
      image(2),
      'h1 h1',
      [host('h1'), host('h2', { availability: 'cordoned' })],
      '',
    ],
    [
      'away from where it is cordoned',
      image(2),
      'h1 h1',
      [host('h1', { availability: 'cordoned' }), host('h2')],
      '2 h1>h2',
    ],
    [
      'not where it is drained',
      image(2),
      'h1 h1',
      [host('h1'), host('h2', { availability: 'draining' })],
      '',
    ],
    ['not to the dead', image(2), 'h1 h1', [host('h1'), dead('h2')], ''],
    [
      'not where it flaps, be there no other',
      image(2),
      'h1 h1',
      [host('h1'), host('h2', { restless: 'it flaps' })],
      '',
    ],
    [
      'not where the port is taken',
      image(2, FIXED),
      'h1 h1',
      [host('h1'), host('h2', takes('shop.db'))],
      '',
    ],
    [
      'no more than may be there',
      image(4, { placement: { constraints: [], perHostMax: 1 } }),
      'h1 h1 h1 h2',
      hosts('h1,h2'),
      '',
    ],
    [
      'not where there is no room',
      image(2, { placement: { constraints: [], reserves: { milliCpus: 600 } } }),
      'h1 h1',
      [host('h1'), host('h2', { reserved: { milliCpus: 500, memoryBytes: 0 } })],
      '',
    ],
    [
      'not where its constraints do not hold',
      image(2, { placement: { constraints: [{ kind: 'hostname', operator: '!=', value: 'h2' }] } }),
      'h1 h1',
      hosts('h1,h2'),
      '',
    ],
  ])('%s', (_name, wanted, current, all, expected) => {
    expect(expected.split('|')).toContain(moved(wanted, slotsOf(current), all));
  });
});

it('who else may run the slot is remembered, but for whom it goes to', () => {
  const current: readonly Slot[] = [
    { slot: 1, host: hostId('h1') },
    { slot: 2, host: hostId('h1'), left: [hostId('h2'), hostId('h3')] },
  ];
  const all = [host('h1'), host('h2'), host('h3', { availability: 'cordoned' })];
  expect(shift(image(2), current, all)?.slots[1]).toEqual({
    slot: 2,
    host: 'h2',
    left: ['h3'],
    from: 'h1',
  });
});

it('says why, by what decided', () => {
  const plain = shift(image(3), slotsOf('h1 h1 h1'), [host('h1'), busy('h2', 4)]);
  expect(plain?.decision).toMatchObject({ kind: 'moved', slot: 3, host: 'h2' });
  expect(plain?.decision.text).toBe(
    'shop.web.3 moves from h1 to h2 to balance: 3 of its slots on h1, 0 of its slots on h2; h1 runs it until then',
  );
  const zones = shift(image(2, over(ZONE)), slotsOf('h1 h2'), hosts('h1 in a,h2 in a,h3 in b'));
  expect(zones?.decision.text).toMatch(
    /to balance: 2 of its slots where node.labels.zone is a, 0 of its slots where node.labels.zone is b;/,
  );
});

describe('nobody who follows it has to move (B4)', () => {
  const on = (...ids: string[]): ReadonlySet<ReturnType<typeof hostId>> => new Set(ids.map(hostId));
  it.each<readonly [string, string, Followers, string]>([
    ['they keep away from it', 'h1 h1', { near: on(), apart: on('h2') }, ''],
    ['somewhere else', 'h1 h1', { near: on(), apart: on('h3') }, '2 h1>h2'],
    ['they need it, and one stays', 'h1 h1', { near: on('h1'), apart: on() }, '2 h1>h2'],
  ])('%s', (_name, current, followers, expected) => {
    expect(moved(image(2), slotsOf(current), hosts('h1,h2'), followers)).toBe(expected);
  });

  it('the last that they need stays, and one of another host goes', () => {
    // Zone a has two of its slots, and zone b none.
    const all = hosts('h1 in a,h2 in a,h3 in b');
    const wanted = image(2, over(ZONE));
    const spread = (near: string[]) =>
      moved(wanted, slotsOf('h1 h2'), all, { near: on(...near), apart: on() });
    expect([spread(['h1']), spread(['h2']), spread(['h1', 'h2'])]).toEqual([
      '2 h2>h3',
      '1 h1>h3',
      '',
    ]);
  });

  it('who they are', () => {
    const rules = (name: string, placement: Partial<ComponentSpec['placement']>) => ({
      name,
      placement: { constraints: [], ...placement },
    });
    const seats: Readonly<Record<string, readonly Slot[]>> = {
      page: [{ slot: 1, host: hostId('h1'), from: hostId('h2') }],
      cache: [
        { slot: 1, host: hostId('h3') },
        { slot: 2, host: hostId('h4'), ended: { state: 'complete' } },
      ],
      db: [{ slot: 1, host: hostId('h5') }],
    };
    const components = [
      rules('page', { affinity: ['web'] }),
      rules('cache', { antiAffinity: ['db', 'web'] }),
      rules('db', { affinity: ['page'] }),
      rules('later', { affinity: ['web'] }),
    ];
    const found = followersOf('web', components, (name) => {
      const slots = seats[name];
      return slots && { slots };
    });
    expect([[...found.near], [...found.apart]]).toEqual([['h1', 'h2'], ['h3']]);
  });
});

it.each<readonly [string, ComponentSpec, boolean]>([
  ['asked for', asking({}), true],
  ['not asked for', image(2), false],
  ['refused', image(2, { placement: { constraints: [], rebalance: false } }), false],
  ['strict', asking({ singleton: 'strict' }), false],
  ['with a named volume', asking(DATA), false],
  ['global', asking({ mode: 'global' }), false],
  ['a job', asking({ job: {} }), false],
  ['with a fixed port', asking(FIXED), true],
])('%s: whether it is balanced (B1)', (_name, wanted, expected) => {
  expect(mayRebalance(wanted)).toBe(expected);
});

function asking(changes: Partial<ComponentSpec>): ComponentSpec {
  return image(2, { placement: { constraints: [], rebalance: true }, ...changes });
}

describe('every small cluster comes to rest', () => {
  const ids = ['h1', 'h2', 'h3', 'h4'];
  const zones = ['', 'a', 'b'];
  /** Every word of so many of these letters. */
  const words = (letters: readonly string[], length: number): string[][] =>
    length === 0
      ? [[]]
      : words(letters, length - 1).flatMap((word) => letters.map((one) => [...word, one]));
  const squares = (counts: readonly number[]): number => counts.reduce((sum, n) => sum + n * n, 0);

  /** How uneven it is, the first number before the second. Said as simply as it can be. */
  function unevenness(all: readonly PlacementHost[], slots: readonly Slot[], bySpread: boolean) {
    const on = (id: string): number => slots.filter(({ host: there }) => there === id).length;
    const zone = ({ facts }: PlacementHost): string => facts?.labels?.['zone'] ?? '';
    const inZone = zones.map((name) =>
      all.filter((each) => zone(each) === name).reduce((sum, { id }) => sum + on(id), 0),
    );
    return [bySpread ? squares(inZone) : 0, squares(all.map(({ id }) => on(id)))] as const;
  }
  const isLess = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]): boolean =>
    a < c || (a === c && b < d);

  it.each([false, true])('by zones: %s', (bySpread) => {
    let rests = 0;
    for (const labels of bySpread ? words(zones, 3) : [['', '', '']])
      for (const count of [2, 3, 4])
        for (const word of words(ids.slice(0, 3), count)) {
          const all = labels.map((zone, i) => at(`${ids[i]}${zone === '' ? '' : ` in ${zone}`}`));
          const wanted = image(count, bySpread ? over(ZONE) : {});
          let slots = slotsOf(word.join(' '));
          for (let steps = 0; ; steps++) {
            const next = shift(wanted, slots, all);
            const before = unevenness(all, slots, bySpread);
            if (next === undefined) {
              // No single move would make it more even.
              for (const slot of slots)
                for (const { id } of all) {
                  const other = slots.map((each) => (each === slot ? { ...each, host: id } : each));
                  expect(isLess(unevenness(all, other, bySpread), before)).toBe(false);
                }
              break;
            }
            expect(steps).toBeLessThan(count);
            slots = next.slots.map(({ slot, host: there }) => ({ slot, host: there }));
            expect(isLess(unevenness(all, slots, bySpread), before)).toBe(true);
          }
          rests += 1;
        }
    expect(rests).toBe((bySpread ? 27 : 1) * (9 + 27 + 81));
  });
});
