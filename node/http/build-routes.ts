/** What images are built from, as users give it, and the building itself on whichever host. */
import type { Hono } from 'hono';
import { decode } from '../../protocol/wire/schema.ts';
import { hostId as hostSchema } from '../../protocol/wire/vocabulary.ts';
import { isHash } from '../build/recipe.ts';
import { BUILD_REQUEST, buildOn } from '../build/serve.ts';
import { ShelfError } from '../build/shelf.ts';
import type { Daemon } from '../daemon.ts';
import type { BundleBody } from './api.ts';
import { bodyOf } from './body.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

export function buildRoutes(app: Hono, daemon: Daemon): void {
  app.get('/v1/bundles/:hash', async (context) => {
    const kept = await agentOf(daemon).shelf.has(hashIn(context.req.param('hash')));
    return context.json({ kept } satisfies BundleBody);
  });
  app.post('/v1/bundles/:hash', async (context) => {
    const hash = hashIn(context.req.param('hash'));
    const { body } = context.req.raw;
    if (body === null) throw ApiRefusal.badRequest('it brings no context');
    await agentOf(daemon)
      .shelf.keep(hash, body)
      .catch((error: unknown) => {
        throw error instanceof ShelfError ? notKept(error) : error;
      });
    return context.json({ kept: true } satisfies BundleBody);
  });
  app.post('/v1/hosts/:id/build', async (context) => {
    const agent = agentOf(daemon);
    const host = decode(hostSchema, context.req.param('id'));
    if (!host.ok) throw ApiRefusal.badRequest(`host: ${host.error.message}`);
    const { image } = await bodyOf(context, BUILD_REQUEST);
    const lines = buildOn(agent, host.value, image, context.req.raw.signal);
    return new Response(ReadableStream.from(lines), {
      headers: { 'content-type': 'application/x-ndjson' },
    });
  });
}

/** The one call whose body is no JSON. */
export const isBundle = (path: string): boolean => path.startsWith('/v1/bundles/');

function hashIn(text: string): string {
  if (isHash(text)) return text;
  throw ApiRefusal.badRequest('that is no hash of a context');
}

function notKept({ message }: ShelfError): ApiRefusal {
  return new ApiRefusal(409, {
    code: 'context-not-kept',
    what: 'the context of a build was not taken over, nothing was changed',
    why: message,
    next: 'try again once nothing writes to it; what is full is freed by destroying stacks that are built',
    exit: 6,
  });
}
