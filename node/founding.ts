/** A cluster that has just begun here, with this host as its only voter. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Agent } from './agent.ts';

const QUORUM_WITHIN_MS = 3000;
const LOOK_MS = 10;

/** Soon it hears itself; until then a deploy would be refused. */
export async function withQuorum(agent: Agent): Promise<Agent> {
  for (let ms = 0; ms < QUORUM_WITHIN_MS && !agent.view().quorum; ms += LOOK_MS)
    await pause(LOOK_MS);
  return agent;
}
