import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { componentId, hostId } from '../../../protocol/base/ids.ts';
import { rendezvous } from '../../../protocol/base/order.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { HostFacts } from '../../../protocol/inventory/entry.ts';
import { place, type PlacementHost, type PlaceRequest } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { spec } from '../reconcile/stage.ts';

const WEB = componentId('shop', 'web');

const facts = (runs: HostFacts['runs']): HostFacts => ({
  kind: 'host',
  name: 'host',
  agent: '1',
  engine: runs === 'images' ? 'docker 20' : 'process 1',
  runs,
  publishAddress: '0.0.0.0',
  cpuCount: 1,
  memoryBytes: 1,
});
const DOCKER = facts('images');
const PROCESS = facts('processes');

const host = (id: string, changes: Partial<PlacementHost> = {}): PlacementHost => ({
  id: hostId(id),
  alive: true,
  facts: DOCKER,
  slotCount: 0,
  portsTaken: [],
  ...changes,
});
const unknown = (id: string): PlacementHost => {
  const { facts: _, ...rest } = host(id);
  return rest;
};
const dead = (id: string): PlacementHost => host(id, { alive: false });
/** `h1 h2 -`: slot 1 on h1, slot 2 on h2, no slot 3. */
const slotsOf = (text: string): readonly Slot[] =>
  text
    .split(' ')
    .flatMap((id, i) => (id === '-' || id === '' ? [] : [{ slot: i + 1, host: hostId(id) }]));
const show = (slots: readonly Slot[]): string =>
  Array.from(
    { length: Math.max(0, ...slots.map(({ slot }) => slot)) },
    (_, i) => slots.find(({ slot }) => slot === i + 1)?.host ?? '-',
  ).join(' ');

const image = (replicas: number, changes: Partial<ComponentSpec> = {}): ComponentSpec =>
  spec({ image: 'web:1', replicas, ...changes });
const FIXED = { ports: [{ target: 80, published: 8080, protocol: 'tcp' as const }] };
const takes = (by: string, protocol: 'tcp' | 'udp' = 'tcp'): Partial<PlacementHost> => ({
  portsTaken: [{ published: 8080, protocol, by }],
});
const run = (wanted: ComponentSpec, current: string, hosts: readonly PlacementHost[]) =>
  place({ component: WEB, spec: wanted, current: slotsOf(current), hosts });

