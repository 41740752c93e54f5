/** How a process of the agent is started by other parts of this program. */
import { fileURLToPath } from 'node:url';

export const AGENTD = fileURLToPath(new URL('main.ts', import.meta.url));
/**
 * For Node itself, in MB. An idle agent allocates little, and nearly all of it is garbage at once; by
 * default the room for that grows while the modules load and is never given back (40 MB). The first
 * line of `main.ts` and the systemd unit say the same.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];
