/** What was acknowledged to a user is still there after a SIGKILL of any agent, and of all at once. */
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { specDigest } from '../../../protocol/component/digest.ts';
import {
  crash,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  type RealCluster,
  restart,
  stackOf,
  threeAgents,
  viewOf,
  type Wanted,
} from '../agents/cluster.ts';

const READ_MS = 30_000;
const wanted = (version: number): Wanted => ({ components: ['app'], replicas: 1, version });

/** Every version's spec is another one; the agents show its digest. */
const digestOf = (version: number): string | undefined =>
  stackOf(wanted(version)).components.map(specDigest)[0];

const digestSeenBy = async (agent: LocalAgent): Promise<string | undefined> =>
  (await viewOf(agent))?.stacks[0]?.components[0]?.revision;

/** Asks each agent until it shows this version; another one instead is told by name. */
async function everyoneShows(cluster: RealCluster, version: number): Promise<void> {
  for (const agent of cluster.agents)
    await until(`${agent.name} to show version ${version}`, READ_MS, async () =>
      (await digestSeenBy(agent)) === digestOf(version) ? true : undefined,
    );
}

/** Kills these agents the moment the deploy is acknowledged, before any of them could tell others. */
async function deployAndKill(
  cluster: RealCluster,
  through: LocalAgent,
  version: number,
  victims: readonly LocalAgent[],
): Promise<void> {
  const { changed } = await deploy(through, wanted(version));
  const ended = Promise.all(victims.map(crash));
  expect(changed).toBe(true);
  await ended;
  await Promise.all(victims.map((agent) => restart(cluster, agent)));
  await everyoneAgrees(cluster);
  await everyoneShows(cluster, version);
}

test('acknowledged deploys survive the SIGKILL of each agent and of all at once', async () => {
  const cluster = await threeAgents();
  const { agents } = cluster;
  const [h1, h2, h3] = agents;
  if (h1 === undefined || h2 === undefined || h3 === undefined) throw new Error('there are three');
  // Asked of the one that dies, of another, and of any before all die.
  await deployAndKill(cluster, h1, 1, [h1]);
  await deployAndKill(cluster, h1, 2, [h2]);
  await deployAndKill(cluster, h2, 3, [h3]);
  await deployAndKill(cluster, h2, 4, agents);
  await deployAndKill(cluster, h3, 5, agents);
  expect(await everyoneRuns(cluster, 1)).toHaveLength(1);
});
