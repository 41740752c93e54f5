/** When `destroy` says that a stack is gone nothing of it runs any more, however long that takes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentctl, everyoneRuns, threeAgents } from '../agents/cluster.ts';

test('destroy waits for what takes its time to end', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three');
  const file = join(cluster.init.folder, 'compose.yaml');
  const command = ['sh', '-c', "trap '' TERM; while :; do sleep 0.1; done"];
  const slow = { command, stop_grace_period: '3s', deploy: { replicas: 3 } };
  writeFileSync(file, JSON.stringify({ name: 'shop', services: { slow } }));
  await agentctl(first, ['deploy', '-f', file, '--no-wait']);
  await everyoneRuns(cluster, 3);

  const destroyed = await agentctl(first, ['destroy', 'shop', '--yes', '--timeout', '25s']);
  expect(await runningInstances({ kind: 'process' }, { cluster: cluster.id })).toEqual([]);
  expect(destroyed, destroyed.stderr).toMatchObject({ code: 0, stdout: 'shop is gone\n' });
  expect(destroyed.stderr).toMatch(/shop\.slow\.\d is stopping on h\d/);
});
