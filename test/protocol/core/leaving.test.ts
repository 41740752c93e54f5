/** An agent that ends for good says so: nobody waits for it, neither for its slots nor for its leases. */
import { describe, expect, it } from 'vitest';
import { LAN } from '../../../protocol/config.ts';
import { healthOf } from '../../../protocol/membership/membership.ts';
import { know } from '../../../protocol/core/know.ts';
import {
  type Cluster,
  coreOf,
  crash,
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

const NAMES = ['a', 'b', 'c'] as const;

function shopping(): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'open', stack('shop', 'web:3'));
  soon(cluster, 3000, () => running(cluster).length === 3);
  run(cluster, 2000);
  return cluster;
}

/** Whoever leads most, so that there is something to give up. */
function leader(cluster: Cluster): string {
  const counts = NAMES.map((name) => [name, coreOf(cluster, name).writers.size] as const);
  return counts.toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? 'a';
}

const others = (name: string): readonly string[] => NAMES.filter((each) => each !== name);
const slotsOf = (cluster: Cluster, by: string): readonly string[] =>
  [...know(coreOf(cluster, by)).assignments.values()].flatMap(({ component: { slots } }) =>
    slots.map(({ host }) => host),
  );

describe('an agent that leaves', () => {
  it('is believed gone by all at once, and its slots and leases are taken over', () => {
    const cluster = shopping();
    const name = leader(cluster);
    give(cluster, hostOf(cluster, name), { kind: 'stopping', why: 'stop' });
    run(cluster, 20);
    for (const other of others(name))
      expect(healthOf(coreOf(cluster, other).membership, hostOf(cluster, name).id)).toBe('left');
    expect(coreOf(cluster, name).leases?.holder.holds.size).toBe(0);
    crash(cluster, name);
    soon(cluster, 1500, () =>
      others(name).every((other) => !slotsOf(cluster, other).includes(name)),
    );
  });

  it('leads nothing more, however long it lives on', () => {
    const cluster = shopping();
    const name = leader(cluster);
    give(cluster, hostOf(cluster, name), { kind: 'stopping', why: 'stop' });
    run(cluster, 10_000);
    expect(coreOf(cluster, name).leases?.holder.holds.size).toBe(0);
  });

  it('is alive again in its next life', () => {
    const cluster = shopping();
    const name = leader(cluster);
    give(cluster, hostOf(cluster, name), { kind: 'stopping', why: 'stop' });
    run(cluster, 20);
    crash(cluster, name);
    run(cluster, 1000);
    start(cluster, name);
    const isBack = (other: string): boolean =>
      healthOf(coreOf(cluster, other).membership, hostOf(cluster, name).id) === 'alive';
    expect(soon(cluster, 1000, () => others(name).every(isBack))).toBeLessThanOrEqual(1000);
  });
});

it('a host that lives, while a copy of its disk has said that it leaves, is alive again', () => {
  const cluster = shopping();
  const { boot, membership } = coreOf(cluster, 'b');
  const { incarnation } = membership;
  const about = hostOf(cluster, 'b').id;
  const message = { kind: 'rumor', by: about, about, boot, incarnation, health: 'left' } as const;
  for (const other of others('b'))
    give(cluster, hostOf(cluster, other), { kind: 'messageReceived', from: about, message });
  const believed = (other: string): string | undefined =>
    healthOf(coreOf(cluster, other).membership, about);
  expect(others('b').map(believed)).toEqual(['left', 'left']);
  soon(cluster, 1000, () => others('b').every((other) => believed(other) === 'alive'));
});

describe('a host that reboots', () => {
  /** One with data and one without, on one host. */
  function shop(): readonly [Cluster, string] {
    const cluster = grown('abc');
    deploy(cluster, 'a', 'data', stack('store', 'db:1', { volumes: [DATA] }));
    deploy(cluster, 'a', 'web', stack('shop', 'web:3'));
    soon(cluster, 3000, () => running(cluster).length === 4);
    run(cluster, 2000);
    const [line = ''] = running(cluster).filter((each) => each.includes('store.db'));
    return [cluster, line.charAt(0)];
  }
  const DATA = { kind: 'named', source: 'data', target: '/data', readOnly: false } as const;
  const on = (cluster: Cluster, by: string, component: string): readonly string[] =>
    [...know(coreOf(cluster, by)).assignments.values()]
      .filter((each) => each.component.component === component)
      .flatMap(({ component: { slots } }) => slots.map(({ host }) => host));

  function reboot(cluster: Cluster, name: string): void {
    give(cluster, hostOf(cluster, name), { kind: 'stopping', why: 'reboot' });
    run(cluster, 20);
    lose(cluster, name);
  }

  it('keeps what has data until it is back, and the rest moves at once', () => {
    const [cluster, name] = shop();
    reboot(cluster, name);
    soon(cluster, 1500, () =>
      others(name).every((other) => !on(cluster, other, 'shop.web').includes(name)),
    );
    run(cluster, 60_000);
    for (const other of others(name)) expect(on(cluster, other, 'store.db')).toEqual([name]);
    start(cluster, name);
    soon(cluster, 3000, () => running(cluster).includes(`${name} store.db.1`));
  });

  it('is given up when it is not back in time', () => {
    const [cluster, name] = shop();
    reboot(cluster, name);
    run(cluster, LAN.backWithinMs - 1000);
    for (const other of others(name)) expect(on(cluster, other, 'store.db')).toEqual([name]);
    run(cluster, 3000);
    for (const other of others(name)) expect(on(cluster, other, 'store.db')).not.toEqual([name]);
  });

  it('is waited for by an agent that starts meanwhile', () => {
    const [cluster, name] = shop();
    reboot(cluster, name);
    run(cluster, 1000);
    const [other = ''] = others(name);
    crash(cluster, other);
    start(cluster, other);
    run(cluster, 1000);
    const backBy = coreOf(cluster, other).membership.members.get(hostOf(cluster, name).id)?.backBy;
    expect(backBy).toBeGreaterThan(cluster.now + LAN.backWithinMs - 3000);
    expect(backBy).toBeLessThan(cluster.now + LAN.backWithinMs - 1000);
  });
});
