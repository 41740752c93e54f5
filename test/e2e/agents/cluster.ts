/**
 * Real agents on this machine for one test: a cluster of processes, on the embedded engine unless told
 * otherwise, which is gone with all it started when the test ends, however that is.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import type { DeployBody } from '../../../node/http/api.ts';
import {
  agentEnded,
  formLocalCluster,
  type LocalAgent,
  type LocalCluster,
  type LocalClusterInit,
  planLocalCluster,
  removeLocalCluster,
  signalAgent,
  startLocalAgent,
  until,
} from '../../../node/local/cluster.ts';
import {
  type LocalEngine,
  type LocalInstance,
  runningInstances,
} from '../../../node/local/instances.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import type { ClusterView } from '../../../protocol/view/view.ts';

export type RealCluster = LocalCluster & {
  /** The cluster's own id. */
  readonly id: string;
  readonly hostOf: (agent: LocalAgent) => string;
  readonly voterCount: number;
};

const ENGINE = { kind: 'process' } as const;
/** Agents of the bundle there rather than of the sources: they start sooner. */
const BUNDLE = process.env['MILLRACE_AGENTD'];
const AGENTCTL = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));
const FORM_MS = 60_000;
const STEP_MS = 30_000;
const CALL_MS = 15_000;
/** Of each agent's log, shown where a test fails. */
const TAIL_LINES = 25;

/** Three agents that all vote. */
export const threeAgents = (): Promise<RealCluster> => agentsThat({ count: 3, voterCount: 3 });

export type Crew = {
  readonly count: number;
  /** How many of them will vote. */
  readonly voterCount: number;
  readonly flagsOf?: LocalClusterInit['flagsOf'];
  /** A guard beside each. */
  readonly guards?: boolean;
  /** Default: the embedded one. */
  readonly engine?: LocalEngine;
  /** Written into the settings of each. */
  readonly settings?: string;
};

/** Agents of a cluster that has its voters. Their logs are at level debug. */
export async function agentsThat({
  count,
  voterCount,
  flagsOf = () => [],
  guards = false,
  engine = ENGINE,
  settings = '{}',
}: Crew): Promise<RealCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  const config = join(folder, 'agent.yaml');
  const planned = await planLocalCluster({
    folder,
    count,
    engine,
    guards,
    logLevel: 'debug',
    ...(BUNDLE !== undefined && { agentd: BUNDLE }),
    flagsOf: (name) => ['--config', config, ...(flagsOf(name) ?? [])],
  });
  writeFileSync(config, settings);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') showLogs(planned);
    await removeLocalCluster(planned);
  }, FORM_MS);
  await Promise.all(planned.agents.map((agent) => startLocalAgent(planned, agent)));
  const { body } = await formLocalCluster(planned, AbortSignal.timeout(FORM_MS));
  const hosts = new Map<string, string>();
  for (const { name, client } of planned.agents)
    hosts.set(name, (await client.cluster(AbortSignal.timeout(CALL_MS))).host);
  const cluster = { ...planned, id: body.cluster, hostOf: hostIn(hosts), voterCount };
  await everyoneAgrees(cluster);
  return cluster;
}

function hostIn(hosts: ReadonlyMap<string, string>): RealCluster['hostOf'] {
  return ({ name }) => {
    const host = hosts.get(name);
    if (host === undefined) throw new Error(`${name} is not of this cluster`);
    return host;
  };
}

function showLogs({ agents }: LocalCluster): void {
  for (const { name, logFile } of agents) {
    const log = readFileSync(logFile, { encoding: 'utf8', flag: 'a+' }).trimEnd();
    const lines = log.split('\n').filter((line) => !line.includes('"level":"debug"'));
    console.error(`--- ${name}\n${lines.slice(-TAIL_LINES).join('\n')}`);
  }
}

/** What one agent believes; undefined while it does not answer. */
export async function viewOf({ client }: LocalAgent): Promise<ClusterView | undefined> {
  try {
    return (await client.status(AbortSignal.timeout(CALL_MS))).data.cluster;
  } catch {
    return undefined;
  }
}

/** Waits until all agents answer, enough of them vote, and they see each other alive and know the same records. */
export async function everyoneAgrees(cluster: RealCluster): Promise<void> {
  const others = cluster.agents.length - 1;
  for (const agent of cluster.agents)
    await until(`${agent.name} to agree with everyone`, STEP_MS, async () => {
      const view = await viewOf(agent);
      if (view === undefined || view.roster.next !== undefined) return undefined;
      const alive = view.hosts.every(({ state }) => state === 'alive');
      if (view.roster.voters.length !== cluster.voterCount) return undefined;
      const whole = view.hosts.length === others + 1 && view.quorum && view.agree === others;
      return alive && whole ? true : undefined;
    });
}

