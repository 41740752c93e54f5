/** What an agent does with real processes while it hears no majority of the voters. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { readStat } from '../../../node/engine/process/identity.ts';
import { signalAgent, until } from '../../../node/local/cluster.ts';
import { runningInstances } from '../../../node/local/instances.ts';
import { everyoneAgrees, everyoneRuns, type RealCluster, threeAgents } from '../agents/cluster.ts';

const FILE = `
name: demo
x-millrace: { on_isolation: { action: stop, after: 3s } }
services:
  stops: &one
    command: [sleep, "1000000"]
    stop_grace_period: 1s
    deploy: { mode: global }
  freezes: { <<: *one, x-millrace: { on_isolation: { action: freeze, after: 3s } } }
  stays: { <<: *one, x-millrace: { on_isolation: keep } }
`;
const PATIENCE_MS = 30_000;

/** `demo.stays`, its pid, and the letter of the kernel for what it does. */
async function instancesAt(cluster: RealCluster, host: string): Promise<Map<string, string>> {
  const found = await runningInstances({ kind: 'process' }, { cluster: cluster.id });
  const here = found.filter(({ owner }) => owner.host === host);
  const state = (id: string): string => (readStat(Number(id))?.state === 'T' ? 'frozen' : 'runs');
  return new Map(here.map(({ component, id }) => [component, `${id} ${state(id)}`]));
}

it('stops and freezes as its contracts say, and goes on with what was frozen', async () => {
  const cluster = await threeAgents();
  const [alone, ...others] = cluster.agents;
  if (alone === undefined) throw new Error('there are three');
  const loaded = loadCompose(FILE, { path: 'compose.yaml', dir: tmpdir(), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  const deploy = { stack: loaded.stack, deploy_id: randomUUID() };
  await alone.client.deploy(deploy, AbortSignal.timeout(PATIENCE_MS));
  await everyoneRuns(cluster, 9);
  const host = cluster.hostOf(alone);
  const before = await instancesAt(cluster, host);
  expect([...before.keys()].sort()).toEqual(['demo.freezes', 'demo.stays', 'demo.stops']);

  for (const agent of others) signalAgent(agent, 'SIGSTOP');
  const frozen = before.get('demo.freezes')?.replace('runs', 'frozen');
  const isolated = await until('the contracts to be kept', PATIENCE_MS, async () => {
    const now = await instancesAt(cluster, host);
    return !now.has('demo.stops') && now.get('demo.freezes') === frozen ? now : undefined;
  });
  expect(isolated.get('demo.stays')).toBe(before.get('demo.stays'));

  for (const agent of others) signalAgent(agent, 'SIGCONT');
  await everyoneAgrees(cluster);
  await everyoneRuns(cluster, 9);
  const after = await until('the frozen to go on', PATIENCE_MS, async () => {
    const now = await instancesAt(cluster, host);
    return now.get('demo.freezes') === before.get('demo.freezes') ? now : undefined;
  });
  expect(after.get('demo.stays')).toBe(before.get('demo.stays'));
  expect(after.get('demo.stops')).not.toBe(before.get('demo.stops'));
});
