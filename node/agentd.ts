/** How a process of the agent is started by other parts of this program. */
import { isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

export const AGENTD = fileURLToPath(new URL('main.ts', import.meta.url));
/**
 * For Node itself, in MB. An idle agent allocates little, and nearly all of it is garbage at once; by
 * default the room for that grows while the modules load and is never given back (40 MB). The first
 * line of `main.ts` and the systemd unit say the same.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];
/**
 * For the C library: one place for all threads to allocate from. By default each thread of Node has its
 * own, and keeps what it has used once (10 MB). The systemd unit says the same.
 */
export const NODE_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' } as const;

/** What to give to `spawn` beside `process.execPath`, so that it is an agent with these flags. */
export function agentdCall(flags: readonly string[]): {
  readonly args: readonly string[];
  readonly argv0: string;
} {
  // The one executable brings Node's flags with it, and goes by the name it is called by.
  if (isSea()) return { args: flags, argv0: 'agentd' };
  return { args: [...process.execArgv, ...NODE_FLAGS, AGENTD, ...flags], argv0: process.argv0 };
}
