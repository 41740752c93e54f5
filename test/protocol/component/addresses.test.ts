/** N1, N2: where what a component depends on is found, and N3: when that is not where it was told any more. */
import { expect, it } from 'vitest';
import { componentId, hostId, term } from '../../../protocol/base/ids.ts';
import {
  type Addresses,
  lostPort,
  reachOf,
  type Sight,
  soughtBy,
  toldOf,
} from '../../../protocol/component/addresses.ts';
import type { Dependency, Sought } from '../../../protocol/component/spec.ts';
import type { HostFacts, InstanceReport } from '../../../protocol/inventory/entry.ts';
import { ADDRESSES_MAX } from '../../../protocol/limits.ts';

type Bound = InstanceReport['ports'][number];
type Said = Partial<InstanceReport> & { readonly on?: string };

const port = (address: string, published = 5432, more: Partial<Bound> = {}): Bound => ({
  target: 5432,
  address,
  published,
  ...more,
});

const report = ({ on = 'db', ...said }: Said): InstanceReport => ({
  kind: 'instance',
  component: componentId('shop', on),
  slot: 1,
  state: 'running',
  health: 'none',
  attempt: 1,
  restarts: 0,
  crashLoop: false,
  revision: 'r1',
  term: term(1),
  ports: [port('0.0.0.0')],
  ...said,
});

const FACTS: Omit<HostFacts, 'publishAddress'> = {
  kind: 'host',
  name: 'h',
  agent: '0',
  engine: 'any',
  runs: 'processes',
  cpuCount: 1,
  memoryBytes: 1,
};

type World = {
  readonly self?: string;
  readonly said: readonly (readonly [string, Said])[];
  readonly facts?: Readonly<Record<string, Partial<HostFacts> | undefined>>;
  readonly health?: Readonly<Record<string, 'alive' | 'suspect' | 'gone'>>;
};

/** Host `a` is at 10.0.0.a, and so on; `a` looks. */
function sight({ self = 'a', said, facts = {}, health = {} }: World): Sight {
  const all = said.map(([host, one]) => ({ host: hostId(host), report: report(one) }));
  return {
    self: hostId(self),
    reportsOf: (component) => all.filter((each) => each.report.component === component),
    factsOf: (host) =>
      host in facts && facts[host] === undefined
        ? undefined
        : { ...FACTS, publishAddress: '0.0.0.0', address: `10.0.0.${host}`, ...facts[host] },
    healthOf: (host) => health[host] ?? 'alive',
  };
}

const on = (name: string, changes: Partial<Dependency> = {}): Dependency => ({
  on: name,
  condition: 'started',
  required: true,
  restart: true,
  ...changes,
});

const inShop = (dependsOn: readonly Dependency[]): Sought =>
  soughtBy(componentId('shop', 'web'), { dependsOn });

const told = (world: World, ...dependsOn: readonly Dependency[]): Addresses | undefined => {
  const reach = reachOf(inShop(dependsOn.length === 0 ? [on('db')] : dependsOn), sight(world));
  return reach && toldOf(reach);
};
/** Of the one port. */
const at = (world: World): readonly string[] => told(world)?.flatMap((each) => each.at) ?? [];

it.each<[string, World, readonly string[]]>([
  ['where it is bound', { said: [['b', { ports: [port('10.9.9.9')] }]] }, ['10.9.9.9:5432']],
  ['the address of its host for all', { said: [['b', {}]] }, ['10.0.0.b:5432']],
  ['and for all of IPv6', { said: [['b', { ports: [port('::')] }]] }, ['10.0.0.b:5432']],
  [
    'once where it is bound twice',
    { said: [['b', { ports: [port('::'), port('0.0.0.0')] }]] },
    ['10.0.0.b:5432'],
  ],
  [
    'the loopback beside it, where its host names none',
    { said: [['a', {}]], facts: { a: { address: undefined } as never } },
    ['127.0.0.1:5432'],
  ],
  ['in brackets', { said: [['b', { ports: [port('fd00::2')] }]] }, ['[fd00::2]:5432']],
  [
    'nothing of a host that names none',
    { said: [['b', {}]], facts: { b: { address: undefined } as never } },
    [],
  ],
  [
    'nothing of a host that has said nothing of itself',
    { said: [['b', {}]], facts: { b: undefined } },
    [],
  ],
  ['no loopback of another', { said: [['b', { ports: [port('127.0.0.1')] }]] }, []],
  [
    'but the one where a host publishes all',
    {
      said: [['b', { ports: [port('127.0.1.2')] }]],
      facts: { b: { publishAddress: '127.0.1.2' } },
    },
    ['127.0.1.2:5432'],
  ],
  ['its own loopback', { said: [['a', { ports: [port('127.0.0.1')] }]] }, ['127.0.0.1:5432']],
  [
    'but not to a container',
    { said: [['a', { ports: [port('127.0.0.1')] }]], facts: { a: { runs: 'images' } } },
    [],
  ],
  [
    'nothing of a port without a number yet',
    { said: [['b', { ports: [port('10.0.0.1', 0)] }]] },
    [],
  ],
])('N2: it is told %s', (_, world, wanted) => {
  expect(at(world)).toEqual(wanted);
});