/** SIGKILL of the agent's process alone; resolves when it has ended. */
export async function crash(agent: LocalAgent): Promise<void> {
  signalAgent(agent, 'SIGKILL');
  await agentEnded(agent);
}

/** Starts the agent again on what it left on its disk. */
export const restart = (cluster: RealCluster, agent: LocalAgent): Promise<void> =>
  startLocalAgent(cluster, agent);

/** All instances of the cluster by the kernel's process list: `COMPONENT.SLOT` on HOST, pid, start. */
export async function instanceLines(cluster: RealCluster): Promise<readonly string[]> {
  const found = await runningInstances(ENGINE, { cluster: cluster.id });
  return found.map(instanceLine).sort();
}

const instanceLine = ({ component, slot, owner, id, startedAt }: LocalInstance): string =>
  `${component}.${slot} on ${owner.host}: pid ${id} since tick ${startedAt}`;

/** Waits until exactly `count` instances run, and every agent knows each as running under its pid. */
export async function everyoneRuns(
  cluster: RealCluster,
  count: number,
): Promise<readonly string[]> {
  return until(`${count} instances, known to everyone`, STEP_MS, async () => {
    const found = await runningInstances(ENGINE, { cluster: cluster.id });
    if (found.length !== count) return undefined;
    const pids = found.map(({ id }) => Number(id)).sort((a, b) => a - b);
    for (const agent of cluster.agents) {
      const known = pidsIn(await viewOf(agent));
      if (JSON.stringify(known) !== JSON.stringify(pids)) return undefined;
    }
    return found.map(instanceLine).sort();
  });
}

/** Of the instances an agent believes to be running. */
function pidsIn(view: ClusterView | undefined): readonly number[] {
  return (view?.stacks ?? [])
    .flatMap(({ components }) => components.flatMap(({ slots }) => slots))
    .flatMap(({ instance }) => (instance?.state === 'running' ? [instance.pid ?? 0] : []))
    .sort((a, b) => a - b);
}

export type Wanted = {
  readonly components: readonly string[];
  readonly replicas: number;
  /** Told to every instance, so that each number is another deploy. */
  readonly version?: number;
};

/** The Compose file of a stack `demo` of components that do nothing, for ever. */
export function composeText({ components, replicas, version = 0 }: Wanted): string {
  const services = components.map((name) =>
    [
      `  ${name}:`,
      '    command: ["sleep", "1000000"]',
      `    environment: { VERSION: "${version}" }`,
      `    deploy: { replicas: ${replicas} }`,
      '    stop_grace_period: 1s',
    ].join('\n'),
  );
  return `name: demo\nservices:\n${services.join('\n')}\n`;
}

export function stackOf(wanted: Wanted): StackSpec {
  const loaded = loadCompose(composeText(wanted), { path: 'compose.yaml', dir: tmpdir(), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  return loaded.stack;
}

/** A deploy without an answer may have been committed: with the same `deployId` it is the same one. */
export const deploy = (
  agent: LocalAgent,
  wanted: Wanted,
  deployId: string = randomUUID(),
): Promise<DeployBody> =>
  agent.client.deploy(
    { stack: stackOf(wanted), deploy_id: deployId },
    AbortSignal.timeout(CALL_MS),
  );

export type CliResult = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** The real `agentctl`, talking to one agent. */
export async function agentctl(
  agent: LocalAgent,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [AGENTCTL, '--socket', agent.socket, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: STEP_MS,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

/** A Compose file beside the agents' folders, for `agentctl deploy -f`. */
export function composeFile(cluster: RealCluster, wanted: Wanted): string {
  const path = join(cluster.init.folder, 'compose.yaml');
  writeFileSync(path, composeText(wanted));
  return path;
}

/** `agentctl` that goes on, and can be typed to. */
export function openAgentctl(agent: LocalAgent, words: readonly string[]) {
  const child = spawn(process.execPath, [AGENTCTL, '--socket', agent.socket, ...words]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (said: string) => (stdout += said));
  child.stderr.setEncoding('utf8').on('data', (said: string) => (stderr += said));
  return { child, stdout: () => stdout, stderr: () => stderr };
}
