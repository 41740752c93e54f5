/** The answering side of the local API (`api.ts`) on a unix socket. */
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Daemon } from '../daemon.ts';
import { StartupError } from '../startup-error.ts';
import { BUNDLE_BYTES_MAX } from '../build/bundle.ts';
import { buildRoutes, isBundle } from './build-routes.ts';
import { chaosRoutes } from './chaos-routes.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { doctorRoutes } from './doctor-routes.ts';
import { execRoutes } from './exec-routes.ts';
import { ApiRefusal } from './refusal.ts';
import { hostRoutes } from './host-routes.ts';
import { logRoutes } from './log-routes.ts';
import { leadRoutes } from './lead-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { stackRoutes } from './stack-routes.ts';
import { BODY_BYTES_MAX } from './body.ts';
import { viewRoutes } from './view-routes.ts';
import { voterRoutes } from './voter-routes.ts';
import { isListening } from './listening.ts';

const CONNECTIONS_MAX = 200;

/**
 * Listens when it resolves; rejects with a `StartupError`. A socket nobody listens on is a leftover
 * and replaced; any other file is somebody's.
 */
export async function serveApi(daemon: Daemon, socket: string): Promise<AsyncDisposable> {
  await makeRoom(socket);
  const app = new Hono();
  app.use(async (context, next) => {
    const length = Number(context.req.header('content-length') ?? 0);
    const bytesMax = isBundle(context.req.path) ? BUNDLE_BYTES_MAX : BODY_BYTES_MAX;
    if (length > bytesMax) throw ApiRefusal.tooLarge(bytesMax);
    await next();
  });
  clusterRoutes(app, daemon);
  stackRoutes(app, daemon);
  buildRoutes(app, daemon);
  leadRoutes(app, daemon);
  logRoutes(app, daemon);
  execRoutes(app, daemon);
  hostRoutes(app, daemon);
  voterRoutes(app, daemon);
  chaosRoutes(app, daemon);
  viewRoutes(app, daemon);
  pageRoutes(app, daemon);
  doctorRoutes(app, daemon);
  app.notFound(() => ApiRefusal.noSuchRoute().response());
  app.onError((error) => {
    const refusal = ApiRefusal.from(error);
    if (refusal.status === 500) daemon.log.error({ error }, 'a request failed');
    return refusal.response();
  });
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => void listener(request, response));
  server.maxConnections = CONNECTIONS_MAX;
  // A command may be typed to for days.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(unusable(socket, cause)));
    server.listen(socket, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function makeRoom(socket: string): Promise<void> {
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o750 });
    const found = lstatSync(socket, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw new Error('there is a file at this path that is no socket');
    if (await isListening(socket)) throw taken(socket);
    unlinkSync(socket);
  } catch (cause) {
    throw cause instanceof StartupError ? cause : unusable(socket, cause);
  }
}

function unusable(socket: string, cause: unknown): StartupError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const why = said.includes('EINVAL') ? 'its path is longer than 107 bytes' : said;
  const what = `the agent cannot listen for agentctl on ${socket}`;
  const next = 'run agentd as a user who may, or give it another path with --socket';
  return new StartupError({ code: 'unusable-socket', what, why, next }, { cause });
}

function taken(socket: string): StartupError {
  return new StartupError({
    code: 'locked',
    what: `another agent answers on ${socket}`,
    why: 'one socket belongs to one agent',
    next: 'agentctl agent start --takeover, or start this one with another --socket',
  });
}
