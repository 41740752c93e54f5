/** A host that is back gets slots again, one a minute, where users ask for it and all is calm. */
import { expect, it } from 'vitest';
import { componentId, componentKey, hostId } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  answered,
  type Cluster,
  deploy,
  give,
  grown,
  hostOf,
  lose,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const ASKED: Partial<ComponentSpec> = { placement: { constraints: [], rebalance: true } };
const MINUTE = 60_000;
const SHOP_WEB = componentKey(componentId('shop', 'web'));

const countOn = (cluster: Cluster, host: string): number =>
  running(cluster).filter((line) => line.startsWith(`${host} shop.web.`)).length;
const counts = (cluster: Cluster): string =>
  [...cluster.hosts.keys()].map((id) => countOn(cluster, id)).join(' ');

/** Of a cluster that has lost `c` and has it back, all of it on the others. */
function returned(names: string, replicas: number, changes: Partial<ComponentSpec> = ASKED) {
  const cluster = grown(names);
  deploy(cluster, 'a', 'open', stack('shop', `web:${replicas}`, changes));
  soon(cluster, 10_000, () => running(cluster).length === replicas);
  lose(cluster, 'c');
  soon(cluster, 20_000, () => running(cluster).length === replicas);
  run(cluster, 2000);
  start(cluster, 'c');
  cluster.lines.length = 0;
  return cluster;
}

const decided = ({ lines }: Cluster): readonly string[] =>
  lines.filter((line) => line.startsWith('decided: '));

it('one a minute, each started before it ends elsewhere, until it is even (B2, B4)', () => {
  const cluster = returned('abc', 6);
  run(cluster, MINUTE - 1000);
  expect([counts(cluster), decided(cluster)]).toEqual(['3 3 0', []]);
  soon(cluster, 5000, () => counts(cluster).endsWith(' 1'));
  expect(decided(cluster)).toEqual([
    expect.stringMatching(/^decided: shop\.web\.\d moves from [ab] to c to balance$/),
  ]);
  const at = (text: string): number => cluster.lines.findIndex((line) => line.includes(text));
  run(cluster, 2000);
  expect(at('c starts')).toBeGreaterThan(0);
  expect(at(' stops ')).toBeGreaterThan(at('c starts'));
  expect(running(cluster)).toHaveLength(6);
  run(cluster, MINUTE - 3000);
  expect(decided(cluster)).toHaveLength(1);
  run(cluster, 5000);
  expect([counts(cluster), decided(cluster).length]).toEqual(['2 2 2', 2]);
  run(cluster, 5 * MINUTE);
  expect([counts(cluster), decided(cluster).length]).toEqual(['2 2 2', 2]);
});

it('a new leader measures the calm anew', () => {
  const cluster = returned('abc', 6);
  run(cluster, MINUTE - 20_000);
  give(cluster, hostOf(cluster, 'a'), {
    kind: 'commandGiven',
    commandId: 'lead',
    command: { kind: 'lead', key: SHOP_WEB, to: hostId('c'), force: false },
  });
  soon(cluster, 10_000, () => answered(cluster, 'lead') !== undefined);
  expect(answered(cluster, 'lead')).toBe('a answers lead: led');
  run(cluster, MINUTE - 2000);
  expect(decided(cluster)).toEqual([]);
  soon(cluster, 10_000, () => decided(cluster).length > 0);
});

it.each<readonly [string, Partial<ComponentSpec>]>([
  ['nobody asks for it', {}],
  [
    'two with a volume might write to two',
    {
      ...ASKED,
      volumes: [{ kind: 'named', source: 'data', target: '/data', readOnly: false }],
    },
  ],
  ['a user holds it', { ...ASKED, steering: { held: true } }],
])('nothing moves: %s', (_why, changes) => {
  const cluster = returned('abc', 4, changes);
  run(cluster, 3 * MINUTE);
  expect([counts(cluster), decided(cluster)]).toEqual(['2 2 0', []]);
});

it('nothing moves while another member is dead', () => {
  const cluster = returned('abcd', 6);
  lose(cluster, 'd');
  soon(cluster, 20_000, () => running(cluster).length === 6);
  cluster.lines.length = 0;
  run(cluster, 3 * MINUTE);
  expect(decided(cluster)).toEqual([]);
  start(cluster, 'd');
  run(cluster, MINUTE + 5000);
  expect(decided(cluster)).toHaveLength(1);
});

it('a host that has flapped is made use of when it has stopped, though nothing else happens then', () => {
  const cluster = returned('abc', 6);
  for (let deaths = 1; deaths < 5; deaths++) {
    run(cluster, 4000);
    lose(cluster, 'c');
    run(cluster, 6000);
    start(cluster, 'c');
  }
  cluster.lines.length = 0;
  // Dead five times: for so long it is given nothing.
  run(cluster, 79_000);
  expect(decided(cluster)).toEqual([]);
  run(cluster, 4000);
  expect(decided(cluster)).toHaveLength(1);
});

it('nothing moves while one of them is not well', () => {
  const cluster = returned('abc', 4);
  const ill = [...hostOf(cluster, 'a').instances.values()].find(({ state }) => state === 'running');
  if (ill === undefined) throw new Error('two run there');
  run(cluster, MINUTE - 10_000);
  const tell = (health: 'starting' | 'healthy'): void =>
    give(cluster, hostOf(cluster, 'a'), {
      kind: 'instanceHealthChanged',
      engineId: ill.engineId,
      health,
    });
  tell('starting');
  run(cluster, MINUTE);
  expect(decided(cluster)).toEqual([]);
  tell('healthy');
  run(cluster, MINUTE - 2000);
  expect(decided(cluster)).toEqual([]);
  run(cluster, 5000);
  expect(decided(cluster)).toHaveLength(1);
});
