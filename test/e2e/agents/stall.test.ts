/** An agent that stands still for two seconds is no host loss: nobody believes it dead, nothing moves. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type LocalAgent, signalAgent } from '../../../node/local/cluster.ts';
import {
  deploy,
  everyoneAgrees,
  everyoneRuns,
  instanceLines,
  type RealCluster,
  threeAgents,
} from './cluster.ts';

const ROUNDS = 6;
const STALL_MS = 2_000;
/** Longer than whoever doubts it would take to condemn it. */
const AFTERWARDS_MS = 1_500;

/** Nothing of the process runs meanwhile, as if its event loop were blocked; its kernel answers. */
async function stall(agent: LocalAgent): Promise<void> {
  signalAgent(agent, 'SIGSTOP');
  try {
    await pause(STALL_MS);
  } finally {
    signalAgent(agent, 'SIGCONT');
  }
}

/** What the logs of all agents say of deaths. */
function deaths({ agents }: RealCluster): readonly string[] {
  return agents.flatMap(({ name, logFile }) =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"topic":"health"') && line.includes('"dead: '))
      .map((line) => `${name}: ${line}`),
  );
}

test('two seconds without a step are not a death, whichever of three agents stalls', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, { components: ['one', 'two'], replicas: 3 });
  const before = await everyoneRuns(cluster, 6);
  for (let round = 0; round < ROUNDS; round++) {
    const agent = cluster.agents[round % cluster.agents.length];
    if (agent === undefined) throw new Error('there are three agents');
    await stall(agent);
    await pause(AFTERWARDS_MS);
    expect(deaths(cluster)).toEqual([]);
    expect(await instanceLines(cluster)).toEqual(before);
    await everyoneAgrees(cluster);
  }
});
