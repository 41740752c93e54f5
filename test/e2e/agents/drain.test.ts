/** Hosts are labeled, cordoned and drained from any host; what runs on them starts elsewhere first. */
import { expect, test } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { agentctl, agentsThat, deploy, everyoneRuns, viewOf } from './cluster.ts';

const SOON_MS = 30_000;

test('a drained host is empty, and nothing ran anywhere less than before', async () => {
  const cluster = await agentsThat({ count: 3, voterCount: 3 });
  const [asked, , last] = cluster.agents;
  if (asked === undefined || last === undefined) throw new Error('three run');
  await deploy(asked, { components: ['one'], replicas: 3 });
  await everyoneRuns(cluster, 3);

  const labeled = await agentctl(asked, ['host', 'label', last.name, 'disk=ssd', 'spare=yes']);
  expect([labeled.code, labeled.stdout]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^${last.name} has disk=ssd spare=yes\n`)),
  ]);
  const bad = await agentctl(asked, ['host', 'label', last.name, 'disk ssd']);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringMatching(/"disk ssd" is no label/)]);

  const drained = await agentctl(asked, ['host', 'drain', last.name, '--wait', '--timeout', '30s']);
  expect([drained.code, drained.stdout]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^${last.name} is empty after`)),
  ]);
  const host = await until('the last host to see it', SOON_MS, async () => {
    const view = await viewOf(last);
    const found = view?.hosts.find(({ self }) => self);
    return found?.availability === 'draining' && found.instances === 0 ? found : undefined;
  });
  expect(host.labels).toEqual({ disk: 'ssd', spare: 'yes' });
  await everyoneRuns(cluster, 3);
  const listed = await agentctl(last, ['host', 'ls']);
  expect(listed.stdout).toMatch(/drained/);
  const why = await agentctl(last, ['why', last.name]);
  expect(why.stdout).toMatch(/set to +draining, by a user/);

  const again = await agentctl(last, ['host', 'uncordon', last.name]);
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/is given components again/),
  ]);
});
