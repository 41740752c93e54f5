/** Pages of instances between agents: the host of an instance fetches it, whoever asks passes it on. */
import { encode } from 'cborg';
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Endpoint } from '../../protocol/component/spec.ts';
import type { Agent } from '../agent.ts';
import { ask, readOf } from '../http/peer-requests.ts';
import { type Page, PAGE_MS, readPage, SILENCES } from './page.ts';

const NAME = 'page';
/** What a question to another host may take beside the page. */
const SPARE_MS = 1_500;

const REQUEST = z.object({
  engineId: z.string().max(256),
  port: z.int().min(1).max(65_535),
  path: z
    .string()
    .max(4_096)
    .regex(/^\/[\x21-\x7e]*$/),
});
const ANSWER = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('told'), text: z.string() }),
  z.object({ kind: z.literal('silent'), code: z.enum(SILENCES), why: z.string().max(1_000) }),
]);

export async function servePages(agent: Agent): Promise<void> {
  await agent.network.handle(NAME, async function* (from, request, signal) {
    const { engineId, ...endpoint } = readOf(agent, from, request, REQUEST);
    yield encode(await readPage(agent.engine, engineId, endpoint, signal));
  });
}

/** Of this host or another. Rejects where that does not answer. */
export async function pageOn(
  agent: Agent,
  { host, engineId }: { readonly host: HostId; readonly engineId: string },
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Page> {
  if (host === agent.host) return readPage(agent.engine, engineId, endpoint, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PAGE_MS + SPARE_MS)]);
  try {
    return ANSWER.parse(await ask(agent, host, NAME, { engineId, ...endpoint }, limit));
  } catch (cause) {
    if (!limit.aborted) throw cause;
    throw new Error(`it did not answer within ${(PAGE_MS + SPARE_MS) / 1000} s`, { cause });
  }
}
