/** Who depends on others is told where they are, keeps that, and follows them where it is asked for. */
import { expect, it } from 'vitest';
import type { Addresses } from '../../../protocol/component/addresses.ts';
import type { ComponentSpec, Dependency, StackSpec } from '../../../protocol/component/spec.ts';
import { spec } from '../reconcile/stage.ts';
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
  start,
} from './cluster.ts';

const only = (operator: '==' | '!=', value: string): Pick<ComponentSpec, 'placement'> => ({
  placement: { constraints: [{ kind: 'id', operator, value }] },
});

/** `web` on `a`, and what it depends on elsewhere, at a number of its own. */
function shop(restart: boolean): StackSpec {
  const dependency: Dependency = {
    on: 'db',
    condition: 'started',
    required: true,
    restart,
  };
  const image = 'any:1';
  const ports = [{ target: 5432, protocol: 'tcp' }] as const;
  return {
    name: 'shop',
    components: [
      spec({ name: 'db', image, ports, ...only('!=', 'a') }),
      spec({ name: 'web', image, dependsOn: [dependency], ...only('==', 'a') }),
    ],
  };
}

const webOf = (cluster: Cluster) =>
  [...hostOf(cluster, 'a').instances.values()].find(
    ({ component, state }) => component === 'shop.web' && state === 'running',
  );
const toldTo = (cluster: Cluster): Addresses | undefined => webOf(cluster)?.addresses;
const attemptOf = (cluster: Cluster): number => webOf(cluster)?.attempt ?? 0;

/** Where the database is: its host, and how others reach it. */
function db(cluster: Cluster): { readonly host: string; readonly address: string } {
  for (const { id, instances, lost } of cluster.hosts.values())
    for (const { component, state, ports } of instances.values())
      if (!lost && component === 'shop.db' && state === 'running')
        return { host: id, address: `10.0.0.${id}:${ports[0]?.published}` };
  throw new Error('it does not run');
}
const saying = (address: string): Addresses => [
  { on: 'db', target: 5432, protocol: 'tcp', at: [address] },
];

/** As by itself, in failure. */
function end(cluster: Cluster, at: string, component: string): void {
  const host = hostOf(cluster, at);
  const alive = [...host.instances.values()].filter(
    (one) => one.component === component && one.state === 'running',
  );
  for (const one of alive) {
    const { engineId } = one;
    host.instances.set(engineId, { ...one, state: 'exited', exitCode: 1 });
    give(cluster, host, { kind: 'instanceExited', engineId, exitCode: 1, oomKilled: false });
  }
}

function deployed(restart: boolean): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'one', shop(restart));
  soon(cluster, 20_000, () => attemptOf(cluster) === 1);
  run(cluster, 3000);
  return cluster;
}

it('N1: what depends on others is told where they are, and what depends on none is told nothing', () => {
  const cluster = deployed(false);
  expect(toldTo(cluster)).toEqual(saying(db(cluster).address));
  const { host } = db(cluster);
  for (const { component, addresses } of hostOf(cluster, host).instances.values())
    if (component === 'shop.db') expect(addresses).toBeUndefined();
});

it('N3: with restart: true it is replaced once the other is elsewhere for good, and told so', () => {
  const cluster = deployed(true);
  const before = db(cluster);
  expect(toldTo(cluster)).toEqual(saying(before.address));
  lose(cluster, before.host);
  soon(cluster, 30_000, () => running(cluster).some((line) => line.endsWith('shop.db.1')));
  soon(cluster, 10_000, () => attemptOf(cluster) === 2);
  const after = db(cluster);
  expect(after.host).not.toBe(before.host);
  expect(toldTo(cluster)).toEqual(saying(after.address));
  expect(coreOf(cluster, 'a').journal.map(({ text }) => text)).toContain(
    `db is found at ${after.address} for port 5432, and it was told ${before.address}`,
  );
  run(cluster, 120_000);
  expect(attemptOf(cluster)).toBe(2);
});

it('N4: without it it runs on, and is told at its next start', () => {
  const cluster = deployed(false);
  const before = db(cluster);
  lose(cluster, before.host);
  run(cluster, 120_000);
  expect([attemptOf(cluster), toldTo(cluster)]).toEqual([1, saying(before.address)]);
  end(cluster, 'a', 'shop.web');
  run(cluster, 1000);
  expect([attemptOf(cluster), toldTo(cluster)]).toEqual([2, saying(db(cluster).address)]);
});

it('N3: a new start of the other in its place changes nothing', () => {
  const cluster = deployed(true);
  const { host, address } = db(cluster);
  end(cluster, host, 'shop.db');
  run(cluster, 30_000);
  expect(db(cluster)).toEqual({ host, address });
  expect(attemptOf(cluster)).toBe(1);
});

it('N3: an agent that starts anew meanwhile finds what its instance was told, and replaces it', () => {
  const cluster = deployed(true);
  const before = db(cluster);
  lose(cluster, before.host);
  soon(cluster, 60_000, () => running(cluster).some((line) => line.endsWith('shop.db.1')));
  crash(cluster, 'a');
  run(cluster, 1000);
  expect(attemptOf(cluster)).toBe(1);
  start(cluster, 'a');
  soon(cluster, 20_000, () => attemptOf(cluster) === 2);
  expect(toldTo(cluster)).toEqual(saying(db(cluster).address));
});

it('N3: of what was made before this was kept nothing is known, and it runs on', () => {
  const cluster = deployed(true);
  crash(cluster, 'a');
  const web = webOf(cluster);
  if (web === undefined) throw new Error('it runs');
  const { addresses: _, ...older } = web;
  hostOf(cluster, 'a').instances.set(web.engineId, older);
  lose(cluster, db(cluster).host);
  start(cluster, 'a');
  run(cluster, 60_000);
  expect([attemptOf(cluster), toldTo(cluster)]).toEqual([1, undefined]);
});

it('N5: where both fail the one is started once the other is there, and knows where', () => {
  const cluster = deployed(true);
  const { host } = db(cluster);
  // The second time it is put off for a second.
  for (let count = 1; count <= 2; count++) {
    end(cluster, host, 'shop.db');
    run(cluster, 300);
  }
  end(cluster, 'a', 'shop.web');
  run(cluster, 300);
  expect(webOf(cluster)).toBeUndefined();
  run(cluster, 20_000);
  expect([attemptOf(cluster), toldTo(cluster)]).toEqual([2, saying(db(cluster).address)]);
});

it('N5: what it follows is awaited for ten seconds, and no longer', () => {
  const cluster = deployed(true);
  for (const host of 'bc') lose(cluster, host);
  run(cluster, 3000);
  end(cluster, 'a', 'shop.web');
  run(cluster, 5000);
  expect(webOf(cluster)).toBeUndefined();
  const reports = [...coreOf(cluster, 'a').slots.reports.values()];
  expect(reports.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('waits until shop.db is found'),
  ]);
  run(cluster, 5000);
  expect([attemptOf(cluster), toldTo(cluster)]).toEqual([2, []]);
  end(cluster, 'a', 'shop.web');
  run(cluster, 2000);
  expect(attemptOf(cluster)).toBe(3);
});

it('N5: without restart: true nothing is awaited', () => {
  const cluster = deployed(false);
  for (const host of 'bc') lose(cluster, host);
  run(cluster, 3000);
  end(cluster, 'a', 'shop.web');
  run(cluster, 1000);
  expect(attemptOf(cluster)).toBe(2);
});
