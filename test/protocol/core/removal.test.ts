/** A voter that is removed forgets what it held; added again it has nothing until it has merged. */
import { expect, it } from 'vitest';
import { epoch, hostId } from '../../../protocol/base/ids.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import {
  answered,
  type Cluster,
  coreOf,
  crash,
  deploy,
  found,
  give,
  grown,
  hostOf,
  newCluster,
  run,
  soon,
  stack,
  start,
} from './cluster.ts';

/** `c` hears nothing any more but this roster. */
function choose(cluster: Cluster, change: Partial<Roster>): void {
  const roster = { ...coreOf(cluster, 'a').council.roster, ...change };
  const message = { kind: 'rosterChosen', roster } as const;
  cluster.lost = (_from, to) => to === 'c';
  give(cluster, hostOf(cluster, 'c'), { kind: 'messageReceived', from: hostId('a'), message });
}

function shopping(): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'open', stack('shop', 'web'));
  soon(cluster, 3000, () => answered(cluster, 'open') !== undefined);
  run(cluster, 1000);
  return cluster;
}

const registersOf = (cluster: Cluster): readonly string[] =>
  [...hostOf(cluster, 'c').disk.keys()].filter((name) => name.startsWith('record/'));

it('forgets its records and its sync, on disk too (Roster 6)', () => {
  const cluster = shopping();
  expect(registersOf(cluster)).toContain('record/stack/shop');
  choose(cluster, { epoch: epoch(4), voters: ['a', 'b', 'd'].map(hostId) });
  expect(registersOf(cluster)).toEqual([]);
  expect(coreOf(cluster, 'c').registers.size).toBe(0);
  expect(hostOf(cluster, 'c').disk.get('host')).toMatchObject({ synced: false });
});

it.each([
  [0, 'not even knowing of its removal'],
  [1, 'knowing all of it'],
])('removed, dead after %s writes and added again, it must merge first: %s', (writes, _why) => {
  const cluster = shopping();
  hostOf(cluster, 'c').writesLeft = writes;
  choose(cluster, { epoch: epoch(4), voters: ['a', 'b', 'd'].map(hostId) });
  crash(cluster, 'c');
  start(cluster, 'c');
  expect(coreOf(cluster, 'c').council.roster.epoch).toBe(3 + writes);
  hostOf(cluster, 'c').writesLeft = undefined;
  const voters = ['a', 'b', 'd'].map(hostId);
  choose(cluster, { epoch: epoch(6), voters, next: ['a', 'b', 'c'].map(hostId) });
  expect(coreOf(cluster, 'c').durable.synced).toBe(false);
  expect(registersOf(cluster)).toEqual([]);
});

it('a voter that has merged once need not merge again after a restart', () => {
  const cluster = newCluster('abc');
  found(cluster, 'a');
  for (const name of 'bc') start(cluster, name);
  soon(cluster, 10_000, () => coreOf(cluster, 'c').durable.synced);
  crash(cluster, 'c');
  start(cluster, 'c');
  expect(coreOf(cluster, 'c').durable.synced).toBe(true);
});
