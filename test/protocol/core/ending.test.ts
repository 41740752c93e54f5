/** A destroyed stack ends in reverse order of `depends_on`, whatever becomes of hosts and agents meanwhile. */
import { expect, it } from 'vitest';
import { hostId, stackKey } from '../../../protocol/base/ids.ts';
import { seconds } from '../../../protocol/base/time.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { entriesOf } from '../../../protocol/inventory/inventories.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  type Cluster,
  coreOf,
  crash,
  deploy,
  destroy,
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

/** `web` depends on `api`, and that on `db`; each may take a second to end. */
function chain(): StackSpec {
  const { components } = stack('shop', 'db api web', { stopGraceMs: seconds(1) });
  const on: Readonly<Record<string, string>> = { web: 'api', api: 'db' };
  return {
    name: 'shop',
    components: components.map((spec) => {
      const other = on[spec.name];
      const dependency = { condition: 'started', required: true, restart: false } as const;
      return { ...spec, dependsOn: other === undefined ? [] : [{ on: other, ...dependency }] };
    }),
  };
}
/** Of each level: its grace, and 5 s. */
const LEVEL_MS = 6000;

/** Four hosts, three of which run one component each; the fourth leads the stack, so that it can be told of alone. */
function shopping(): Cluster {
  const cluster = grown('abcd');
  deploy(cluster, 'a', 'open', chain());
  soon(cluster, 3000, () => running(cluster).length === 3);
  const lead = {
    kind: 'lead',
    key: stackKey('shop'),
    to: hostId(spareOf(cluster)),
    force: false,
  } as const;
  give(cluster, hostOf(cluster, 'a'), { kind: 'commandGiven', commandId: 'l', command: lead });
  run(cluster, 5000);
  cluster.lines.length = 0;
  return cluster;
}

function hostWith(cluster: Cluster, component: string): string {
  const line = running(cluster).find((each) => each.endsWith(` shop.${component}.1`)) ?? '';
  return line.split(' ', 1)[0] ?? '';
}
/** It runs nothing, and lives whatever follows. */
const spareOf = (cluster: Cluster): string =>
  [...cluster.hosts.keys()].find(
    (name) => !running(cluster).some((line) => line.startsWith(name)),
  ) ?? '';
const end = (cluster: Cluster): void => destroy(cluster, spareOf(cluster), 'close', 'shop');
const stops = (cluster: Cluster): readonly string[] =>
  cluster.lines.flatMap((line) => /^\w stops shop\.(\w+)/.exec(line)?.[1] ?? []);
const runs = (cluster: Cluster, component: string): boolean => hostWith(cluster, component) !== '';
/** Its host hears of nothing new. */
function deafen(cluster: Cluster, name: string): void {
  const telling: readonly Message['kind'][] = ['push', 'delta', 'readAck'];
  cluster.lost = (_from, to, { kind }) => to === name && telling.includes(kind);
}

it('ends what depended on others first, wherever it runs (O1)', () => {
  const cluster = shopping();
  expect(new Set(['db', 'api', 'web'].map((name) => hostWith(cluster, name))).size).toBe(3);
  end(cluster);
  soon(cluster, 3000, () => running(cluster).length === 0);
  expect(stops(cluster)).toEqual(['web', 'api', 'db']);
});

it('says what it waits for (O1)', () => {
  const cluster = shopping();
  const [db, web] = [hostWith(cluster, 'db'), hostWith(cluster, 'web')];
  deafen(cluster, web);
  end(cluster);
  run(cluster, 1000);
  const told = entriesOf(
    coreOf(cluster, 'abcd'.replace(db, '')[0] ?? '').inventories,
    hostOf(cluster, db).id,
  );
  expect(told.get('instance/shop.db/1')).toMatchObject({
    state: 'running',
    reason: 'waits until shop.api has ended',
  });
  expect(coreOf(cluster, db).journal.at(-1)?.text).toBe(
    'not wanted any more; waits until shop.api has ended',
  );
});

it('waits for no host that is dead (O1)', () => {
  const cluster = shopping();
  lose(cluster, hostWith(cluster, 'web'));
  end(cluster);
  const tookMs = soon(cluster, LEVEL_MS, () => !runs(cluster, 'db'));
  expect(tookMs).toBeGreaterThan(1000);
  expect(stops(cluster)).toEqual(['api', 'db']);
});

it('waits for so long as each level may take, and no longer (O2)', () => {
  const cluster = shopping();
  deafen(cluster, hostWith(cluster, 'web'));
  end(cluster);
  const apiMs = soon(cluster, 20_000, () => !runs(cluster, 'api'));
  expect(apiMs).toBeGreaterThanOrEqual(LEVEL_MS);
  expect(apiMs).toBeLessThan(LEVEL_MS + 1000);
  // That still runs, so it waits on.
  const dbMs = soon(cluster, 20_000, () => !runs(cluster, 'db'));
  expect(apiMs + dbMs).toBeGreaterThanOrEqual(2 * LEVEL_MS);
  expect(apiMs + dbMs).toBeLessThan(2 * LEVEL_MS + 1000);
  expect(running(cluster)).toHaveLength(1);
  cluster.lost = () => false;
  soon(cluster, 5000, () => running(cluster).length === 0);
});

it('an agent that starts in between waits until the others have said what they run (O1)', () => {
  const cluster = shopping();
  const [db, api] = [hostWith(cluster, 'db'), hostWith(cluster, 'api')];
  deafen(cluster, hostWith(cluster, 'web'));
  end(cluster);
  run(cluster, 1000);
  crash(cluster, db);
  crash(cluster, api);
  start(cluster, db);
  start(cluster, api);
  run(cluster, LEVEL_MS - 1500);
  expect(stops(cluster)).toEqual([]);
  cluster.lost = () => false;
  soon(cluster, 10_000, () => running(cluster).length === 0);
  expect(stops(cluster)).toEqual(['web', 'api', 'db']);
});

it('nothing waits where the stack is there again, nor for what another deploy leaves out (O3)', () => {
  const cluster = shopping();
  deafen(cluster, hostWith(cluster, 'web'));
  end(cluster);
  run(cluster, 1000);
  cluster.lost = () => false;
  const [db] = chain().components;
  if (db === undefined) throw new Error('it is the first');
  const other = { ...db, environment: { NEW: '1' } };
  deploy(cluster, 'a', 'reopen', { name: 'shop', components: [other] });
  const isNew = (): boolean => cluster.lines.some((line) => line.endsWith(' starts shop.db.1'));
  soon(cluster, LEVEL_MS - 2000, () => isNew() && running(cluster).length === 1);
  expect(stops(cluster).toSorted()).toEqual(['api', 'db', 'web']);
});

it('without dependencies all end at once', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'open', stack('shop', 'db api web'));
  soon(cluster, 3000, () => running(cluster).length === 3);
  destroy(cluster, 'a', 'close', 'shop');
  const tookMs = soon(cluster, 3000, () => running(cluster).length === 0);
  expect(tookMs).toBeLessThan(500);
});
