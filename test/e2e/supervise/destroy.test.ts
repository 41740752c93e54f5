/** A stack ends in reverse order, and when `destroy` says that it is gone nothing of it runs any more. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentctl, everyoneRuns, threeAgents } from '../agents/cluster.ts';
import { diaryOf } from './diary.ts';

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
  for (const verb of ['status', 'why']) {
    const told = await agentctl(first, [verb, 'shop']);
    expect(told.code).toBe(4);
    expect(told.stderr).toMatch(/stack "shop" was destroyed at \S+Z\n {2}why {3}h\d led it then/);
  }
});

test('destroy ends what depended on others before those, on whatever hosts they are', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const file = join(cluster.init.folder, 'compose.yaml');
  const diary = diaryOf(cluster, { endMs: 1500 });
  const services = {
    db: diary.service({}),
    api: diary.service({ depends_on: ['db'], deploy: { replicas: 2 } }),
    web: diary.service({ depends_on: ['api'], deploy: { replicas: 2 } }),
  };
  writeFileSync(file, JSON.stringify({ name: 'shop', services }));
  const deployed = await agentctl(first, ['deploy', '-f', file]);
  expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
  const before = diary.lines().length;

  const destroyed = await agentctl(second, ['destroy', 'shop', '--yes', '--timeout', '25s']);
  expect(destroyed, destroyed.stderr).toMatchObject({ code: 0, stdout: 'shop is gone\n' });
  const lines = diary.lines().slice(before);
  const placesOf = (component: string, what: string): readonly number[] =>
    lines.flatMap((line, at) =>
      line.startsWith(`shop.${component}.`) && line.endsWith(` ${what}`) ? [at] : [],
    );
  expect(lines.map((line) => line.split('.')[1])).toEqual([
    ...Array.from({ length: 4 }, () => 'web'),
    ...Array.from({ length: 4 }, () => 'api'),
    ...Array.from({ length: 2 }, () => 'db'),
  ]);
  expect(placesOf('web', 'ended').at(-1)).toBeLessThan(placesOf('api', 'ends')[0] ?? 0);
  expect(placesOf('api', 'ended').at(-1)).toBeLessThan(placesOf('db', 'ends')[0] ?? 0);
  expect(destroyed.stderr).toMatch(
    /shop\.db\.1 is running on h\d \(waits until shop\.api has ended\)/,
  );
  const events = await agentctl(first, ['events']);
  expect(events.stdout).toMatch(
    /shop\.db\.1 +instance +not wanted any more; waits until shop\.api/,
  );
});
