/** Keys that change hands on purpose, on real agents: handed over, taken by force, given away at the end. */
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  deploy,
  everyoneRuns,
  type RealCluster,
  threeAgents,
} from '../agents/cluster.ts';
import { followLogs, type LeaseLog, type Tenure, tenuresOf } from './lease-log.ts';

const WANTED = { components: ['one', 'two', 'three'], replicas: 1 };
/** The components, their stack and the roster. */
const KEYS = 5;
const STEP_MS = 20_000;
/** From the moment at which its leader let go of a key; a lease would last three times as long. */
const AT_ONCE_MS = 1_000;

const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const logOf = ({ agents }: RealCluster): LeaseLog =>
  followLogs(new Map(agents.map(({ name, logFile }) => [name, logFile])));

const leading = (log: LeaseLog): readonly Tenure[] =>
  tenuresOf(log.lines()).filter(({ untilMs }) => nowMs() < untilMs);

async function everythingLed(log: LeaseLog): Promise<void> {
  await until(`all ${KEYS} keys to be led`, STEP_MS, async () =>
    new Set(leading(log).map(({ key }) => key)).size === KEYS ? true : undefined,
  );
}

function leaderOf({ agents }: RealCluster, log: LeaseLog, key: string): LocalAgent {
  const host = leading(log).find((tenure) => tenure.key === key)?.host;
  const agent = agents.find(({ name }) => name === host);
  if (agent === undefined) throw new Error(`nobody leads ${key}`);
  return agent;
}

test('an agent that is asked to end gives all it leads to others within a second', async () => {
  const cluster = await threeAgents();
  const log = logOf(cluster);
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, WANTED);
  await everyoneRuns(cluster, WANTED.components.length);
  await everythingLed(log);
  const leader = leaderOf(cluster, log, 'sys/roster');
  const keys = leading(log).flatMap(({ host, key }) => (host === leader.name ? [key] : []));
  expect(await agentctl(leader, ['agent', 'stop'])).toMatchObject({ code: 0 });
  await everythingLed(log);
  for (const key of keys) {
    const tenures = tenuresOf(log.lines()).filter((tenure) => tenure.key === key);
    const letGoAtMs = tenures.findLast(({ host }) => host === leader.name)?.untilMs ?? 0;
    const next = tenures.find(({ host, fromMs }) => host !== leader.name && fromMs >= letGoAtMs);
    expect((next?.fromMs ?? Infinity) - letGoAtMs).toBeLessThan(AT_ONCE_MS);
  }
});

test('agentctl lead hands a component over and takes it by force, from any host', async () => {
  const cluster = await threeAgents();
  const log = logOf(cluster);
  const [first, second, third] = cluster.agents;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('there are three agents');
  await deploy(first, WANTED);
  await everyoneRuns(cluster, WANTED.components.length);
  await everythingLed(log);
  for (const agent of cluster.agents) {
    const asked = await agentctl(first, ['lead', 'one', '--to', agent.name]);
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.stdout).toContain(`${agent.name} leads component/`);
  }
  // The others leave a key to its heir for a second; on a busy machine one of them may be quicker still.
  await until('the heir to be the quickest', STEP_MS, async () => {
    const forced = await agentctl(second, ['lead', 'one', '--force']);
    expect(forced).toMatchObject({ code: 0 });
    return forced.stdout.includes(`${second.name} leads component/`) ? true : undefined;
  });
  expect(await agentctl(first, ['lead', 'one', '--to', 'nobody'])).toMatchObject({ code: 4 });
  expect(await agentctl(first, ['lead', 'one'])).toMatchObject({ code: 2 });
});
