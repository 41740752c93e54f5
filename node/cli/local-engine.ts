/** This host's engine, asked without the agent: what `ps --local` and `destroy --local` see. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, EngineInstance } from '../engine/engine.ts';
import { findState } from '../paths.ts';
import { age } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { tint } from './status-screen.ts';
import { table } from './table.ts';
import type { Cli, ScreenStyle } from './terminal.ts';

/** What the agent leaves in its state folder so that others know whose instances are ours. */
export type AgentFile = {
  readonly cluster: string;
  readonly host: string;
  readonly name: string;
  readonly pid: number;
  readonly engine: 'docker' | 'process';
  readonly publish_address: string;
  readonly socket: string;
};

const ENGINE_MS = 30_000;

export async function readAgentFile(state: string): Promise<AgentFile | undefined> {
  let text: string;
  try {
    text = await readFile(join(state, 'agent.json'), 'utf8');
  } catch {
    return undefined;
  }
  const read = parsed(text);
  return isAgentFile(read) ? read : undefined;
}

export type LocalInstances = {
  readonly host: string;
  readonly instances: readonly EngineInstance[];
};

export async function listLocal(cli: Cli): Promise<LocalInstances> {
  const agent = await knownAgent();
  await using engine = await openLocal(agent);
  return { host: agent.name, instances: await engine.list(bounded(cli.signal)) };
}

/** Removes every instance of ours from this engine, several at a time; returns their names. */
export async function removeLocal(cli: Cli, ids: readonly string[]): Promise<void> {
  await using engine = await openLocal(await knownAgent());
  await Promise.all(ids.map((id) => engine.remove(id, bounded(cli.signal))));
}

export function localLines(
  instances: readonly EngineInstance[],
  style: ScreenStyle,
): readonly string[] {
  return table<EngineInstance>(
    instances,
    [
      { title: 'INSTANCE', cell: ({ labels }) => `${labels.component}.${labels.slot}` },
      { title: 'STATE', cell: ({ state }) => state, tint: ({ state }) => tint(style.paint, state) },
      { title: 'HEALTH', cell: ({ health }) => health },
      { title: 'SINCE', cell: ({ startedAt }) => sinceOf(startedAt), drop: 1 },
      { title: 'PID', cell: ({ pid }) => String(pid ?? '-'), drop: 2 },
      { title: 'NAME', cell: ({ name }) => name },
    ],
    { width: style.width, heading: (text) => style.paint('bold', text) },
  );
}

async function knownAgent(): Promise<AgentFile> {
  const state = findState();
  const agent = await readAgentFile(state);
  if (agent !== undefined) return agent;
  throw new Failure({
    code: 'no-state',
    what: `no agent has run on this host with the state folder ${state}`,
    why: 'its agent.json, which says which instances are ours, cannot be read',
    next: 'set MILLRACE_STATE to the state folder of the agent, or run this as its user',
    exit: EXIT.notFound,
  });
}

async function openLocal(agent: AgentFile): Promise<Engine> {
  const scope = { cluster: agent.cluster, host: agent.host, publishAddress: agent.publish_address };
  // Loaded here: the drivers are the larger part of the program, and seldom needed.
  const { openEngine } = await import('../engine/select.ts');
  return openEngine(agent.engine, scope, { stateDir: findState() });
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ENGINE_MS)]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAgentFile(value: unknown): value is AgentFile {
  if (typeof value !== 'object' || value === null) return false;
  const file = value as Partial<Record<keyof AgentFile, unknown>>;
  const texts = [file.cluster, file.host, file.name, file.publish_address, file.socket];
  return (
    texts.every((text) => typeof text === 'string') &&
    typeof file.pid === 'number' &&
    (file.engine === 'docker' || file.engine === 'process')
  );
}

function sinceOf(startedAt: string | undefined): string {
  return startedAt === undefined ? '-' : age(Math.max(0, Date.now() - Date.parse(startedAt)));
}
