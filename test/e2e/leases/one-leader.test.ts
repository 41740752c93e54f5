/**
 * Three real agents are killed, stopped and let go on, as a seed says, until leadership has changed
 * hands often enough; their logs must never show two leaders of one key at one time.
 */
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { below, createPrng, pick, type Prng } from '../../../protocol/base/prng.ts';
import { crash, deploy, type RealCluster, restart, threeAgents } from '../agents/cluster.ts';
import {
  changesOf,
  contradictionsIn,
  followLogs,
  type LeaseLog,
  type Tenure,
  tenuresOf,
} from './lease-log.ts';

const SEED = Number(process.env['MILLRACE_SEED'] ?? randomInt(2 ** 32));
const CHANGES_MIN = 30;
const COMPONENTS = Array.from({ length: 12 }, (_, index) => `c${index + 1}`);
/** The components, their stack, and the roster. */
const KEYS = COMPONENTS.length + 2;
/** A term, a detection, an election, and a machine that is busy with other things. */
const TURNOVER_MS = 20_000;
/** Rounds begin no later than this after the first. */
const LIMIT_MS = 80_000;

type Stage = { readonly cluster: RealCluster; readonly log: LeaseLog };

/** The machine's monotonic clock, as the agents' logs have it. */
const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** The tenures that last at this moment. */
function leading({ log }: Stage): readonly Tenure[] {
  const now = nowMs();
  return tenuresOf(log.lines()).filter(({ untilMs }) => now < untilMs);
}

const keysOf = (stage: Stage, { name }: LocalAgent): ReadonlySet<string> =>
  new Set(leading(stage).flatMap(({ host, key }) => (host === name ? [key] : [])));

/** Waits until `count` of `keys` are led by anyone else than `agent`. */
async function taken(
  stage: Stage,
  keys: ReadonlySet<string>,
  agent: LocalAgent,
  count: number,
): Promise<void> {
  await until(`others to lead ${count} keys of ${agent.name}`, TURNOVER_MS, async () => {
    const moved = leading(stage).filter(({ host, key }) => host !== agent.name && keys.has(key));
    return moved.length >= count ? true : undefined;
  });
}

async function everythingLed(stage: Stage): Promise<void> {
  await until(`all ${KEYS} keys to be led`, TURNOVER_MS, async () =>
    new Set(leading(stage).map(({ key }) => key)).size === KEYS ? true : undefined,
  );
}

/** Nothing is led by a process that is gone, and what it left its next start gives back at once. */
async function kill({ log }: Stage, agent: LocalAgent): Promise<void> {
  await crash(agent);
  log.died(agent.name, nowMs());
}

/** What can happen to the leader of many keys; `other` is one of the two other agents. */
type Blow = (stage: Stage, victim: LocalAgent, other: LocalAgent) => Promise<void>;

const BLOWS: Readonly<Record<string, Blow>> = {
  async 'is killed and returns when all is taken'(stage, victim) {
    const keys = keysOf(stage, victim);
    await kill(stage, victim);
    await taken(stage, keys, victim, keys.size);
    await restart(stage.cluster, victim);
  },
  async 'is killed and returns at once'(stage, victim) {
    await kill(stage, victim);
    await restart(stage.cluster, victim);
  },
  async 'is stopped until all is taken'(stage, victim) {
    const keys = keysOf(stage, victim);
    signalAgent(victim, 'SIGSTOP');
    await taken(stage, keys, victim, keys.size);
    signalAgent(victim, 'SIGCONT');
  },
  async 'is stopped and goes on in the middle of the election'(stage, victim) {
    const keys = keysOf(stage, victim);
    signalAgent(victim, 'SIGSTOP');
    await taken(stage, keys, victim, 1);
    signalAgent(victim, 'SIGCONT');
  },
  async 'is left alone until it leads nothing'(stage, victim, other) {
    const others = stage.cluster.agents.filter((agent) => agent !== victim);
    for (const agent of others) signalAgent(agent, 'SIGSTOP');
    await until(`${victim.name} to lead nothing`, TURNOVER_MS, async () =>
      keysOf(stage, victim).size === 0 ? true : undefined,
    );
    signalAgent(other, 'SIGCONT');
    await everythingLed(stage);
    for (const agent of others) signalAgent(agent, 'SIGCONT');
  },
  async 'is stopped, another is killed in the election, both return'(stage, victim, other) {
    const keys = keysOf(stage, victim);
    signalAgent(victim, 'SIGSTOP');
    await taken(stage, keys, victim, 1);
    await kill(stage, other);
    signalAgent(victim, 'SIGCONT');
    await restart(stage.cluster, other);
  },
  // Its leases may still run when the voters that granted them return and have forgotten them.
  async 'is stopped, both others are killed and return at once'(stage, victim) {
    const keys = keysOf(stage, victim);
    const others = stage.cluster.agents.filter((agent) => agent !== victim);
    signalAgent(victim, 'SIGSTOP');
    await Promise.all(others.map((agent) => kill(stage, agent)));
    await Promise.all(others.map((agent) => restart(stage.cluster, agent)));
    await taken(stage, keys, victim, keys.size);
    signalAgent(victim, 'SIGCONT');
  },
};

async function strike(stage: Stage, prng: Prng, what: string): Promise<string> {
  const leader = pick(prng, leading(stage)).host;
  const victim = stage.cluster.agents.find(({ name }) => name === leader);
  if (victim === undefined) throw new Error(`${leader} is not of this cluster`);
  const other = pick(
    prng,
    stage.cluster.agents.filter((agent) => agent !== victim),
  );
  await BLOWS[what]?.(stage, victim, other);
  await everythingLed(stage);
  return `${victim.name} ${what}`;
}

/** All kinds of blows in some order, then all again in another, without end. */
function* blowsFor(prng: Prng): Generator<string> {
  for (;;) {
    const left = Object.keys(BLOWS);
    while (left.length > 0) yield* left.splice(below(prng, left.length), 1);
  }
}

test(`never two leaders (MILLRACE_SEED=${SEED})`, async () => {
  const cluster = await threeAgents();
  const log = followLogs(new Map(cluster.agents.map(({ name, logFile }) => [name, logFile])));
  const stage = { cluster, log };
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  await deploy(first, { components: COMPONENTS, replicas: 1 });
  await everythingLed(stage);

  const prng = createPrng(SEED);
  const story: string[] = [];
  const start = nowMs();
  const changes = (): number => changesOf(tenuresOf(log.lines()));
  for (const what of blowsFor(prng)) {
    if (nowMs() - start > LIMIT_MS) break;
    if (changes() >= CHANGES_MIN && story.length >= Object.keys(BLOWS).length) break;
    story.push(`${await strike(stage, prng, what)}: ${changes()} changes`);
  }

  const tenures = tenuresOf(log.lines());
  const seconds = ((nowMs() - start) / 1000).toFixed(1);
  console.info(
    `seed ${SEED}: ${changes()} changes of leader of ${KEYS} keys, ${tenures.length} tenures, ` +
      `${seconds} s\n  ${story.join('\n  ')}`,
  );
  expect(contradictionsIn(tenures)).toEqual([]);
  expect(changes()).toBeGreaterThanOrEqual(CHANGES_MIN);
});
