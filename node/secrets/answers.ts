/** Gives data keys to members that ask for them: those that have joined since a stack was deployed. */
import { encode } from 'cborg';
import { z } from 'zod';
import type { Agent } from '../agent.ts';
import { readOf } from '../http/peer-requests.ts';
import { KEY_REQUEST } from './keyring.ts';

const ASKED = z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) });

/** Whoever is no member of the cluster any more, or not yet, gets none. */
export async function serveKeys(agent: Agent): Promise<void> {
  await agent.network.handle(KEY_REQUEST, async function* (from, request) {
    const key = agent.keyring.byId(readOf(agent, from, request, ASKED).id);
    if (key === undefined) throw new Error('this host does not have that key');
    yield encode(key);
  });
}