it.each<readonly [string, ComponentSpec, string, readonly PlacementHost[], string]>([
  ['new slots spread', image(2), '', [host('h1'), host('h2')], 'h1 h2|h2 h1'],
  ['spread goes before load', image(2), 'h2', [host('h1', { slotCount: 9 }), host('h2')], 'h2 h1'],
  [
    'of equal spread the least loaded',
    image(1),
    '',
    [host('h1', { slotCount: 2 }), host('h2', { slotCount: 1 })],
    'h2',
  ],
  [
    'of equal spread, what others run there decides',
    image(3),
    'h1 h2',
    [host('h1', { slotCount: 1 }), host('h2')],
    'h1 h2 h2',
  ],
  [
    'a slot stays although another host is empty',
    image(2),
    'h1 h1',
    [host('h1'), host('h2')],
    'h1 h1',
  ],
  ['a dead host’s slot moves', image(2), 'h1 h2', [host('h1'), dead('h2'), host('h3')], 'h1 h3'],
  ['a host that is no member any more counts as gone', image(1), 'h9', [host('h1')], 'h1'],
  [
    'what fits nowhere else waits for its dead host',
    image(1),
    'h1',
    [dead('h1'), host('h2', { facts: PROCESS })],
    'h1',
  ],
  [
    'what fits nowhere and never ran has no host',
    image(1),
    '',
    [host('h2', { facts: PROCESS })],
    '',
  ],
  ['surplus goes from the top', image(1), 'h1 h2 h1', [host('h1'), host('h2')], 'h1'],
  [
    'a gap is filled before anything is added',
    image(3),
    'h1 - h2',
    [host('h1'), host('h2'), host('h3')],
    'h1 h3 h2',
  ],
  ['none wanted', image(0), 'h1', [host('h1')], ''],
  [
    'no new slot where the engine is not known',
    image(1),
    '',
    [unknown('h1'), host('h2', { slotCount: 5 })],
    'h2',
  ],
  ['a slot stays where the engine is not known', image(1), 'h1', [unknown('h1'), host('h2')], 'h1'],
  [
    'a slot leaves an engine that cannot run it',
    image(1),
    'h1',
    [host('h1', { facts: PROCESS }), host('h2')],
    'h2',
  ],
  [
    'a command runs as a process',
    spec({ command: ['serve'] }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  [
    'an entrypoint runs as a process',
    spec({ entrypoint: ['serve'] }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  [
    'a process command runs as a process',
    spec({ process: { command: ['serve'] } }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  ['an empty command does not', spec({ command: [] }), '', [host('h1', { facts: PROCESS })], ''],
  [
    'a command without an image needs processes',
    spec({ command: ['serve'] }),
    '',
    [host('h1')],
    '',
  ],
  ['a fixed port fits once on a host', image(2, FIXED), '', [host('h1')], 'h1'],
  [
    'two slots on one host part when the port becomes fixed',
    image(2, FIXED),
    'h1 h1',
    [host('h1'), host('h2')],
    'h1 h2',
  ],
  [
    'a port taken there',
    image(1, FIXED),
    '',
    [host('h1', takes('shop.api')), host('h2', { slotCount: 9 })],
    'h2',
  ],
  [
    'the same number of the other protocol is free',
    image(1, FIXED),
    '',
    [host('h1', takes('shop.api', 'udp'))],
    'h1',
  ],
  [
    'of two that got one port at once, the later by name leaves',
    image(1, FIXED),
    'h1',
    [host('h1', takes('shop.api')), host('h2')],
    'h2',
  ],
  [
    'of two that got one port at once, the earlier by name stays',
    image(1, FIXED),
    'h1',
    [host('h1', takes('shop.zoo')), host('h2')],
    'h1',
  ],
  [
    'global: one on each that fits',
    image(0, { mode: 'global' }),
    '',
    [host('h1'), dead('h2'), host('h3'), host('h4', { facts: PROCESS })],
    'h1 h3',
  ],
  [
    'global: numbers stay with their hosts',
    image(0, { mode: 'global' }),
    'h3 h1',
    [host('h1'), host('h2'), host('h3')],
    'h3 h1 h2',
  ],
  [
    'global: a dead host’s number is free again',
    image(0, { mode: 'global' }),
    'h1 h2 h3',
    [host('h1'), dead('h2'), host('h3'), host('h4')],
    'h1 h4 h3',
  ],
  [
    'global: a dead host’s slot goes',
    image(0, { mode: 'global' }),
    'h1 h2',
    [host('h1'), dead('h2')],
    'h1',
  ],
  [
    'global: twice on one host becomes once',
    image(0, { mode: 'global' }),
    'h1 h1',
    [host('h1')],
    'h1',
  ],
  ['global becomes replicated', image(1), 'h1 h2 h3', [host('h1'), host('h2'), host('h3')], 'h1'],
])('%s', (_name, wanted, current, hosts, expected) => {
  expect(expected.split('|')).toContain(show(run(wanted, current, hosts).slots));
});

const tell = (wanted: ComponentSpec, current: string, hosts: readonly PlacementHost[]): string =>
  run(wanted, current, hosts)
    .decisions.map(({ kind, text, rejected }) =>
      [`${kind}: ${text}`, ...rejected.map(({ host: id, why }) => `  ${id}: ${why}`)].join('\n'),
    )
    .join('\n');

it('explains what moved, what stays behind, and why the others were not taken', () => {
  const data = {
    volumes: [{ kind: 'named', source: 'data', target: '/data', readOnly: false }],
  } as const;
  const hosts = [
    dead('h1'),
    host('h2', { facts: PROCESS }),
    unknown('h3'),
    host('h4', takes('shop.api')),
    host('h5', { slotCount: 3 }),
    host('h6', { slotCount: 1 }),
  ];
  expect(tell(image(1, { ...FIXED, ...data }), 'h1', hosts)).toMatchInlineSnapshot(`
    "moved: shop.web.1 moves from h1 (dead or gone) to h6: 0 of its slots and 1 others there, the fewest; what is in volume data stays on h1
      h1: dead or gone
      h2: process 1 runs processes only, and it has no command
      h3: its engine is not known yet
      h4: port 8080/tcp is taken there by shop.api
      h5: 0 of its slots and 3 others there"
  `);
});

it('explains what fits nowhere, what was too many, and a global’s coming and going', () => {
  expect(tell(image(1), '', [host('h2', { facts: PROCESS })])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 fits nowhere: h2: process 1 runs processes only, and it has no command
      h2: process 1 runs processes only, and it has no command"
  `);
  expect(tell(image(1), '', [])).toMatchInlineSnapshot(
    `"unplaceable: shop.web.1 fits nowhere: there is no host"`,
  );
  expect(tell(image(1), 'h1', [dead('h1')])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 waits for h1, since it fits nowhere else: h1: dead or gone
      h1: dead or gone"
  `);
  expect(tell(image(1), 'h1 h2', [host('h1'), host('h2')])).toMatchInlineSnapshot(
    `"removed: shop.web.2 is removed: 1 wanted"`,
  );
  expect(tell(image(0, { mode: 'global' }), 'h1', [dead('h1'), host('h2')])).toMatchInlineSnapshot(`
    "removed: shop.web.1 leaves h1: dead or gone
    placed: shop.web.1 goes to h2: one on every host that fits"
  `);
  expect(tell(image(0, { mode: 'global' }), '', [dead('h1')])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 fits nowhere: h1: dead or gone
      h1: dead or gone"
  `);
});

/** The rules once more, as simply as they can be said: try every host for each slot, sort, take the first. */
function dumbPlace({ component, spec: wanted, current, hosts }: PlaceRequest): string {
  const alive = hosts.filter(({ alive: lives }) => lives);
  const canRun = (h: PlacementHost): boolean =>
    h.facts?.runs === 'images' ? wanted.image !== undefined : wanted.command !== undefined;
  const fixed = wanted.ports.some(({ published }) => published !== undefined);
  const filled = new Map<number, string>();
  const countOn = (id: string): number => [...filled.values()].filter((on) => on === id).length;
  const isGlobal = wanted.mode === 'global';
  const stays: Slot[] = [];
  for (const slot of current.toSorted((a, b) => a.slot - b.slot)) {
    const at = alive.find(({ id }) => id === slot.host);
    if (at === undefined || (!isGlobal && slot.slot > wanted.replicas)) continue;
    if (at.facts !== undefined && !canRun(at)) continue;
    if (fixed && at.portsTaken.some(({ by }) => by < component)) continue;
    if ((fixed || isGlobal) && countOn(at.id) > 0) continue;
    stays.push(slot);
    filled.set(slot.slot, at.id);
  }
  const free = (): number => {
    let n = 1;
    while (filled.has(n)) n += 1;
    return n;
  };
  const fits = (h: PlacementHost): boolean =>
    h.facts !== undefined &&
    canRun(h) &&
    !(fixed && (h.portsTaken.length > 0 || countOn(h.id) > 0)) &&
    !(isGlobal && countOn(h.id) > 0);
  const byId = alive.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (isGlobal) for (const h of byId) if (fits(h)) filled.set(free(), h.id);
  const replicas = isGlobal ? 0 : wanted.replicas;
  for (let slot = 1; slot <= replicas; slot++) {
    if (filled.has(slot)) continue;
    const order = rendezvous(
      `${component}/${slot}`,
      alive.map(({ id }) => id),
    );
    const best = alive
      .filter(fits)
      .toSorted(
        (a, b) =>
          countOn(a.id) - countOn(b.id) ||
          a.slotCount + countOn(a.id) - (b.slotCount + countOn(b.id)) ||
          order.indexOf(a.id) - order.indexOf(b.id),
      )[0];
    const was = current.find((one) => one.slot === slot)?.host;
    const waits = hosts.some(({ id, alive: lives }) => id === was && !lives) ? was : undefined;
    const to = best?.id ?? waits;
    if (to !== undefined) filled.set(slot, to);
  }
  return show([...filled].map(([slot, id]) => ({ slot, host: hostId(id) })));
}

const KINDS: readonly ((id: string) => PlacementHost)[] = [
  host,
  dead,
  unknown,
  (id) => host(id, { facts: PROCESS }),
  (id) => host(id, takes('shop.api')),
  (id) => host(id, { slotCount: 2 }),
];
const SPECS = [
  image(0, { mode: 'global' }),
  ...[0, 1, 2, 3].map((replicas) => image(replicas)),
  image(2, FIXED),
  spec({ command: ['serve'], replicas: 2 }),
];

it('agrees with the dumb placement in every small cluster', () => {
  const currents = ['', 'h1', 'h1 h1', 'h1 h2', 'h3 - h1', '- h2 h9', 'h2 h1 h3 h1'];
  let cases = 0;
  for (const a of KINDS)
    for (const b of KINDS)
      for (const c of KINDS)
        for (const wanted of SPECS)
          for (const current of currents) {
            const hosts = [a('h1'), b('h2'), c('h3')];
            const request = { component: WEB, spec: wanted, current: slotsOf(current), hosts };
            cases += 1;
            const got = show(place(request).slots);
            if (got !== dumbPlace(request))
              expect({ hosts, wanted, current, got }).toEqual(dumbPlace(request));
          }
  expect(cases).toBe(6 ** 3 * 7 * 7);
});

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const arbitrary = fc.record({
  component: fc.constant(WEB),
  spec: fc.constantFrom(...SPECS, image(9), image(5, FIXED), image(7, { command: ['x'] })),
  current: fc
    .array(fc.constantFrom('-', 'z', ...ids), { maxLength: 10 })
    .map((list) => slotsOf(list.join(' '))),
  hosts: fc
    .subarray(ids)
    .chain((some) =>
      fc.tuple(
        ...some.map((id) =>
          fc
            .tuple(fc.constantFrom(...KINDS), fc.nat(3))
            .map(([make, slotCount]) => ({ ...make(id), slotCount })),
        ),
      ),
    ),
});

it('agrees with the dumb placement in larger clusters, whatever the order of the hosts', () => {
  fc.assert(
    fc.property(arbitrary, (request) => {
      const placed = place(request);
      expect(show(placed.slots)).toBe(dumbPlace(request));
      expect(place({ ...request, hosts: [...request.hosts].reverse() })).toEqual(placed);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

it('is settled after one round: placing again changes and decides nothing more', () => {
  fc.assert(
    fc.property(arbitrary, (request) => {
      const { slots } = place(request);
      const again = place({ ...request, current: slots });
      expect(again.slots).toEqual(slots);
      expect(again.decisions.filter(({ kind }) => kind !== 'unplaceable')).toEqual([]);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

it('explains a placement among 1,000 hosts within bounds', () => {
  const hosts = Array.from({ length: 1000 }, (_, i) => host(`h${i}`));
  const { slots, decisions } = place({ component: WEB, spec: image(20), current: [], hosts });
  expect(new Set(slots.map(({ host: id }) => id)).size).toBe(20);
  for (const { rejected } of decisions) expect(rejected.length).toBe(32);
});