it.each<[string, World, readonly string[]]>([
  [
    'nothing of the dead',
    {
      said: [
        ['b', {}],
        ['c', { slot: 2 }],
      ],
      health: { b: 'gone' },
    },
    ['10.0.0.c:5432'],
  ],
  [
    'nothing of suspects',
    {
      said: [
        ['b', {}],
        ['c', { slot: 2 }],
      ],
      health: { b: 'suspect' },
    },
    ['10.0.0.c:5432'],
  ],
  [
    'nothing of what ends',
    {
      said: [
        ['b', { state: 'stopping' }],
        ['c', { slot: 2 }],
      ],
    },
    ['10.0.0.c:5432'],
  ],
  [
    'its own host first, then by slot',
    {
      said: [
        ['c', { slot: 2 }],
        ['b', { slot: 1 }],
        ['a', { slot: 3 }],
      ],
    },
    ['10.0.0.a:5432', '10.0.0.b:5432', '10.0.0.c:5432'],
  ],
  [
    'those of one slot by their text',
    {
      said: [
        ['c', {}],
        ['b', {}],
      ],
    },
    ['10.0.0.b:5432', '10.0.0.c:5432'],
  ],
  [
    'only what is well',
    {
      said: [
        ['b', { health: 'unhealthy' }],
        ['c', { slot: 2, health: 'healthy' }],
      ],
    },
    ['10.0.0.c:5432'],
  ],
  [
    'what runs where nothing is well',
    {
      said: [
        ['b', { health: 'starting' }],
        ['c', { slot: 2, health: 'unhealthy' }],
      ],
    },
    ['10.0.0.b:5432', '10.0.0.c:5432'],
  ],
])('N1: it is told %s', (_, world, wanted) => {
  expect(at(world)).toEqual(wanted);
});

it('N1: the ports are told apart, UDP from TCP', () => {
  const ports = [
    port('10.0.0.9', 53, { target: 53, protocol: 'udp' }),
    port('10.0.0.9', 54, { target: 53 }),
    port('10.0.0.9', 80, { target: 9 }),
  ];
  expect(told({ said: [['b', { ports }]] })).toEqual([
    { on: 'db', target: 9, protocol: 'tcp', at: ['10.0.0.9:80'] },
    { on: 'db', target: 53, protocol: 'tcp', at: ['10.0.0.9:54'] },
    { on: 'db', target: 53, protocol: 'udp', at: ['10.0.0.9:53'] },
  ]);
});

it('N1: no more than can be told, the nearest', () => {
  const slots = Array.from({ length: ADDRESSES_MAX + 5 }, (_, i) => i + 1);
  const said = slots.map((slot) => ['b', { slot, ports: [port('10.0.0.9', slot)] }] as const);
  expect(at({ said })).toEqual(slots.slice(0, ADDRESSES_MAX).map((slot) => `10.0.0.9:${slot}`));
});

it('tells of nothing that it does not depend on, nor of what is to have ended by then', () => {
  const world: World = {
    said: [
      ['b', {}],
      ['b', { on: 'other' }],
    ],
  };
  expect(reachOf(inShop([]), sight(world))).toBeUndefined();
  expect(reachOf(inShop([on('db', { condition: 'completed' })]), sight(world))).toBeUndefined();
  expect(told(world, on('other'), on('gone'))?.map((each) => each.on)).toEqual(['other']);
});

const said = (...addresses: readonly string[]): Addresses =>
  addresses.length === 0 ? [] : [{ on: 'db', target: 5432, protocol: 'tcp', at: addresses }];

it.each<[string, Addresses | undefined, World, boolean]>([
  ['it has moved', said('10.0.0.b:5432'), { said: [['c', {}]] }, true],
  ['it is where it was', said('10.0.0.b:5432'), { said: [['b', {}]] }, false],
  [
    'one of two has moved',
    said('10.0.0.b:5432', '10.0.0.d:5432'),
    {
      said: [
        ['b', {}],
        ['c', { slot: 2 }],
      ],
    },
    false,
  ],
  ['it is nowhere', said('10.0.0.b:5432'), { said: [] }, false],
  ['it was nowhere, and is there', said(), { said: [['b', {}]] }, true],
  ['nothing is known of what it was told', undefined, { said: [['b', {}]] }, false],
  [
    'it is where it was, and ill',
    said('10.0.0.b:5432'),
    {
      said: [
        ['b', { health: 'unhealthy' }],
        ['c', { slot: 2 }],
      ],
    },
    false,
  ],
  [
    'its host is doubted',
    said('10.0.0.b:5432'),
    {
      said: [
        ['b', {}],
        ['c', { slot: 2 }],
      ],
      health: { b: 'suspect' },
    },
    false,
  ],
  [
    'only a host that is doubted has it',
    said('10.0.0.b:5432'),
    { said: [['c', {}]], health: { c: 'suspect' } },
    false,
  ],
  [
    'its host is dead',
    said('10.0.0.b:5432'),
    {
      said: [
        ['b', {}],
        ['c', { slot: 2 }],
      ],
      health: { b: 'gone' },
    },
    true,
  ],
])('N3: what it was told is lost or not: %s', (_, known, world, isLost) => {
  const reach = reachOf(inShop([on('db')]), sight(world)) ?? [];
  expect(lostPort(known, reach) !== undefined).toBe(isLost);
});

it('N3: without restart: true nothing is followed', () => {
  const reach = reachOf(inShop([on('db', { restart: false })]), sight({ said: [['c', {}]] })) ?? [];
  expect(lostPort(said('10.0.0.b:5432'), reach)).toBeUndefined();
});

it('a one-off task is told what its service is, of the stack of that one (N1)', () => {
  const task = componentId('shop-web-run-1', 'run');
  const seeks = inShop([on('db')]);
  expect(soughtBy(task, { dependsOn: [], job: { seeks } })).toEqual(seeks);
  expect(soughtBy(task, { dependsOn: [on('db')], job: {} }).stack).toBe('shop-web-run-1');
});
