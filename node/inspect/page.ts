/** What an instance tells of itself: the page of `x-millrace.inspect`, fetched by the host that runs it. */
import { type IncomingMessage, request, STATUS_CODES } from 'node:http';
import type { Endpoint } from '../../protocol/component/spec.ts';
import { VERSION } from '../config.ts';
import { type Engine, EngineError, type EngineInstance } from '../engine/engine.ts';
import { type Reach, reachOf } from '../engine/reach.ts';

/** Longest that an instance may take for all of it. */
export const PAGE_MS = 2_000;
export const PAGE_BYTES_MAX = 1_048_576;

/** Why there is none. */
export const SILENCES = [
  'not-running',
  'unreachable',
  'refused',
  'timeout',
  'status',
  'too-large',
  'not-text',
  'broken-off',
] as const;
export type Silence = (typeof SILENCES)[number];

export type Page =
  | { readonly kind: 'told'; readonly text: string }
  | { readonly kind: 'silent'; readonly code: Silence; readonly why: string };

/** Of an instance of this host. Rejects only where the engine fails. */
export async function readPage(
  engine: Pick<Engine, 'inspect'>,
  engineId: string,
  { port, path }: Endpoint,
  signal: AbortSignal,
): Promise<Page> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PAGE_MS)]);
  const instance = await engine.inspect(engineId, limit).catch((error: unknown) => {
    if (error instanceof EngineError && error.code === 'not-found') return undefined;
    throw error;
  });
  if (instance?.state !== 'running') return silent('not-running', stateOf(instance));
  const at = reachOf(instance, port);
  if (at === undefined) return silent('unreachable', 'it is on no network that its host reaches');
  try {
    return await readAnswer(await answerOf(at, path, limit));
  } catch (error) {
    return limit.aborted
      ? silent('timeout', `there was no whole answer within ${PAGE_MS / 1000} s`)
      : failed(error, at);
  }
}

const silent = (code: Silence, why: string): Page => ({ kind: 'silent', code, why });

const stateOf = (instance: EngineInstance | undefined): string =>
  instance === undefined ? 'its host does not have it any more' : `it is ${instance.state}`;

function failed(error: unknown, { address, port }: Reach): Page {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return silent('refused', `nothing listens on ${address}:${port}`);
  return silent('broken-off', `the connection to ${address}:${port} broke off: ${message}`);
}

function answerOf(
  { address, port }: Reach,
  path: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = {
    accept: 'application/json, text/plain;q=0.9, */*;q=0.1',
    'user-agent': `millrace/${VERSION}`,
    connection: 'close',
  };
  const call = request({ host: address, port, path, headers, agent: false, signal });
  call.once('response', resolve);
  call.on('error', reject);
  call.end();
  return promise;
}

async function readAnswer(answer: IncomingMessage): Promise<Page> {
  const { statusCode = 0 } = answer;
  if (statusCode < 200 || statusCode > 299) {
    answer.destroy();
    return silent('status', `it answered ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim());
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop ends the connection.
    if (bytes > PAGE_BYTES_MAX)
      return silent('too-large', `it is larger than ${PAGE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { kind: 'told', text };
  } catch {
    return silent('not-text', `its ${bytes} bytes are no text in UTF-8`);
  }
}
