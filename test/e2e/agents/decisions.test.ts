/** What a host has decided is told by the others when its agent is gone, and when it has started again. */
import { expect, test } from 'vitest';
import type { EventBody } from '../../../node/http/api.ts';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  crash,
  deploy,
  everyoneRuns,
  type RealCluster,
  restart,
  threeAgents,
} from './cluster.ts';

const WITHIN_MS = 15_000;
const COMPONENT = 'demo.one';

/** The trace of `agentctl why` at this agent, of what that host has decided. */
async function traceOf(
  cluster: RealCluster,
  at: number,
  by: string,
): Promise<readonly EventBody[]> {
  const agent = cluster.agents[at];
  if (agent === undefined) throw new Error('there are three agents');
  const told = await agentctl(agent, ['why', COMPONENT, '--json']);
  expect(told.code).toBe(0);
  const { data } = JSON.parse(told.stdout) as { readonly data: { readonly trace: EventBody[] } };
  return data.trace.filter(({ host }) => host === by);
}

/** Whether the agent's copy of that host's inventory holds these decisions. */
async function knows(
  { client }: LocalAgent,
  by: string,
  decisions: readonly EventBody[],
): Promise<boolean> {
  const { data } = await client.inspect(by, AbortSignal.timeout(WITHIN_MS));
  const entries = Object.values(data.record as Readonly<Record<string, { readonly seq?: number }>>);
  return decisions.every(({ seq }) => entries.some((entry) => entry.seq === seq));
}

test('why tells at any host what one has decided that is gone, and after its return too', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, { components: ['one'], replicas: 3 });
  await everyoneRuns(cluster, 3);
  const by = cluster.hostOf(first);
  const own = await until('a decision of its own', WITHIN_MS, async () => {
    const trace = await traceOf(cluster, 0, by);
    return trace.length > 0 ? trace : undefined;
  });
  expect(own.every(({ witnesses }) => witnesses === undefined)).toBe(true);
  const isToldBy = async (at: number, count: number): Promise<boolean> => {
    const trace = await traceOf(cluster, at, by);
    return own.every((decision) =>
      trace.some(
        ({ boot, seq, text, witnesses, at: when }) =>
          boot === decision.boot &&
          seq === decision.seq &&
          text === decision.text &&
          witnesses?.length === count &&
          Math.abs(Date.parse(when) - Date.parse(decision.at)) < 2000,
      ),
    );
  };
  const toldBy = (what: string, at: number, count: number): Promise<true> =>
    until(what, WITHIN_MS, async () => ((await isToldBy(at, count)) ? true : undefined));
  for (const agent of cluster.agents.slice(1))
    await until('the others to be told', WITHIN_MS, async () =>
      (await knows(agent, by, own)) ? true : undefined,
    );
  await crash(first);
  await toldBy('the second agent to tell it, and the third with it', 1, 2);
  await toldBy('the third agent to tell it, and the second with it', 2, 2);
  await restart(cluster, first);
  await toldBy('the first to hear from the others what it had decided', 0, 2);
});
