/** What the instances of one host print, whichever host that is. */
import type { Hono } from 'hono';
import { decode } from '../../protocol/wire/schema.ts';
import { hostId as hostSchema } from '../../protocol/wire/vocabulary.ts';
import type { Daemon } from '../daemon.ts';
import { LOG_REQUEST, logsOf } from '../logs/serve.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

export function logRoutes(app: Hono, daemon: Daemon): void {
  app.get('/v1/hosts/:id/logs', (context) => {
    const agent = agentOf(daemon);
    const host = decode(hostSchema, context.req.param('id'));
    if (!host.ok) throw ApiRefusal.badRequest(`host: ${host.error.message}`);
    const { subject, follow, previous, tail, since } = context.req.query();
    const request = LOG_REQUEST.safeParse({
      subject,
      follow: follow === '1',
      previous: previous === '1',
      ...(tail === undefined ? {} : { tail: Number(tail) }),
      ...(since === undefined ? {} : { since }),
    });
    if (!request.success) throw ApiRefusal.badRequest(request.error.message);
    const lines = logsOf(agent, host.value, request.data, context.req.raw.signal);
    return new Response(ReadableStream.from(lines), {
      headers: { 'content-type': 'application/x-ndjson' },
    });
  });
}
