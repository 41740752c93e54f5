/** Running a command in an instance wherever it runs. */
import type { Hono } from 'hono';
import type { Daemon } from '../daemon.ts';
import { execOn } from '../exec/serve.ts';
import { agentOf } from './cluster-routes.ts';
import { instanceOf } from './instance-of.ts';
import { ApiRefusal } from './refusal.ts';

export function execRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/instances/:id/exec', (context) => {
    const agent = agentOf(daemon);
    const instance = instanceOf(agent, context.req.param('id'));
    const { engineId, host, state } = instance;
    if (engineId === undefined || state !== 'running') throw ApiRefusal.notRunning(instance);
    const { body, signal } = context.req.raw;
    if (body === null) throw ApiRefusal.badRequest('it does not say what to run');
    const bytes = body[Symbol.asyncIterator]();
    // Without `return`: whoever has had enough of it does not close the connection.
    const input: AsyncIterator<Uint8Array> = { next: () => bytes.next() };
    const frames = execOn(
      agent,
      { host, engineId },
      { [Symbol.asyncIterator]: () => input },
      signal,
    );
    return new Response(ReadableStream.from(beforeTheRest(frames, input)), {
      headers: { 'content-type': 'application/octet-stream' },
    });
  });
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
