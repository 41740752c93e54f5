/**
 * What users would see of a whole cluster, line by line: rosters followed, answers given, decisions
 * taken, instances started and stopped. Lines of one moment on several hosts are sorted.
 */
import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import { allCommitted } from '../../../protocol/record/committed.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import {
  answered,
  type Cluster,
  coreOf,
  crash,
  deploy,
  destroy,
  divide,
  found,
  grown,
  lose,
  newCluster,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const SHOP = stack('shop', 'web:3');

/** What has happened since the last look. */
function lines(cluster: Cluster): readonly string[] {
  return cluster.lines.splice(0);
}

/** The cluster at rest with the shop running. */
function shopping(): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'open', SHOP);
  soon(cluster, 3000, () => running(cluster).length === 3);
  run(cluster, 1000);
  lines(cluster);
  return cluster;
}

it('a founder lets two in and shares its vote with them, by way of both majorities', () => {
  const cluster = newCluster('abc');
  found(cluster, 'a');
  run(cluster, 5000);
  start(cluster, 'b');
  start(cluster, 'c');
  soon(cluster, 3000, () => cluster.lines.length === 2);
  expect(lines(cluster).toSorted()).toEqual([
    'b follows epoch 1: voters a',
    'c follows epoch 1: voters a',
  ]);
  soon(cluster, 5000, () => cluster.lines.length === 3);
  expect(lines(cluster)).toEqual([
    'a follows epoch 2: voters from a to a b c',
    'b follows epoch 2: voters from a to a b c',
    'c follows epoch 2: voters from a to a b c',
  ]);
  // No sooner than every lease granted under the old roster has run out.
  expect(soon(cluster, 10_000, () => cluster.lines.length === 3)).toBeGreaterThan(3000);
  expect(lines(cluster)).toEqual([
    'a follows epoch 3: voters a b c',
    'b follows epoch 3: voters a b c',
    'c follows epoch 3: voters a b c',
  ]);
});

it('a deploy is answered once it is committed, and its slots are spread', () => {
  const cluster = grown('abc');
  deploy(cluster, 'b', 'open', SHOP);
  soon(cluster, 100, () => answered(cluster, 'open') !== undefined);
  expect(lines(cluster)).toEqual(['b answers open: committed']);
  soon(cluster, 2000, () => running(cluster).length === 3);
  run(cluster, 5000);
  expect(lines(cluster).toSorted()).toEqual([
    'a starts shop.web.3',
    'b starts shop.web.2',
    'c starts shop.web.1',
    'decided: shop.web.1 goes to c',
    'decided: shop.web.2 goes to b',
    'decided: shop.web.3 goes to a',
  ]);
});

it.each([
  ['a', 'shop.web.3', 'b'],
  ['b', 'shop.web.2', 'c'],
  ['c', 'shop.web.1', 'a'],
])('once %s is lost, leader or not, %s goes to %s and stays', (name, slot, to) => {
  const cluster = shopping();
  lose(cluster, name);
  expect(soon(cluster, 8000, () => running(cluster).length === 3)).toBeLessThan(6000);
  run(cluster, 10_000);
  expect(lines(cluster)).toEqual([`decided: ${slot} moves from ${name}`, `${to} starts ${slot}`]);
  start(cluster, name);
  run(cluster, 15_000);
  expect(lines(cluster)).toEqual([]);
});

it('a minority refuses at once and goes on with what it runs; healed, it follows', () => {
  const cluster = shopping();
  divide(cluster, 'a', 'bc');
  run(cluster, 1500);
  deploy(cluster, 'a', 'more', stack('shop', 'web:4'));
  run(cluster, 10_000);
  expect(lines(cluster)).toEqual([
    'decided: shop.web.3 moves from a',
    'b starts shop.web.3',
    'a answers more: refused no-quorum',
  ]);
  expect(running(cluster)).toEqual([
    'a shop.web.3',
    'b shop.web.2',
    'b shop.web.3',
    'c shop.web.1',
  ]);
  divide(cluster);
  run(cluster, 15_000);
  expect(lines(cluster)).toEqual(['a stops shop.web.3']);
});

it('an agent that starts again adopts what runs: nothing stops, starts or moves', () => {
  const cluster = shopping();
  crash(cluster, 'a');
  run(cluster, 1000);
  start(cluster, 'a');
  run(cluster, 15_000);
  expect(lines(cluster)).toEqual([]);
});

it('after all three lost power the acknowledged stack runs again, where it ran', () => {
  const cluster = shopping();
  const before = running(cluster);
  for (const name of 'abc') lose(cluster, name);
  run(cluster, 60_000);
  for (const name of 'abc') start(cluster, name);
  soon(cluster, 10_000, () => running(cluster).length === 3);
  expect(running(cluster)).toEqual(before);
  run(cluster, 15_000);
  expect(lines(cluster).filter((line) => !line.includes(' starts '))).toEqual([]);
});

