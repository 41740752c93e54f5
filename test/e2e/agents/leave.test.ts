/** `agent stop` says that nobody is to wait for the agent; one that comes back at once says nothing. */
import { expect, test } from 'vitest';
import { agentEnded, type LocalAgent, until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  instanceLines,
  type RealCluster,
  restart,
  threeAgents,
  viewOf,
} from './cluster.ts';

const WANTED = { components: ['one'], replicas: 3 };
/** Far below the grace of a crashed agent (10 s). */
const SOON_MS = 5_000;

async function running(): Promise<readonly [RealCluster, LocalAgent, LocalAgent]> {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three agents');
  await deploy(first, WANTED);
  await everyoneRuns(cluster, 3);
  return [cluster, first, second];
}

test('an agent that is stopped is gone for all, and its slots are taken over at once', async () => {
  const [cluster, first, second] = await running();
  const host = cluster.hostOf(second);
  const stopped = await agentctl(second, ['agent', 'stop']);
  expect(stopped.code).toBe(0);
  await until(`the slot of ${second.name} to be elsewhere`, SOON_MS, async () => {
    const view = await viewOf(first);
    const state = view?.hosts.find(({ id }) => id === host)?.state;
    const slots = view?.stacks.flatMap(({ components }) =>
      components.flatMap((each) => each.slots),
    );
    const isMoved = slots?.length === 3 && slots.every((slot) => slot.host !== host);
    return state === 'left' && isMoved ? true : undefined;
  });
});

test('an agent whose place is taken by another keeps its slots', async () => {
  const [cluster, , second] = await running();
  const before = await instanceLines(cluster);
  await second.client.agentStop({ returns: true }, AbortSignal.timeout(SOON_MS));
  await agentEnded(second);
  await restart(cluster, second);
  expect(await everyoneRuns(cluster, 3)).toEqual(before);
  await everyoneAgrees(cluster);
  expect(await instanceLines(cluster)).toEqual(before);
});
