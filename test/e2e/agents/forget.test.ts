/** A host that is gone is forgotten; as it comes back it is told, ends what it runs, and can join anew. */
import { expect, test } from 'vitest';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { runningInstances } from '../../../node/local/instances.ts';
import {
  agentctl,
  agentsThat,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  type RealCluster,
  viewOf,
} from './cluster.ts';

const SOON_MS = 30_000;

async function roles(
  cluster: RealCluster,
): Promise<{ readonly asked: LocalAgent; readonly spare: LocalAgent }> {
  const [first] = cluster.agents;
  const hosts = (first === undefined ? undefined : await viewOf(first))?.hosts ?? [];
  const votes = (agent: LocalAgent): boolean =>
    hosts.find(({ id }) => id === cluster.hostOf(agent))?.voter === true;
  const asked = cluster.agents.find(votes);
  const spare = cluster.agents.find((agent) => !votes(agent));
  if (asked === undefined || spare === undefined) throw new Error('three of four vote');
  return { asked, spare };
}

const runningOn = async (cluster: RealCluster, agent: LocalAgent): Promise<number> =>
  (await runningInstances({ kind: 'process' }, { cluster: cluster.id })).filter(
    ({ owner }) => owner.host === cluster.hostOf(agent),
  ).length;

test('a host that is gone is forgotten, and joins anew when it is back', async () => {
  const cluster = await agentsThat({ count: 4, voterCount: 3 });
  const { asked, spare } = await roles(cluster);
  await deploy(asked, { components: ['one'], replicas: 4 });
  await everyoneRuns(cluster, 4);

  const alive = await agentctl(asked, ['host', 'forget', spare.name]);
  expect(alive.code).toBe(6);
  expect(alive.stderr).toMatch(/was not forgotten: nothing was changed\n {2}why {3}it is alive/);

  signalAgent(spare, 'SIGSTOP');
  await until('its death', SOON_MS, async () => {
    const view = await viewOf(asked);
    const state = view?.hosts.find(({ id }) => id === cluster.hostOf(spare))?.state;
    return state === 'dead' ? true : undefined;
  });
  const gone = await agentctl(asked, ['host', 'forget', spare.name]);
  expect(gone.stderr).toBe('');
  expect(gone.code).toBe(0);
  expect((await viewOf(asked))?.hosts.map(({ id }) => id)).not.toContain(cluster.hostOf(spare));

  signalAgent(spare, 'SIGCONT');
  await until('it to end what it ran', SOON_MS, async () =>
    (await runningOn(cluster, spare)) === 0 ? true : undefined,
  );
  const outside = await until('it to belong to none', SOON_MS, async () => {
    const answer = await agentctl(spare, ['status']);
    return answer.code === 0 ? undefined : answer;
  });
  expect(outside.code).toBe(6);
  expect(outside.stderr).toContain(`it has left cluster ${cluster.id}, or was forgotten by it`);

  const { token } = await asked.client.cluster(AbortSignal.timeout(SOON_MS));
  const joined = await agentctl(spare, ['cluster', 'join', token]);
  expect(joined.stdout).toContain('now 4 hosts');
  await everyoneAgrees(cluster);
});

test('a voter leaves: another votes instead, its slot moves, and nothing of it is left', async () => {
  const cluster = await agentsThat({ count: 4, voterCount: 3 });
  const { asked: voter, spare } = await roles(cluster);
  await deploy(spare, { components: ['one'], replicas: 4 });
  await everyoneRuns(cluster, 4);
  const left = await agentctl(voter, ['cluster', 'leave', '--yes', '--timeout', '60s']);
  expect(left.code, left.stderr).toBe(0);
  expect(left.stdout).toContain(`has left cluster ${cluster.id}`);
  expect(await runningOn(cluster, voter)).toBe(0);
  const view = await viewOf(spare);
  expect(view?.hosts.map(({ id }) => id)).not.toContain(cluster.hostOf(voter));
  expect(view?.roster.voters).toContain(cluster.hostOf(spare));
  await until('four to run on three hosts', SOON_MS, async () => {
    const found = await runningInstances({ kind: 'process' }, { cluster: cluster.id });
    return found.length === 4 ? true : undefined;
  });
});
