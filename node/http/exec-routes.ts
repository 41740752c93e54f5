/** Running a command in an instance wherever it runs, and what comes on its own standard input. */
import type { Context, Hono } from 'hono';
import type { Daemon } from '../daemon.ts';
import { giveOn } from '../exec/input.ts';
import { execOn } from '../exec/serve.ts';
import type { InputBody } from './api.ts';
import { agentOf } from './cluster-routes.ts';
import { instanceOf } from './instance-of.ts';
import { ApiRefusal } from './refusal.ts';

export function execRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/instances/:id/exec', (context) => {
    const { agent, place, input, iterator } = calledOn(daemon, context);
    const frames = execOn(agent, place, input, context.req.raw.signal);
    return new Response(ReadableStream.from(beforeTheRest(frames, iterator)), {
      headers: { 'content-type': 'application/octet-stream' },
    });
  });
  app.post('/v1/instances/:id/input', (context) => {
    const { agent, place, input, iterator } = calledOn(daemon, context);
    const { signal } = context.req.raw;
    async function* given(): AsyncGenerator<Uint8Array> {
      const body: InputBody = await giveOn(agent, place, input, signal).then(
        () => ({}),
        (error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) }),
      );
      yield Buffer.from(`${JSON.stringify(body)}\n`);
    }
    return new Response(ReadableStream.from(beforeTheRest(given(), iterator)), {
      headers: { 'content-type': 'application/x-ndjson' },
    });
  });
}

/** The running instance that is meant, and what is sent to it as it comes. */
function calledOn(daemon: Daemon, context: Context) {
  const agent = agentOf(daemon);
  const instance = instanceOf(agent, context.req.param('id') ?? '');
  const { engineId, host, state } = instance;
  if (engineId === undefined || state !== 'running') throw ApiRefusal.notRunning(instance);
  const { body } = context.req.raw;
  if (body === null) throw ApiRefusal.badRequest('nothing is sent with it');
  const bytes = body[Symbol.asyncIterator]();
  // Without `return`: whoever has had enough of it does not close the connection.
  const iterator: AsyncIterator<Uint8Array> = { next: () => bytes.next() };
  const input = { [Symbol.asyncIterator]: () => iterator };
  return { agent, place: { host, engineId }, input, iterator };
}

/**
 * The answer does not end before the call: a caller in the middle of a write would lose what it has not
 * read yet. One that has read the end of the command closes its connection.
 */
async function* beforeTheRest(
  frames: AsyncIterable<Uint8Array>,
  input: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* frames;
  while ((await input.next()).done !== true);
}
