/**
 * Real agents on this machine with a workload that starts at once, deployed through the API. Agents
 * are asked only to set a round up and to know when it is over; every time is taken by the observer.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seconds } from '../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import type { ClusterView } from '../../protocol/view/view.ts';
import {
  formLocalCluster,
  type LocalAgent,
  type LocalCluster,
  planLocalCluster,
  removeLocalCluster,
  signalAgent,
  startLocalAgent,
  until,
} from '../../node/local/cluster.ts';
import type { LocalEngine } from '../../node/local/instances.ts';
import { importImage } from '../image.ts';
import { createObserver, MARK_VARIABLE, type Observer, type Sighting } from './observer.ts';

export type Stage = {
  readonly cluster: LocalCluster;
  readonly observer: Observer;
  readonly mark: string;
  readonly engine: LocalEngine;
  readonly signal: AbortSignal;
  /** What is deployed, by stack name. */
  readonly stacks: Map<string, StackSpec>;
};

export type StageInit = {
  readonly engine: LocalEngine;
  readonly agents: number;
  readonly agentd?: string;
  readonly logLevel: string;
  readonly signal: AbortSignal;
};

const IMAGE = 'millrace/sleep:bench';
const SETTLE_MS = 90_000;
/** For so long all must have been well before the next round begins. */
const CALM_MS = 1_500;
const CALM_POLL_MS = 100;

export async function openStage(init: StageInit): Promise<Stage> {
  const { engine, agents, agentd, logLevel, signal } = init;
  await prepareEngine(engine);
  const folder = mkdtempSync(join(tmpdir(), 'mr-bench-'));
  const cluster = await planLocalCluster({
    folder,
    count: agents,
    engine,
    logLevel,
    ...(agentd === undefined ? {} : { agentd }),
  });
  const mark = randomUUID();
  const stacks = new Map<string, StackSpec>();
  const stage = { cluster, observer: createObserver(mark), mark, engine, signal, stacks };
  try {
    for (const agent of cluster.agents) await startLocalAgent(cluster, agent);
    await formLocalCluster(cluster, signal);
    await settled(stage);
    return stage;
  } catch (error) {
    await closeStage(stage);
    throw error;
  }
}

export const closeStage = async ({ cluster }: Stage): Promise<void> => removeLocalCluster(cluster);

/** Runs `sleep` as a process or as a container: nothing starts faster. */
export function sleeper(
  { mark }: Pick<Stage, 'mark'>,
  name: string,
  replicas: number,
): ComponentSpec {
  return {
    name,
    mode: 'replicated',
    replicas,
    image: IMAGE,
    command: ['/app/sleep', 'infinity'],
    process: { command: ['sleep', 'infinity'] },
    environment: { [MARK_VARIABLE]: mark },
    ports: [],
    volumes: [],
    restart: { kind: 'always' },
    dependsOn: [],
    stopGraceMs: seconds(1),
  };
}

export async function deploy(stage: Stage, stack: StackSpec): Promise<void> {
  await anyAgent(stage).client.deploy({ stack, deploy_id: randomUUID() }, stage.signal);
  stage.stacks.set(stack.name, stack);
  await settled(stage);
}

export async function destroy(stage: Stage, name: string): Promise<void> {
  await anyAgent(stage).client.destroy({ stack: name, deploy_id: randomUUID() }, stage.signal);
  stage.stacks.delete(name);
  await settled(stage);
}

/** Silence, as when a machine is gone: nothing is reset, nothing says good-bye. */
export function loseHost(agent: LocalAgent, instances: readonly Sighting[]): void {
  signalAgent(agent, 'SIGSTOP');
  for (const { pid, address } of instances)
    if (address === agent.publishAddress) process.kill(pid, 'SIGKILL');
}

export const returnHost = (agent: LocalAgent): void => signalAgent(agent, 'SIGCONT');

/**
 * Waits until, for `CALM_MS` on end, every agent sees every other alive, every key has a leader whom
 * all name, and each wanted slot runs exactly once by the process list.
 */
export async function settled(stage: Stage): Promise<ClusterView> {
  let calmSince: number | undefined;
  return until('the cluster to settle', SETTLE_MS, async () => {
    stage.signal.throwIfAborted();
    const view = (await isCalm(stage)) ? await viewOf(stage) : undefined;
    if (view === undefined) calmSince = undefined;
    else calmSince ??= performance.now();
    if (calmSince !== undefined && performance.now() - calmSince >= CALM_MS) return view;
    await pause(CALM_POLL_MS);
    return undefined;
  });
}

export const viewOf = async (stage: Stage): Promise<ClusterView> =>
  (await anyAgent(stage).client.status(stage.signal)).data.cluster;

function anyAgent({ cluster }: Stage): LocalAgent {
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('a benchmark has at least one agent');
  return first;
}

async function isCalm(stage: Stage): Promise<boolean> {
  const seats = stage.observer.running().map(({ component, slot }) => `${component}.${slot}`);
  if (JSON.stringify(seats.sort()) !== JSON.stringify(wantedSeats(stage))) return false;
  const views = await Promise.all(
    stage.cluster.agents.map(({ client }) =>
      client.status(stage.signal).then(({ data }) => data.cluster),
    ),
  );
  const [first] = views;
  const votersWanted = stage.cluster.agents.length >= 3 ? 3 : 1;
  return views.every(
    ({ agree, peers, hosts, roster, stacks }) =>
      hosts.length === stage.cluster.agents.length &&
      hosts.every(({ state }) => state === 'alive') &&
      agree === peers &&
      roster.next === undefined &&
      roster.voters.length >= votersWanted &&
      leadersText(stacks) === leadersText(first?.stacks ?? []),
  );
}

/** Empty while some component has no leader, or an ended one: then nothing is equal to it. */
const leadersText = (stacks: ClusterView['stacks']): string | symbol => {
  const components = stacks.flatMap((stack) => stack.components);
  if (components.some(({ leader }) => leader === undefined)) return Symbol('no leader');
  return components.map(({ id, leader }) => `${id}=${leader?.host}`).join(' ');
};

function wantedSeats({ stacks }: Stage): readonly string[] {
  return [...stacks.values()]
    .flatMap(({ name: stack, components }) =>
      components.flatMap(({ name, replicas }) =>
        Array.from({ length: replicas }, (_, index) => `${stack}.${name}.${index + 1}`),
      ),
    )
    .sort();
}

/** Makes the image of the sleeper. The libraries that Node needs are all that `sleep` needs. */
export async function prepareEngine(engine: LocalEngine): Promise<void> {
  if (engine.kind === 'process') return;
  const folder = mkdtempSync(join(tmpdir(), 'mr-image-'));
  try {
    copyFileSync('/usr/bin/sleep', join(folder, 'sleep'));
    await importImage(engine.socket, IMAGE, {
      appDir: folder,
      command: ['/app/sleep', 'infinity'],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
