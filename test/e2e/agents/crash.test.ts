/** An agent crash is not a host loss: what the agent ran goes on, and nobody replaces it. */
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import {
  crash,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  instanceLines,
  type RealCluster,
  restart,
  threeAgents,
} from './cluster.ts';

/** Two slots on each of the three hosts. */
const WANTED = { components: ['one', 'two'], replicas: 3 };
const INSTANCES = 6;
/** Longer than any detection, shorter than the grace of a crashed agent (10 s). */
const AWAY_MS = 5_000;

/** Looks again and again for `forMs`, once more at its end: nothing may change, even for a moment. */
async function staySame(
  cluster: RealCluster,
  before: readonly string[],
  forMs: number,
): Promise<void> {
  const end = performance.now() + forMs;
  await until('the time of watching to end', forMs + AWAY_MS, async () => {
    const isLast = performance.now() >= end;
    expect(await instanceLines(cluster)).toEqual(before);
    return isLast ? true : undefined;
  });
}

async function crashAndReturn(
  cluster: RealCluster,
  agent: LocalAgent,
  awayMs: number,
): Promise<void> {
  const before = await everyoneRuns(cluster, INSTANCES);
  expect(before.filter((line) => line.includes(` on ${cluster.hostOf(agent)}:`))).toHaveLength(2);
  await crash(agent);
  await staySame(cluster, before, awayMs);
  await restart(cluster, agent);
  expect(await instanceLines(cluster)).toEqual(before);
}

test.each([
  ['at once', 0],
  ['after 5 s', AWAY_MS],
])('an agent killed and back %s finds its instances as it left them', async (_, awayMs) => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three agents');
  await deploy(first, WANTED);
  const before = await everyoneRuns(cluster, INSTANCES);
  await crashAndReturn(cluster, awayMs === 0 ? second : first, awayMs);
  // It has listed its engine and told the others: now nobody has a reason left to start anything.
  expect(await everyoneRuns(cluster, INSTANCES)).toEqual(before);
  await everyoneAgrees(cluster);
  expect(await instanceLines(cluster)).toEqual(before);
});

test('all agents killed at once find all instances as they left them', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, WANTED);
  const before = await everyoneRuns(cluster, INSTANCES);
  await Promise.all(cluster.agents.map(crash));
  expect(await instanceLines(cluster)).toEqual(before);
  await Promise.all(cluster.agents.map((agent) => restart(cluster, agent)));
  await everyoneAgrees(cluster);
  expect(await everyoneRuns(cluster, INSTANCES)).toEqual(before);
});
