/**
 * One component of the shop: `node server.ts ROLE [--everywhere]`.
 *
 * It listens on its port at the address on which its host publishes; in a container on every address
 * (`--everywhere`), where the engine publishes for it. `/health` speaks of this instance alone: it
 * stays well when the others are gone.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { api } from './api.ts';
import { cart } from './cart.ts';
import { catalog } from './catalog.ts';
import { type ComponentName, portOf } from './peers.ts';
import { type Answer, readBody, type Role } from './role.ts';
import { stock } from './stock.ts';
import { web } from './web.ts';
import { worker } from './worker.ts';

const ROLES: Readonly<Record<ComponentName, Role>> = { web, api, catalog, stock, cart, worker };

const [name = '', ...flags] = process.argv.slice(2);
if (!isComponent(name)) {
  console.error(`there is no component "${name}"; use one of ${Object.keys(ROLES).join(', ')}`);
  process.exit(2);
}
const role = ROLES[name];
const published = process.env['MILLRACE_PUBLISH_ADDRESS'] ?? '127.0.0.1';
const address = flags.includes('--everywhere') ? '0.0.0.0' : published;

/** Tells this instance from the one before it. */
const identity = {
  component: name,
  slot: Number(process.env['MILLRACE_SLOT'] ?? 1),
  instance: randomUUID().slice(0, 8),
  pid: process.pid,
  address: published,
  startedAt: new Date(performance.timeOrigin).toISOString(),
};

const server = createServer((request, response) => {
  void respond(request, response);
});
server.listen(portOf(name), address, () => {
  console.log(`${name} ${identity.instance} listens on ${address}:${portOf(name)}`);
});
server.on('error', (error) => {
  console.error(`${name} cannot listen on ${address}:${portOf(name)}: ${error.message}`);
  process.exit(1);
});
role.begin?.();

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    console.log(`${name} ${identity.instance} stops`);
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    // Requests under way get a moment, no more.
    setTimeout(() => process.exit(0), 500);
  });
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(request).catch((error: unknown): Answer => {
    const message = error instanceof Error ? error.message : String(error);
    return { status: 503, body: { error: message } };
  });
  const { status = 200, html, body, location } = answer;
  response.writeHead(status, {
    'content-type': html === undefined ? 'application/json' : 'text/html; charset=utf-8',
    ...(location !== undefined && { location }),
  });
  response.end(html ?? `${JSON.stringify(body ?? {})}\n`);
}

async function answerTo(request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://shop');
  if (pathname === '/health') return { body: identity };
  const body = request.method === 'POST' ? await readBody(request) : {};
  const steps = pathname.split('/').filter((step) => step !== '');
  return role.answer({ method: request.method ?? 'GET', steps, body });
}

function isComponent(word: string): word is ComponentName {
  return Object.hasOwn(ROLES, word);
}
