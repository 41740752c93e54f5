/**
 * Several agents on this machine, each a process of its own with its own state folder, socket, port
 * and publish address: what `npm start` runs, and the tests and benchmarks with real agents.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readAgentFile } from '../agent-file.ts';
import { AGENTD, NODE_ENVIRONMENT, NODE_FLAGS } from '../agentd.ts';
import { CGROUP_MOUNT, type Gate, openGates } from '../guard/gates.ts';
import type { ClusterBody } from '../http/api.ts';
import { type Client, createClient } from '../http/client.ts';
import { type LocalEngine, removeAll } from './instances.ts';

export type LocalAgent = {
  readonly name: string;
  readonly folder: string;
  readonly socket: string;
  readonly logFile: string;
  readonly publishAddress: string;
  readonly port: number;
  readonly client: Client;
  process: ChildProcess | undefined;
  readonly guardSocket: string;
  guard: ChildProcess | undefined;
};

export type LocalClusterInit = {
  /** Holds everything; made anew. Short: a socket's path may have 107 characters. */
  readonly folder: string;
  readonly count: number;
  readonly engine: LocalEngine;
  readonly logLevel?: string;
  /** Further flags of the agent of this name. */
  readonly flagsOf?: (name: string) => readonly string[];
  /** A guard beside each agent, so that strict singletons can run. */
  readonly guards?: boolean;
  /** The agent's program; default: the sources. */
  readonly agentd?: string;
};

export type LocalCluster = {
  readonly init: LocalClusterInit;
  readonly agents: readonly LocalAgent[];
};

const ANSWER_MS = 20_000;
const END_MS = 10_000;
const POLL_MS = 20;

