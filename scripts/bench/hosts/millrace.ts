/** Our agents, one in each network namespace beside its engine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from '../../../protocol/base/time.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import type { ClusterView } from '../../../protocol/view/view.ts';
import { AGENTD, NODE_ENVIRONMENT, NODE_FLAGS } from '../../../node/agentd.ts';
import { type Client, createClient } from '../../../node/http/client.ts';
import { until } from '../../../node/local/cluster.ts';
import { MARK_VARIABLE } from '../observer.ts';
import { type Host, SLEEPER } from './engines.ts';
import type { Site } from './lan.ts';
import type { Net, System } from './system.ts';

type Agent = {
  readonly site: Site;
  readonly client: Client;
  readonly process: ChildProcess;
  readonly logFile: string;
};
export type Millrace = System & {
  /** Each agent's log, by the name of its host. */
  readonly logs: ReadonlyMap<string, string>;
  /** The id by which the logs call a host. */
  readonly idOf: (site: Site) => Promise<string>;
};

const STACK = 'bench';
const ANSWER_MS = 30_000;
const VOTERS = 3;

export async function openMillrace(
  hosts: readonly Host[],
  mark: string,
  program: string = AGENTD,
): Promise<Millrace> {
  const signal = AbortSignal.timeout(10 * 60_000 * hosts.length);
  const agents = hosts.map((host) => startAgent(host, program));
  for (const agent of agents) await answering(agent);
  const founder = (): Agent => {
    const [first] = agents;
    if (first === undefined) throw new Error('a cluster has at least one agent');
    return first;
  };
  const { token } = await founder().client.clusterInit(signal);
  await Promise.all(
    agents.slice(1).map(({ client }) => client.clusterJoin({ token, peers: [] }, signal)),
  );
  const viewsOf = async (): Promise<readonly ClusterView[]> =>
    Promise.all(agents.map(({ client }) => client.status(signal).then(({ data }) => data.cluster)));
  const siteOf = (view: ClusterView, id: string | undefined): Site => {
    const name = view.hosts.find((host) => host.id === id)?.name;
    const agent = agents.find(({ site }) => site.name === name);
    if (agent === undefined) throw new Error('the component has no leader');
    return agent.site;
  };
  const view = async (): Promise<ClusterView> =>
    (await founder().client.status(signal)).data.cluster;
  return {
    name: 'Millrace',
    logs: new Map(agents.map(({ site, logFile }) => [site.name, logFile])),
    idOf: async ({ name }) => (await view()).hosts.find((host) => host.name === name)?.id ?? '',
    async deploy(replicas, net) {
      const deploy = { stack: stackOf(replicas, net, mark), deploy_id: randomUUID() };
      await founder().client.deploy(deploy, signal);
    },
    async destroy() {
      await founder().client.destroy({ stack: STACK, deploy_id: randomUUID() }, signal);
    },
    async leader() {
      const seen = await view();
      return siteOf(seen, seen.stacks[0]?.components[0]?.leader?.host);
    },
    async isWell() {
      const views = await viewsOf();
      return views.every((seen) => isWell(seen, agents.length));
    },
    pidOn: (site) => agents.find((agent) => agent.site === site)?.process.pid ?? 0,
    async renew() {
      for (const [at, host] of hosts.entries()) {
        const was = agents[at];
        if (was === undefined) continue;
        await endAgent(was);
        const agent = startAgent(host, program);
        agents[at] = agent;
        await answering(agent);
      }
    },
    async close() {
      await Promise.all(agents.map(endAgent));
    },
  };
}

const isWell = ({ hosts, agree, peers, roster, stacks }: ClusterView, count: number): boolean =>
  hosts.length === count &&
  hosts.every(({ state }) => state === 'alive') &&
  agree === peers &&
  roster.next === undefined &&
  roster.voters.length === Math.min(VOTERS, count) &&
  stacks.every(({ components }) => components.every(({ leader }) => leader !== undefined));

function startAgent({ site, socket }: Host, program: string): Agent {
  const folder = join(site.folder, 'agent');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFile = join(folder, 'agent.log');
  const log = openSync(logFile, 'a');
  const agentSocket = join(folder, 'agent.sock');
  const flags = [
    ['--state', folder],
    ['--socket', agentSocket],
    ['--name', site.name],
    ['--engine', 'docker'],
    ['--docker-socket', socket],
    ['--publish-address', site.address],
    ['--listen', `${site.address}:7946`],
    ['--log-level', 'info'],
  ].flat();
  const words = [process.execPath, ...NODE_FLAGS, program, ...flags];
  const agent = spawn('nsenter', [`--net=${site.netns}`, ...words], {
    detached: true,
    env: { ...process.env, ...NODE_ENVIRONMENT },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return { site, client: createClient(agentSocket), process: agent, logFile };
}

const answering = async ({ site, client, process, logFile }: Agent): Promise<true> =>
  until(`the agent of ${site.name} to answer`, ANSWER_MS, async () => {
    if (process.exitCode !== null) throw new Error(`the agent of ${site.name} ended: ${logFile}`);
    return client.cluster(AbortSignal.timeout(1000)).then(
      () => true as const,
      (error: unknown) =>
        error instanceof Error && error.name === 'ApiError' ? (true as const) : undefined,
    );
  });

async function endAgent({ process }: Agent): Promise<void> {
  if (process.exitCode !== null) return;
  const ended = new Promise((resolve) => process.once('exit', resolve));
  process.kill('SIGKILL');
  await ended;
}

function stackOf(replicas: number, net: Net | undefined, mark: string): StackSpec {
  const sleeper = {
    name: 'sleeper',
    mode: 'replicated',
    replicas,
    image: SLEEPER.image,
    command: [...SLEEPER.words],
    environment: { [MARK_VARIABLE]: mark },
    ports: [],
    volumes: [],
    restart: { kind: 'always' },
    dependsOn: [],
    stopGraceMs: seconds(1),
    ...(net === 'bridge' && { container: { networkMode: net } }),
  } as const;
  return { name: STACK, components: [sleeper] };
}
