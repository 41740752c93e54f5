/** A host is lost and comes back: where it is asked for, it has an instance again, and nothing was away for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { killInstance, runningInstances } from '../../../node/local/instances.ts';
import { agentctl, agentsThat, crash, everyoneRuns, restart } from './cluster.ts';

const ENGINE = { kind: 'process' } as const;
const SOON_MS = 60_000;
const REPLICAS = 4;
const FILE = `name: demo
services:
  web:
    command: ["sleep", "1000000"]
    deploy: { replicas: ${REPLICAS} }
    stop_grace_period: 1s
    x-millrace: { rebalance: true }
`;

test('a host that is back is given an instance, started there before it ends elsewhere', async () => {
  const cluster = await agentsThat({ count: 3, voterCount: 3, settings: 'rebalance_after_s: 3' });
  const [asked, , last] = cluster.agents;
  if (asked === undefined || last === undefined) throw new Error('three run');
  const file = join(cluster.init.folder, 'compose.yaml');
  writeFileSync(file, FILE);
  const deployed = await agentctl(asked, ['deploy', '-f', file]);
  expect(deployed).toMatchObject({ code: 0 });
  await everyoneRuns(cluster, REPLICAS);

  const found = () => runningInstances(ENGINE, { cluster: cluster.id });
  const onLast = (all: Awaited<ReturnType<typeof found>>) =>
    all.filter(({ owner }) => owner.host === cluster.hostOf(last));
  const before = onLast(await found());
  expect(before.length).toBeGreaterThan(0);
  await crash(last);
  for (const instance of before) await killInstance(ENGINE, instance);
  await until('the others to run all of it', SOON_MS, async () => {
    const all = await found();
    return all.length === REPLICAS && onLast(all).length === 0 ? true : undefined;
  });

  await restart(cluster, last);
  let fewest = REPLICAS;
  await until('the host that is back to run one of them', SOON_MS, async () => {
    const all = await found();
    fewest = Math.min(fewest, all.length);
    return all.length === REPLICAS && onLast(all).length === 1 ? true : undefined;
  });
  expect(fewest).toBe(REPLICAS);
  await everyoneRuns(cluster, REPLICAS);
  const why = await agentctl(last, ['why', 'demo.web']);
  expect(why.stdout).toMatch(/moves from \S+ to \S+ to balance: 2 of its slots on/);
});
