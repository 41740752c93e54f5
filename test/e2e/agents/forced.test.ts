/** Two of three voters are lost for good: the third is made the only one, and the cluster goes on by it. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  agentsThat,
  crash,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  restart,
  viewOf,
} from './cluster.ts';

const SOON_MS = 40_000;
const BEFORE = { components: ['one'], replicas: 4, version: 1 };
const AFTER = { components: ['one', 'two'], replicas: 2, version: 2 };

test('a lone voter is made the only one, deploys again, and those who come back follow', async () => {
  const cluster = await agentsThat({ count: 4, voterCount: 3 });
  const [first] = cluster.agents;
  const hosts = (first === undefined ? undefined : await viewOf(first))?.hosts ?? [];
  const voting = cluster.agents.filter((agent) =>
    hosts.some(({ id, voter }) => voter && id === cluster.hostOf(agent)),
  );
  const [left, ...lost] = voting;
  if (left === undefined) throw new Error('three of four vote');
  await deploy(left, BEFORE);
  await everyoneRuns(cluster, 4);
  const early = await agentctl(left, ['cluster', 'voters', 'force', '--yes']);
  expect(early.code).toBe(6);
  expect(early.stderr).toContain(`${left.name} becomes the only voter, instead of`);
  expect(early.stderr).toMatch(/nothing was changed\n {2}why {3}a majority of the voters/);

  await Promise.all(lost.map(crash));
  const forced = await until('the voters to be forced', SOON_MS, async () => {
    const answer = await agentctl(left, ['cluster', 'voters', 'force', '--yes']);
    return answer.code === 0 ? answer : undefined;
  });
  expect(forced.stdout).toContain(`${left.name} is the only voter now, epoch 1:0`);
  const deployId = randomUUID();
  await until('a deploy to be committed', SOON_MS, async () => {
    const answer = await deploy(left, AFTER, deployId).catch(() => undefined);
    return answer?.changed === true ? true : undefined;
  });

  for (const agent of lost) {
    await restart(cluster, agent);
    await until(`${agent.name} to follow`, SOON_MS, async () => {
      const view = await viewOf(agent);
      return view !== undefined && view.quorum && view.agree > 0 ? true : undefined;
    });
  }
  await everyoneAgrees(cluster);
  await everyoneRuns(cluster, 4);
  const shown = await agentctl(left, ['cluster', 'voters', 'show']);
  expect(shown.stdout).toMatch(/^epoch {2}1:2\n/);
});
