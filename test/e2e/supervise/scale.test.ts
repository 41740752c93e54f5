/** Numbers of instances are changed from any host, and nothing else is. */
import { expect, it } from 'vitest';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentctl, deploy, everyoneRuns, threeAgents } from '../agents/cluster.ts';

it('has more or fewer instances, and leaves the others as they are', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  await deploy(first, { components: ['one', 'two'], replicas: 2 });
  await everyoneRuns(cluster, 4);
  const ids = async (): Promise<readonly string[]> =>
    (await runningInstances({ kind: 'process' }, { cluster: cluster.id })).map(({ id }) => id);
  const before = await ids();

  const more = await agentctl(second, ['scale', 'one=5']);
  expect(more, more.stderr).toMatchObject({ code: 0 });
  await everyoneRuns(cluster, 7);
  expect(await ids()).toEqual(expect.arrayContaining([...before]));

  const fewer = await agentctl(first, ['scale', 'one=0', 'two=1']);
  expect(fewer, fewer.stderr).toMatchObject({ code: 0 });
  await everyoneRuns(cluster, 1);
  const inspected = await agentctl(second, ['inspect', 'demo', '--json']);
  expect(inspected.stdout).toMatch(/"name":"one","mode":"replicated","replicas":0/);
});
