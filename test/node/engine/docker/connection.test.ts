/** A small HTTP server stands for engines of other versions and moods than the one at hand. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDockerEngine } from '../../../../node/engine/docker/docker-engine.ts';
import { EngineError } from '../../../../node/engine/engine.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '127.0.0.1' };
const never = new AbortController().signal;
let folder = '';
let socketPath = '';
let server: Server | undefined;
let asked: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-'));
  socketPath = join(folder, 'docker.sock');
  asked = [];
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

/** `answers` is asked first; what it leaves is answered like an engine with nothing in it. */
async function serve(apiVersion: () => string, answers: RequestListener = () => {}): Promise<void> {
  server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    asked.push(path);
    answers(request, response);
    if (response.writableEnded || path.endsWith('/hang')) return;
    response.setHeader('Api-Version', apiVersion());
    response.setHeader('Content-Type', 'application/json');
    response.end(path.endsWith('/version') ? '{"Version":"9.9"}' : '[]');
  });
  server.listen(socketPath);
  await once(server, 'listening');
}

async function refusal(call: Promise<unknown>): Promise<EngineError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`not an EngineError: ${String(error)}`);
  return error;
}

it.each([
  ['1.41', 'v1.41', 'an older engine is spoken to in its own version'],
  ['1.99', 'v1.51', 'a newer engine is spoken to in the newest version we know'],
])('of an engine that offers %s asks %s: %s', async (offered, spoken) => {
  await serve(() => offered);
  await using engine = await createDockerEngine(scope, { socketPath });
  await engine.list(never);
  expect(asked).toEqual(['/_ping', `/${spoken}/version`, `/${spoken}/containers/json`]);
  expect(engine.version).toBe(`docker 9.9 (API ${spoken.slice(1)})`);
});

it('agrees on the version anew when the engine was replaced', async () => {
  let version = '1.50';
  await serve(
    () => version,
    ({ url = '' }, response) => {
      if (!url.startsWith('/v1.50') || version === '1.50') return;
      response.statusCode = 400;
      const message = 'client version 1.50 is too new. Maximum supported API version is 1.44';
      response.end(JSON.stringify({ message }));
    },
  );
  await using engine = await createDockerEngine(scope, { socketPath });
  version = '1.44';
  expect((await refusal(engine.list(never))).code).toBe('unavailable');
  expect(await engine.list(never)).toEqual([]);
  expect(asked.at(-1)).toBe('/v1.44/containers/json');
});

it.each([
  ['1.12', 'at least 1.25 is needed', 'an engine that is too old'],
  ['', 'names no API version', 'what is no Docker Engine'],
])('refuses API version "%s": %s (%s)', async (offered, why) => {
  await serve(() => offered);
  const { code, message } = await refusal(createDockerEngine(scope, { socketPath }));
  expect(code).toBe('unavailable');
  expect(message).toContain(why);
});

it('refuses a socket that is not there, and says what to do', async () => {
  const { code, message } = await refusal(createDockerEngine(scope, { socketPath }));
  expect(code).toBe('unavailable');
  expect(message).toMatch(/ENOENT.*; check that the Docker Engine runs on this host$/);
});

it('gives up when told to, though the engine never answers', async () => {
  const wait = Promise.withResolvers<void>();
  await serve(
    () => '1.41',
    (request) => {
      if (request.url?.includes('/containers/json') !== true) return;
      request.url = '/hang';
      wait.resolve();
    },
  );
  await using engine = await createDockerEngine(scope, { socketPath });
  const stop = new AbortController();
  const listed = refusal(engine.list(stop.signal));
  await wait.promise;
  stop.abort();
  expect((await listed).code).toBe('aborted');
});

it('never puts the environment of a component into an address', async () => {
  const addresses: string[] = [];
  await serve(
    () => '1.41',
    ({ url = '' }, response) => {
      addresses.push(url);
      if (url.includes('/create')) response.writeHead(400).end('{"message":"no"}');
    },
  );
  await using engine = await createDockerEngine(scope, { socketPath });
  const spec = {
    name: 'web',
    mode: 'replicated',
    replicas: 1,
    image: 'x',
    environment: { PASSWORD: 'secret' },
    ports: [],
    volumes: [],
    restart: { kind: 'no' },
    dependsOn: [],
    stopGraceMs: 0,
  } as never;
  const labels = { component: 's.web', slot: 1, attempt: 1, revision: 'r', term: 1 };
  expect((await refusal(engine.start({ labels, spec }, never))).code).toBe('bad-spec');
  expect(addresses.at(-1)).toBe('/v1.41/containers/create?name=s-web-1-1-h1');
});