it('alone after a power cut a host starts nothing: it cannot know what others run', () => {
  const cluster = shopping();
  for (const name of 'abc') lose(cluster, name);
  start(cluster, 'b');
  run(cluster, 60_000);
  expect(lines(cluster)).toEqual([]);
  deploy(cluster, 'b', 'more', stack('blog', 'web'));
  expect(lines(cluster)).toEqual(['b answers more: refused no-quorum']);
});

it('a destroyed stack stops everywhere, also where nobody could be told', () => {
  const cluster = shopping();
  divide(cluster, 'ab', 'c');
  run(cluster, 1500);
  destroy(cluster, 'a', 'close', 'shop');
  run(cluster, 15_000);
  expect(lines(cluster)).toContain('a answers close: committed');
  expect(running(cluster)).toEqual(['c shop.web.1']);
  divide(cluster);
  soon(cluster, 5000, () => running(cluster).length === 0);
  destroy(cluster, 'b', 'again', 'shop');
  run(cluster, 1000);
  expect(lines(cluster)).toContain('b answers again: refused no-such-stack');
});

it('a stack deployed again after its destroy runs as if it were new', () => {
  const cluster = shopping();
  destroy(cluster, 'a', 'close', 'shop');
  run(cluster, 3000);
  expect(lines(cluster).toSorted()).toEqual([
    'a answers close: committed',
    'a stops shop.web.3',
    'b stops shop.web.2',
    'c stops shop.web.1',
  ]);
  deploy(cluster, 'c', 'reopen', SHOP);
  run(cluster, 5000);
  expect(lines(cluster).toSorted()).toEqual([
    'a starts shop.web.3',
    'b starts shop.web.2',
    'c answers reopen: committed',
    'c starts shop.web.1',
    'decided: shop.web.1 goes to c',
    'decided: shop.web.2 goes to b',
    'decided: shop.web.3 goes to a',
  ]);
});

it('a component that left its stack stops, and starts where it was when it is back', () => {
  const cluster = shopping();
  deploy(cluster, 'b', 'more', stack('shop', 'web:3 db'));
  run(cluster, 3000);
  const [, , began = ''] = lines(cluster);
  deploy(cluster, 'a', 'less', SHOP);
  run(cluster, 3000);
  expect(lines(cluster)).toEqual(['a answers less: committed', began.replace('starts', 'stops')]);
  deploy(cluster, 'b', 'again', stack('shop', 'web:3 db'));
  run(cluster, 3000);
  expect(lines(cluster)).toEqual(['b answers again: committed', began]);
});

it('until its leader has decided by a deploy that changes nothing of what runs, everyone sees that', () => {
  const cluster = shopping();
  const isPending = (name: string): boolean | undefined =>
    viewOf(coreOf(cluster, name), instant(cluster.now)).stacks[0]?.components[0]?.pending;
  const seen = (): readonly (boolean | undefined)[] => ['a', 'b', 'c'].map(isPending);
  expect(seen()).toEqual([undefined, undefined, undefined]);
  const placement = { constraints: [{ kind: 'id', operator: '!=', value: 'z' } as const] };
  deploy(cluster, 'a', 'elsewhere', stack('shop', 'web:3', { placement }));
  soon(cluster, 2000, () => seen().includes(true));
  soon(cluster, 2000, () => !seen().includes(true));
  expect(lines(cluster)).toEqual(['a answers elsewhere: committed']);
});

it('components with one fixed port share no host, and deployed anew they stay', () => {
  const cluster = grown('abc');
  const ports = [{ target: 80, published: 8080, protocol: 'tcp' as const }];
  deploy(cluster, 'a', 'first', stack('shop', 'web:2 db', { ports }));
  run(cluster, 10_000);
  const before = running(cluster);
  expect(before.map((line) => line.charAt(0))).toEqual(['a', 'b', 'c']);
  deploy(cluster, 'b', 'second', stack('shop', 'web:2 db', { ports, image: 'any:2' }));
  run(cluster, 5000);
  expect(running(cluster)).toEqual(before);
});

it('a slot may go where its own component leaves at the same time', () => {
  const cluster = grown('abc');
  const ports = [{ target: 80, published: 8080, protocol: 'tcp' as const }];
  deploy(cluster, 'a', 'three', stack('shop', 'web:3', { ports }));
  run(cluster, 5000);
  lines(cluster);
  lose(cluster, 'c');
  run(cluster, 10_000);
  expect(lines(cluster)).toEqual(['decided: shop.web.1 waits for c, since it fits nowhere else']);
  deploy(cluster, 'a', 'one', stack('shop', 'web:1', { ports }));
  run(cluster, 5000);
  expect(lines(cluster).filter((line) => line.includes('shop.web.1'))).toEqual([
    'decided: shop.web.1 moves from c',
    'a starts shop.web.1',
  ]);
});

it('every host knows the same records in the end', () => {
  const cluster = shopping();
  deploy(cluster, 'b', 'more', stack('blog', 'web:3'));
  run(cluster, 5000);
  const known = (name: string): string =>
    JSON.stringify(allCommitted(coreOf(cluster, name).committed));
  expect([known('b'), known('c')]).toEqual([known('a'), known('a')]);
});
