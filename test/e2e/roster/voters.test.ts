/** Who votes, with real agents: a witness is enough for two hosts, and a voter that is gone is replaced. */
import { expect, test } from 'vitest';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentsThat, deploy, everyoneAgrees, type RealCluster, viewOf } from '../agents/cluster.ts';

const GOES_ON_MS = 30_000;

const running = ({ id }: RealCluster) => runningInstances({ kind: 'process' }, { cluster: id });

/** The machine falls silent, and all that it runs is gone. */
async function lose(cluster: RealCluster, agent: LocalAgent): Promise<void> {
  signalAgent(agent, 'SIGSTOP');
  for (const { owner, id } of await running(cluster))
    if (owner.host === cluster.hostOf(agent)) process.kill(Number(id), 'SIGKILL');
}

/** Where the instances run, by name of host; undefined while there are not exactly `count`. */
async function whereabouts(
  cluster: RealCluster,
  count: number,
): Promise<readonly string[] | undefined> {
  const found = await running(cluster);
  if (found.length !== count) return undefined;
  return found
    .map(
      ({ owner }) =>
        cluster.agents.find((agent) => cluster.hostOf(agent) === owner.host)?.name ?? '',
    )
    .sort();
}

test('two hosts and a witness lose any one of them and go on', async () => {
  const flagsOf = (name: string): readonly string[] => (name === 'h3' ? ['--witness'] : []);
  const cluster = await agentsThat({ count: 3, voterCount: 3, flagsOf });
  const wanted = { components: ['one'], replicas: 2 };
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, wanted);
  const both = await until('both to run', GOES_ON_MS, () => whereabouts(cluster, 2));
  expect(both).toEqual(['h1', 'h2']);
  const hosts = (await viewOf(first))?.hosts ?? [];
  expect(hosts.filter(({ witness }) => witness).map(({ name }) => name)).toEqual(['h3']);

  for (const [round, lost] of cluster.agents.entries()) {
    await lose(cluster, lost);
    const left = cluster.agents.filter((agent) => agent !== lost);
    const [asked] = left;
    if (asked === undefined) throw new Error('two are left');
    // Where the lost one led the stack, its lease must run out first.
    await until(`a deploy without ${lost.name}`, GOES_ON_MS, () =>
      deploy(asked, { ...wanted, version: round + 1 }).catch(() => undefined),
    );
    const runners = left.filter(({ name }) => name !== 'h3').map(({ name }) => name);
    await until(`two to run without ${lost.name}`, GOES_ON_MS, async () => {
      const found = await whereabouts(cluster, 2);
      return found?.every((name) => runners.includes(name)) === true ? found : undefined;
    });
    signalAgent(lost, 'SIGCONT');
    await everyoneAgrees(cluster);
  }
});

test('five voters replace one that is gone', async () => {
  const settings = 'roster_stable_s: 2\nvoter_dead_s: 3\n';
  const cluster = await agentsThat({ count: 7, voterCount: 5, settings });
  const votersOf = async (agent: LocalAgent): Promise<readonly string[]> => {
    const view = await viewOf(agent);
    return view === undefined || view.roster.next !== undefined ? [] : view.roster.voters;
  };
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are seven agents');
  const before = await votersOf(first);
  const lost = cluster.agents.find((agent) => before.includes(cluster.hostOf(agent)));
  if (lost === undefined) throw new Error('five of them vote');
  await lose(cluster, lost);
  const left = cluster.agents.filter((agent) => agent !== lost);
  const gone = cluster.hostOf(lost);
  const after = await until('another to vote instead', GOES_ON_MS, async () => {
    const each = await Promise.all(left.map(votersOf));
    const [voters = []] = each;
    const agree = each.every((other) => other.join() === voters.join());
    return agree && voters.length === 5 && !voters.includes(gone) ? voters : undefined;
  });
  expect(after.filter((voter) => before.includes(voter))).toHaveLength(4);

  signalAgent(lost, 'SIGCONT');
  await until('the one that was gone to know that it votes no more', GOES_ON_MS, async () => {
    const voters = await votersOf(lost);
    return voters.join() === after.join() ? true : undefined;
  });
});
