/** Slots are given numbers for their ports, which they keep, and give up to whoever fixes them. */
import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { LAN } from '../../../protocol/config.ts';
import { foresee } from '../../../protocol/core/foresee.ts';
import { know } from '../../../protocol/core/know.ts';
import {
  type Cluster,
  coreOf,
  deploy,
  found,
  grown,
  lose,
  newCluster,
  run,
  soon,
  stack,
} from './cluster.ts';

const OPEN: Partial<ComponentSpec> = { ports: [{ target: 80, protocol: 'tcp' }] };
const fixing = (published: number): Partial<ComponentSpec> => ({
  ports: [{ target: 80, protocol: 'tcp', published }],
});

/** `shop.web.1 a 20017`: slots, hosts and numbers as host `by` knows them committed. */
const given = (cluster: Cluster, by = 'a'): readonly string[] =>
  [...know(coreOf(cluster, by)).assignments.values()].flatMap(({ component }) =>
    component.slots.map(
      ({ slot, host, ports }) => `${component.component}.${slot} ${host} ${ports?.['80/tcp']}`,
    ),
  );
/** The same of what runs. */
const bound = (cluster: Cluster): readonly string[] =>
  [...cluster.hosts.values()]
    .flatMap(({ id, instances }) =>
      [...instances.values()]
        .filter(({ state }) => state === 'running')
        .map(({ component, slot, ports }) => `${component}.${slot} ${id} ${ports[0]?.published}`),
    )
    .sort();
const numbersIn = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.split(' ')[2] ?? '');
const seatsIn = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replace(/ \w+ /, ' ')).sort();

it('each slot of all stacks has its own, which its host binds, and keeps it on the next', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'one', stack('shop', 'web:4 api:2', OPEN));
  deploy(cluster, 'b', 'two', stack('blog', 'web:3', OPEN));
  soon(cluster, 10_000, () => bound(cluster).length === 9);
  const before = given(cluster);
  expect(new Set(numbersIn(before)).size).toBe(9);
  for (const number of numbersIn(before).map(Number))
    expect(number >= LAN.portFirst && number <= LAN.portLast).toBe(true);
  expect(bound(cluster)).toEqual([...before].sort());

  lose(cluster, 'c');
  soon(cluster, 60_000, () => bound(cluster).length === 9);
  run(cluster, 2000);
  expect(bound(cluster).filter((line) => line.includes(' c '))).toEqual([]);
  expect(seatsIn(bound(cluster))).toEqual(seatsIn(before));
});

it('a new spec changes nothing about it, and a slot that is there again has the same', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'one', stack('shop', 'web:3', OPEN));
  soon(cluster, 10_000, () => bound(cluster).length === 3);
  const before = given(cluster);
  const others = { ...OPEN, environment: { A: '1' } };
  deploy(cluster, 'a', 'two', stack('shop', 'web:2', others));
  run(cluster, 30_000);
  expect(seatsIn(bound(cluster))).toEqual(seatsIn(before).slice(0, 2));
  deploy(cluster, 'a', 'three', stack('shop', 'web:3', others));
  run(cluster, 30_000);
  expect(seatsIn(bound(cluster))).toEqual(seatsIn(before));
});

it('who fixes the number of a slot gets it, and the slot another, once', () => {
  const cluster = newCluster('a');
  found(cluster, 'a');
  run(cluster, 3000);
  deploy(cluster, 'a', 'one', stack('shop', 'web:2', OPEN));
  soon(cluster, 10_000, () => bound(cluster).length === 2);
  const before = given(cluster);
  const wanted = stack('blog', 'front', fixing(Number(numbersIn(before)[0])));
  // What would be in its way is out of it by then.
  const [plan] = foresee(coreOf(cluster, 'a'), instant(cluster.now), wanted);
  expect(plan?.slots).toHaveLength(1);
  deploy(cluster, 'a', 'two', wanted);
  run(cluster, 20_000);
  const [front, first, second] = bound(cluster);
  expect(front).toBe(`blog.front.1 a ${numbersIn(before)[0]}`);
  expect(second).toBe(before[1]);
  expect(numbersIn([first ?? ''])).not.toEqual(numbersIn(before).slice(0, 1));
  const starts = cluster.lines.filter((line) => line.startsWith('a starts'));
  expect(starts.toSorted()).toEqual([
    'a starts blog.front.1',
    'a starts shop.web.1',
    'a starts shop.web.1',
    'a starts shop.web.2',
  ]);
  expect(cluster.lines).toContain(
    `decided: shop.web.1 gives up port ${numbersIn(before)[0]}/tcp, since blog.front has it fixed`,
  );
});

it('a port that is said twice is given one number, which its slot keeps (P1)', () => {
  const [port] = OPEN.ports ?? [];
  if (port === undefined) throw new Error('it has one');
  const cluster = grown('abc');
  deploy(cluster, 'a', 'one', stack('shop', 'web:2', { ports: [port, { ...port }] }));
  soon(cluster, 10_000, () => bound(cluster).length === 2);
  const revision = (): unknown =>
    [...know(coreOf(cluster, 'a')).assignments.values()].map((each) => each.revision);
  const [slots, before] = [given(cluster), revision()];
  expect(bound(cluster)).toEqual([...slots].sort());
  run(cluster, 10_000);
  expect([given(cluster), revision()]).toEqual([slots, before]);
});
