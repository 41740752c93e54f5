/** An agent that is stopped for good ends its strict singleton first: nobody waits for its lease. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { until } from '../../../node/local/cluster.ts';
import { agentctl, agentsThat, everyoneRuns, viewOf } from '../agents/cluster.ts';
import { makeFolder } from '../input/agentd.ts';

const COMPOSE = `name: shop
services:
  db:
    command: ["sleep", "1000000"]
    stop_grace_period: 1s
    x-millrace: { singleton: strict }
`;
const CALL_MS = 15_000;
/** Well below the ten seconds of a strict lease. */
const SOON_MS = 6_000;

test('a strict singleton is elsewhere soon after its agent was stopped', async () => {
  const cluster = await agentsThat({ count: 3, voterCount: 3, guards: true });
  const [any] = cluster.agents;
  const loaded = loadCompose(COMPOSE, { path: 'compose.yaml', dir: makeFolder(), env: {} });
  if (any === undefined || !loaded.ok) throw new Error('three agents, and a stack for them');
  const wanted = { stack: loaded.stack, deploy_id: randomUUID() };
  await any.client.deploy(wanted, AbortSignal.timeout(CALL_MS));
  const [before = ''] = await everyoneRuns(cluster, 1);
  const home = cluster.agents.find((agent) => before.includes(cluster.hostOf(agent)));
  const other = cluster.agents.find((agent) => agent !== home);
  if (home === undefined || other === undefined) throw new Error(`nobody has ${before}`);

  expect((await agentctl(home, ['agent', 'stop'])).code).toBe(0);
  const started = await until('it to run elsewhere', SOON_MS, async () => {
    const slot = (await viewOf(other))?.stacks[0]?.components[0]?.slots[0];
    const isElsewhere = slot?.host !== undefined && slot.host !== cluster.hostOf(home);
    return isElsewhere && slot.instance?.state === 'running' ? slot.instance : undefined;
  });
  expect(started.host).not.toBe(cluster.hostOf(home));
});