/** Agents of a cluster that runs nowhere yet: names h1, h2, …, addresses 127.0.1.1, .2, … */
export async function planLocalCluster(init: LocalClusterInit): Promise<LocalCluster> {
  mkdirSync(init.folder, { recursive: true, mode: 0o700 });
  const agents: LocalAgent[] = [];
  for (let i = 1; i <= init.count; i++) {
    const folder = join(init.folder, `h${i}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const socket = join(folder, 'agent.sock');
    agents.push({
      name: `h${i}`,
      folder,
      socket,
      logFile: join(folder, 'agent.log'),
      publishAddress: `127.0.1.${i}`,
      port: await freePort(),
      client: createClient(socket),
      process: undefined,
      guardSocket: guardSocketIn(folder),
      guard: undefined,
    });
  }
  return { init, agents };
}

/** Starts the agent's process and waits until it answers. */
export async function startLocalAgent(cluster: LocalCluster, agent: LocalAgent): Promise<void> {
  const { engine, logLevel = 'info', agentd = AGENTD, flagsOf, guards } = cluster.init;
  if (guards === true && agent.guard === undefined) startLocalGuard(cluster, agent);
  const log = openSync(agent.logFile, 'a');
  const flags = [
    ['--state', agent.folder],
    ['--socket', agent.socket],
    ['--name', agent.name],
    ['--engine', engine.kind],
    ['--publish-address', agent.publishAddress],
    ['--listen', `127.0.0.1:${agent.port}`],
    ['--log-level', logLevel],
    ...(engine.kind === 'docker' ? [['--docker-socket', engine.socket]] : []),
    ...(guards === true ? [['--guard', agent.guardSocket]] : []),
    flagsOf?.(agent.name) ?? [],
  ].flat();
  agent.process = spawn(process.execPath, [...NODE_FLAGS, agentd, ...flags], {
    // A session of its own: Ctrl-C is for us, who then end the agents in order.
    detached: true,
    env: { ...process.env, ...NODE_ENVIRONMENT },
    stdio: ['ignore', log, log],
  });
  agent.process.unref();
  closeSync(log);
  await until(`agent ${agent.name} to answer`, ANSWER_MS, async () => {
    if (agent.process?.exitCode !== null) throw new Error(deathOf(agent));
    return (await answers(agent)) ? true : undefined;
  });
}

/** As its service manager does; the agent finds it by itself. */
export function startLocalGuard({ init }: LocalCluster, agent: LocalAgent): void {
  const log = openSync(join(agent.folder, 'guard.log'), 'a');
  const words = [...NODE_FLAGS, init.agentd ?? AGENTD, 'guard', agent.guardSocket];
  agent.guard = spawn(process.execPath, words, { detached: true, stdio: ['ignore', log, log] });
  agent.guard.unref();
  closeSync(log);
}

/** What a starting agent said before it ended. */
function deathOf(agent: LocalAgent): string {
  const lines = readFileSync(agent.logFile, 'utf8').trimEnd().split('\n').slice(-4);
  return `agent ${agent.name} ended at its start: ${lines.join(' | ')}`;
}

async function answers(agent: LocalAgent): Promise<boolean> {
  if (!existsSync(agent.socket)) return false;
  try {
    await agent.client.cluster(AbortSignal.timeout(1000));
    return true;
  } catch (error) {
    return error instanceof Error && error.name === 'ApiError';
  }
}

/** Founds the cluster on the first agent and lets the others join by what mDNS finds. */
export async function formLocalCluster(
  { agents }: LocalCluster,
  signal: AbortSignal,
): Promise<{ readonly body: ClusterBody; readonly multicast: boolean }> {
  const [first, ...others] = agents;
  if (first === undefined) throw new Error('a cluster has at least one agent');
  const body = await first.client.clusterInit(signal);
  // All of them: one that still looks for the cluster refuses a second try.
  const joined = await Promise.allSettled(
    others.map(({ client }) => client.clusterJoin({ token: body.token, peers: [] }, signal)),
  );
  signal.throwIfAborted();
  if (joined.every(({ status }) => status === 'fulfilled')) return { body, multicast: true };
  // No multicast on this machine: the address does what mDNS would have done.
  const peers = [`127.0.0.1:${first.port}`];
  for (const { client } of others) await joinUnlessMember(client, body.token, peers, signal);
  return { body, multicast: false };
}

async function joinUnlessMember(
  client: Client,
  token: string,
  peers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const member = await client.cluster(signal).then(
    () => true,
    () => false,
  );
  if (!member) await client.clusterJoin({ token, peers }, signal);
}

/** Sends a signal to the agent's process alone. */
export function signalAgent(agent: LocalAgent, signal: NodeJS.Signals): void {
  agent.process?.kill(signal);
}

/** Waits until the agent's process has ended. */
export async function agentEnded(agent: LocalAgent): Promise<void> {
  const { process: child } = agent;
  if (child === undefined) return;
  await until(`agent ${agent.name} to end`, END_MS, () =>
    Promise.resolve(child.exitCode !== null || child.signalCode !== null ? true : undefined),
  );
  agent.process = undefined;
}

/** Ends every agent, removes every instance and every file. */
export async function removeLocalCluster(cluster: LocalCluster): Promise<void> {
  for (const agent of cluster.agents) {
    signalAgent(agent, 'SIGCONT');
    signalAgent(agent, 'SIGTERM');
  }
  for (const { guard } of cluster.agents) guard?.kill('SIGKILL');
  await Promise.all(
    cluster.agents.map(async (agent) => {
      const hurry = setTimeout(() => signalAgent(agent, 'SIGKILL'), END_MS / 2);
      await agentEnded(agent).finally(() => clearTimeout(hurry));
    }),
  );
  await clearLocalFolder(cluster.init.folder, cluster.init.engine);
}

/**
 * Removes what an earlier run left behind, however it ended: guards by their socket, agents by the pid
 * they wrote down, instances by their labels, then the folder.
 */
export async function clearLocalFolder(folder: string, engine: LocalEngine): Promise<void> {
  if (!existsSync(folder)) return;
  for (let i = 1; existsSync(join(folder, `h${i}`)); i++) {
    const state = join(folder, `h${i}`);
    const guardSocket = guardSocketIn(state);
    for (const pid of pids()) await endLeftover(pid, `\0guard\0${guardSocket}\0`);
    const left = await readAgentFile(state);
    if (left === undefined) continue;
    await endLeftover(left.pid, `\0${state}\0`);
    const gates = gatesLeft(guardSocket);
    for (const gate of gates) gate.kill(); // what is frozen cannot be removed
    if (left.engine === 'process') await removeAll({ kind: 'process' }, left);
    else if (engine.kind === 'docker') await removeAll(engine, left);
    for (const gate of gates) gate.remove();
  }
  rmSync(folder, { recursive: true, force: true });
}

const guardSocketIn = (state: string): string => join(state, 'guard.sock');

const pids = (): readonly number[] => readdirSync('/proc').map(Number).filter(Boolean);

/** None where we may make no cgroups: a guard could not either. */
function gatesLeft(guardSocket: string): readonly Gate[] {
  try {
    return openGates(guardSocket, CGROUP_MOUNT).left();
  } catch {
    return [];
  }
}

/** Ends a process only if its command line shows that it is the agent, or guard, of this very folder. */
async function endLeftover(pid: number, words: string): Promise<void> {
  const isOurs = (): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words);
    } catch {
      return false;
    }
  };
  if (!isOurs()) return;
  process.kill(pid, 'SIGKILL');
  await until('a leftover agent to end', END_MS, () =>
    Promise.resolve(isOurs() ? undefined : true),
  );
}

/** Asks again until there is an answer; a condition never met is an error that names it. */
export async function until<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined>,
  pollMs = POLL_MS,
): Promise<T> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(pollMs);
  }
  throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
}

/**
 * Below those from which the kernel takes the ports of outgoing connections, as it is bound only later, below
 * those that slots are given, and below those that the examples publish (from 18,000 on).
 */
const PORTS = { from: 10_000, count: 8_000 };

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + randomInt(PORTS.count);
    if ((await isFree(port)) && (await claim(port))) return port;
  }
}

/** Held until this process ends: agents bind theirs later, and another process may look at the same time. */
async function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch (error) {
    socket.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return false;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
