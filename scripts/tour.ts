/**
 * The tour: deploys the shop, breaks it in three ways and watches it heal. Every step is confirmed
 * from outside the agents: by the kernel's or the engine's own list and by the health endpoints.
 */
import { randomUUID } from 'node:crypto';
import type { ComponentSpec, StackSpec } from '../protocol/component/spec.ts';
import {
  agentEnded,
  type LocalAgent,
  type LocalCluster,
  signalAgent,
  startLocalAgent,
  until,
} from '../node/local/cluster.ts';
import { killInstance, type LocalInstance, runningInstances } from '../node/local/instances.ts';

export type Tour = {
  readonly cluster: LocalCluster;
  readonly id: string;
  readonly stack: StackSpec;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

/** Generous bounds: the tour shows what happens, the benchmark says how fast. */
const STEP_MS = 60_000;

/** Does one thing and says how long it took. */
export async function timed(
  say: Tour['say'],
  what: string,
  work: () => Promise<string | void>,
): Promise<void> {
  const start = performance.now();
  const more = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(2).padStart(6);
  say(`  ok ${seconds} s  ${what}${typeof more === 'string' ? `: ${more}` : ''}`);
}

export async function deployShop(tour: Tour): Promise<void> {
  const { cluster, stack, signal } = tour;
  const [first] = cluster.agents;
  await timed(tour.say, `deploy ${stack.name}, ${stack.components.length} components`, async () => {
    const body = await first?.client.deploy({ stack, deploy_id: randomUUID() }, signal);
    return `committed as revision ${body?.revision}`;
  });
  await timed(tour.say, 'every instance runs and answers its health endpoint', () =>
    allHealthy(tour),
  );
}

/** The whole tour after `deployShop`. */
export async function breakAndHeal(tour: Tour): Promise<void> {
  await killOneComponent(tour);
  await crashOneAgent(tour);
  await loseOneHost(tour);
  await destroyShop(tour);
}

async function killOneComponent(tour: Tour): Promise<void> {
  const victim = await oneOf(tour, single(tour.stack));
  await timed(tour.say, `SIGKILL of ${victim.component}: a new instance answers`, async () => {
    await killInstance(tour.cluster.init.engine, victim);
    const next = await replacement(tour, victim);
    return `${short(victim)} -> ${short(next)}`;
  });
}

async function crashOneAgent(tour: Tour): Promise<void> {
  const [agent, host] = await aBusyAgent(tour, 1);
  const before = await runningInstances(tour.cluster.init.engine, { cluster: tour.id, host });
  await timed(tour.say, `agent crash: SIGKILL of the agent of ${agent.name}`, async () => {
    signalAgent(agent, 'SIGKILL');
    await agentEnded(agent);
    const during = await runningInstances(tour.cluster.init.engine, { cluster: tour.id, host });
    requireSame(before, during, 'while the agent was gone');
    return `its ${before.length} instances run on`;
  });
  await timed(tour.say, `the agent of ${agent.name} returns and adopts them`, async () => {
    await startLocalAgent(tour.cluster, agent);
    await allHealthy(tour);
    const after = await runningInstances(tour.cluster.init.engine, { cluster: tour.id, host });
    requireSame(before, after, 'after the agent returned');
    return 'same ids, same start times';
  });
}

async function loseOneHost(tour: Tour): Promise<void> {
  const [agent, host] = await aBusyAgent(tour, 0);
  const lost = await runningInstances(tour.cluster.init.engine, { cluster: tour.id, host });
  const movable = lost.filter(({ component }) => specOf(tour, component).mode === 'replicated');
  await timed(
    tour.say,
    `host loss: SIGSTOP of ${agent.name}, SIGKILL of its ${lost.length} instances`,
    async () => {
      signalAgent(agent, 'SIGSTOP');
      for (const instance of lost) await killInstance(tour.cluster.init.engine, instance);
      for (const victim of movable) await replacement(tour, victim);
      return `${movable.map(({ component, slot }) => `${component}.${slot}`).join(' ')} run elsewhere`;
    },
  );
  await timed(tour.say, `SIGCONT of ${agent.name}: it is back and nothing runs twice`, async () => {
    signalAgent(agent, 'SIGCONT');
    await until('the host to be alive for everyone', STEP_MS, () => everyoneAlive(tour));
    await allHealthy(tour);
  });
}

async function destroyShop(tour: Tour): Promise<void> {
  const { cluster, stack, signal, id } = tour;
  await timed(tour.say, `destroy ${stack.name}: nothing is left`, async () => {
    await cluster.agents[1]?.client.destroy({ stack: stack.name, deploy_id: randomUUID() }, signal);
    await until('the last instance to end', STEP_MS, async () =>
      (await runningInstances(cluster.init.engine, { cluster: id })).length === 0
        ? true
        : undefined,
    );
  });
}

/**
 * Every slot is filled exactly once by the engine's own list, every component that publishes a port
 * answers on it at the right address, and the agents agree that all is well.
 */
async function allHealthy(tour: Tour): Promise<string> {
  const found = await until('all instances to run once and be healthy', STEP_MS, async () => {
    tour.signal.throwIfAborted();
    const running = await runningInstances(tour.cluster.init.engine, { cluster: tour.id });
    const seats = running.map(({ component, slot }) => `${component}.${slot}`).sort();
    if (JSON.stringify(seats) !== JSON.stringify(wantedSeats(tour))) return undefined;
    for (const instance of running) if (!(await healthOf(tour, instance))) return undefined;
    return running.length;
  });
  return `${found} instances on ${tour.cluster.agents.length} hosts`;
}

function wantedSeats({ stack, cluster }: Tour): readonly string[] {
  return stack.components
    .flatMap(({ name, mode, replicas }) => {
      const count = mode === 'global' ? cluster.agents.length : replicas;
      return Array.from({ length: count }, (_, index) => `${stack.name}.${name}.${index + 1}`);
    })
    .sort();
}

/** Asks the instance itself, at the address of its host; true where it publishes nothing. */
async function healthOf(tour: Tour, instance: LocalInstance): Promise<boolean> {
  const port = specOf(tour, instance.component).ports[0]?.published;
  if (port === undefined) return true;
  const address = await addressOf(tour, instance);
  try {
    const url = `http://${address}:${port}/health`;
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

async function addressOf(tour: Tour, { owner }: LocalInstance): Promise<string> {
  for (const agent of tour.cluster.agents)
    if ((await hostIdOf(tour, agent)) === owner.host) return agent.publishAddress;
  throw new Error(`no agent has the host id ${owner.host}`);
}

const hostIds = new WeakMap<LocalAgent, string>();

async function hostIdOf(tour: Tour, agent: LocalAgent): Promise<string> {
  const known = hostIds.get(agent) ?? (await agent.client.cluster(tour.signal)).host;
  hostIds.set(agent, known);
  return known;
}

/** The instance that fills the victim's slot now, running and answering. */
async function replacement(tour: Tour, victim: LocalInstance): Promise<LocalInstance> {
  return until(`${victim.component}.${victim.slot} to run again`, STEP_MS, async () => {
    const running = await runningInstances(tour.cluster.init.engine, { cluster: tour.id });
    const next = running.find(
      ({ component, slot, id, startedAt }) =>
        component === victim.component &&
        slot === victim.slot &&
        (id !== victim.id || startedAt !== victim.startedAt),
    );
    return next !== undefined && (await healthOf(tour, next)) ? next : undefined;
  });
}

async function oneOf(tour: Tour, component: string): Promise<LocalInstance> {
  const running = await runningInstances(tour.cluster.init.engine, { cluster: tour.id });
  const found = running.find((instance) => instance.component === component);
  if (found === undefined) throw new Error(`${component} does not run`);
  return found;
}

/** The first component that runs once and can be asked for its health. */
function single({ name, components }: StackSpec): string {
  const found = components.find(({ mode, ports }) => mode === 'replicated' && ports.length > 0);
  return `${name}.${found?.name}`;
}

/** An agent that runs something which can move, from the `skip`-th on. */
async function aBusyAgent(tour: Tour, skip: number): Promise<readonly [LocalAgent, string]> {
  const running = await runningInstances(tour.cluster.init.engine, { cluster: tour.id });
  const agents = tour.cluster.agents.slice(skip);
  for (const agent of agents) {
    const host = await hostIdOf(tour, agent);
    const here = running.filter(({ owner }) => owner.host === host);
    if (here.some(({ component }) => specOf(tour, component).mode === 'replicated'))
      return [agent, host];
  }
  throw new Error('no agent runs anything that can move');
}

async function everyoneAlive({ cluster, signal }: Tour): Promise<true | undefined> {
  for (const { client } of cluster.agents) {
    const { data } = await client.status(signal);
    if (data.cluster.hosts.some(({ state }) => state !== 'alive')) return undefined;
  }
  return true;
}

function specOf({ stack }: Tour, component: string): ComponentSpec {
  const found = stack.components.find(({ name }) => `${stack.name}.${name}` === component);
  if (found === undefined) throw new Error(`${component} is not of the stack`);
  return found;
}

function requireSame(
  before: readonly LocalInstance[],
  after: readonly LocalInstance[],
  when: string,
): void {
  const shape = (list: readonly LocalInstance[]): string =>
    list
      .map(({ id, startedAt }) => `${id}@${startedAt}`)
      .sort()
      .join(' ');
  if (shape(before) !== shape(after))
    throw new Error(`instances changed ${when}: ${shape(before)} became ${shape(after)}`);
}

const short = ({ id }: LocalInstance): string => (id.length > 12 ? id.slice(0, 12) : `pid ${id}`);
