/**
 * `agent.json` in the state folder: whose instances this host's are, for those who must know it while
 * no agent answers (`agentctl ps --local`, the next agent).
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { EngineChoice } from './engine/select.ts';

const AGENT_FILE = z.object({
  cluster: z.string(),
  host: z.string(),
  name: z.string(),
  pid: z.number(),
  engine: z.enum(['docker', 'process']),
  publish_address: z.string(),
  docker_socket: z.string().exactOptional(),
  socket: z.string(),
});
export type AgentFile = Readonly<z.infer<typeof AGENT_FILE>>;

const NAME = 'agent.json';

/** Undefined: no agent of a cluster has run with this folder, or the file is not whole. */
export async function readAgentFile(state: string): Promise<AgentFile | undefined> {
  try {
    return AGENT_FILE.parse(JSON.parse(await readFile(join(state, NAME), 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * `auto` decides once: an agent that worked with Docker waits for it to come back (systemd starts us
 * again) rather than leave its containers to nobody and start the same as processes.
 */
export async function chosenEngine({
  engine,
  state,
}: {
  readonly engine: EngineChoice;
  readonly state: string;
}): Promise<EngineChoice> {
  if (engine !== 'auto') return engine;
  return (await readAgentFile(state))?.engine ?? 'auto';
}

/** For this process. Whole or not at all, whenever it is read. */
export async function writeAgentFile(state: string, about: Omit<AgentFile, 'pid'>): Promise<void> {
  const draft = join(state, `${NAME}.new`);
  const file: AgentFile = { ...about, pid: process.pid };
  // Empty after a power cut it would let `auto` decide again.
  await writeFile(draft, `${JSON.stringify(file, null, 2)}\n`, { flush: true });
  await rename(draft, join(state, NAME));
}
