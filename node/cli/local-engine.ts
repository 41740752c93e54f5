/** This host's engine, asked without the agent: what `ps --local` and `destroy --local` see. */
import { type AgentFile, readAgentFile } from '../agent-file.ts';
import { type Engine, EngineError, type EngineInstance } from '../engine/engine.ts';
import { findState } from '../paths.ts';
import { age } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import { tint } from './status-screen.ts';
import { table } from './table.ts';
import type { Cli, ScreenStyle } from './terminal.ts';

const ENGINE_MS = 30_000;

export type LocalInstances = {
  readonly host: string;
  readonly instances: readonly EngineInstance[];
};

export async function listLocal(cli: Cli): Promise<LocalInstances> {
  const agent = await knownAgent();
  try {
    await using engine = await openLocal(agent);
    return { host: agent.name, instances: await engine.list(bounded(cli.signal)) };
  } catch (error) {
    throw failed(error);
  }
}

/** Removes every instance of ours from this engine, several at a time; returns their names. */
export async function removeLocal(cli: Cli, ids: readonly string[]): Promise<void> {
  const agent = await knownAgent();
  try {
    await using engine = await openLocal(agent);
    await Promise.all(ids.map((id) => engine.remove(id, bounded(cli.signal))));
  } catch (error) {
    throw failed(error);
  }
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
  const { docker_socket: dockerSocket } = agent;
  return openEngine(agent.engine, scope, {
    stateDir: findState(),
    ...(dockerSocket !== undefined && { dockerSocket }),
  });
}

/** What an engine that does not answer, or refuses, has said. */
function failed(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  return new Failure(
    {
      code: 'engine-failed',
      what: 'the engine of this host did not do it',
      why: error.message,
      next: typed('doctor'),
      exit: EXIT.bug,
    },
    { cause: error },
  );
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ENGINE_MS)]);
}

function sinceOf(startedAt: string | undefined): string {
  return startedAt === undefined ? '-' : age(Math.max(0, Date.now() - Date.parse(startedAt)));
}
