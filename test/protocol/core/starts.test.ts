/** What a host may start, and what not although it is assigned (R9). */
import { expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  type Cluster,
  coreOf,
  crash,
  deploy,
  destroy,
  divide,
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

/** Three hosts, one instance on each: `b` has slot 2. */
function shopping(): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'open', stack('shop', 'web:3'));
  soon(cluster, 3000, () => running(cluster).length === 3);
  run(cluster, 1000);
  cluster.lines.length = 0;
  return cluster;
}

/** All that runs on the host ends; its agent hears of it when it can. */
function endAll(cluster: Cluster, name: string): void {
  const host = hostOf(cluster, name);
  for (const [engineId, instance] of host.instances) {
    host.instances.set(engineId, { ...instance, state: 'exited', exitCode: 1 });
    give(cluster, host, { kind: 'instanceExited', engineId, exitCode: 1, oomKilled: false });
  }
}

const startsOf = (cluster: Cluster, name: string): readonly string[] =>
  cluster.lines.filter((line) => line.startsWith(`${name} starts`));

it.each([
  ['cut off', LAN.isolatedStartMs - 1000, 0, 'not yet: the others may answer soon'],
  ['cut off', LAN.isolatedStartMs + 1000, 1, 'nobody can tell it more'],
  ['in contact', LAN.isolatedStartMs + 1000, 0, 'a quorum answers: its leader will say'],
  ['told', 2000, 1, 'its leader has said so'],
])('an agent started again, %s: after %i ms %i starts, %s', (contact, ms, count, _why) => {
  const cluster = shopping();
  // Whoever leads it knows by itself.
  const [name = ''] = Array.from('abc').filter((id) => coreOf(cluster, id).writers.size === 0);
  crash(cluster, name);
  endAll(cluster, name);
  if (contact === 'cut off') divide(cluster, 'abc'.replace(name, ''), name);
  if (contact === 'in contact')
    cluster.lost = (_from, to, { kind }) => to === name && kind === 'push';
  start(cluster, name);
  run(cluster, ms);
  expect(startsOf(cluster, name)).toHaveLength(count);
});

it('after a stall it starts nothing again before it has asked what has moved meanwhile (R9)', () => {
  const cluster = shopping();
  hostOf(cluster, 'b').stoppedUntil = cluster.now + 10_000;
  cluster.lost = (_from, to) => to === 'b'; // its connections broke
  endAll(cluster, 'b');
  run(cluster, 9999);
  expect(cluster.lines).toEqual(['decided: shop.web.2 moves from b', 'c starts shop.web.2']);
  cluster.lost = () => false;
  run(cluster, 5000);
  expect(startsOf(cluster, 'b')).toEqual([]);
  // It is no less trusted afterwards.
  lose(cluster, 'c');
  soon(cluster, 8000, () => running(cluster).length === 3);
});

it('a stack deployed anew starts nothing by the assignments of its earlier life', () => {
  const cluster = shopping();
  destroy(cluster, 'a', 'close', 'shop');
  soon(cluster, 3000, () => running(cluster).length === 0);
  run(cluster, 3000);
  cluster.lines.length = 0;
  cluster.lost = (_from, _to, message) =>
    message.kind === 'write' && message.value.kind === 'component';
  deploy(cluster, 'a', 'reopen', stack('shop', 'web:3'));
  run(cluster, 3000);
  expect(cluster.lines).toContain('a answers reopen: committed');
  expect(running(cluster)).toEqual([]);
  cluster.lost = () => false;
  soon(cluster, 3000, () => running(cluster).length === 3);
});

it('a leader says what is assigned until it is heard', () => {
  const cluster = grown('abc');
  cluster.lost = (_from, _to, { kind }) => kind === 'push';
  deploy(cluster, 'a', 'open', stack('shop', 'web:3'));
  run(cluster, 3000);
  expect(running(cluster).length).toBeLessThan(3);
  cluster.lost = () => false;
  soon(cluster, 1000, () => running(cluster).length === 3);
});

it('leaves alone what runs of a stack that it knows nothing about', () => {
  const cluster = shopping();
  const { instances } = hostOf(cluster, 'b');
  const [own] = instances.values();
  if (own === undefined) throw new Error('nothing runs on b');
  instances.set('older', { ...own, engineId: 'older', component: componentId('blog', 'web') });
  crash(cluster, 'b');
  start(cluster, 'b');
  run(cluster, 15_000);
  expect(running(cluster)).toContain(`b blog.web.${own.slot}`);
});
