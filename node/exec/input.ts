/** The standard input of an instance between agents: the host of the instance gives it, whoever asks passes it on. */
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Agent } from '../agent.ts';
import { answerOf, readOf } from '../http/peer-requests.ts';

const NAME = 'input';
/** The whole of an answer. */
const GIVEN = Uint8Array.of(1);
const REQUEST = z.object({ engineId: z.string().max(256) });

export async function serveInput(agent: Agent): Promise<void> {
  await agent.network.handle(NAME, async function* (from, request, signal, input) {
    await agent.inputs.feed(readOf(agent, from, request, REQUEST).engineId, input, signal);
    yield GIVEN;
  });
}

/** Resolves when all of `input` is given, or nobody is there to read it; rejects where it broke off. */
export async function giveOn(
  agent: Agent,
  { host, engineId }: { readonly host: HostId; readonly engineId: string },
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (host === agent.host) return agent.inputs.feed(engineId, input, signal);
  const options = { input, awaited: true };
  for await (const _ of answerOf(agent, host, NAME, { engineId }, signal, options)) continue;
}
