/** Questions to real servers on the loopback. */
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { probeOnce, type Question } from '../../../../node/engine/heartbeat/probe.ts';

const never = new AbortController().signal;
/** Only a question that is never answered waits so long. */
const TIMEOUT_MS = 300;

async function listening(server: Server, address = '127.0.0.1'): Promise<Question['at']> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, address, resolve);
  await promise;
  onTestFinished(() => void server.close());
  return { address, port: (server.address() as AddressInfo).port };
}

const page = ({ port }: Question['at'], path = '/healthz'): Question['target'] => ({
  kind: 'http',
  port,
  path,
});
const ask = (at: Question['at'], target: Question['target']): Promise<boolean> =>
  probeOnce({ target, at, timeoutMs: TIMEOUT_MS }, never);

it.each([
  [200, true],
  [204, true],
  [302, true],
  [399, true],
  [400, false],
  [404, false],
  [503, false],
])('an answer of %i is well: %s', async (status, well) => {
  const at = await listening(createWebServer((_, answer) => answer.writeHead(status).end('x')));
  expect(await ask(at, page(at))).toBe(well);
});

it('asks for the path, closes the connection, and does not wait for a body without an end', async () => {
  const seen: unknown[] = [];
  const server = createWebServer(({ url, method, headers }, answer) => {
    seen.push(method, url, headers.connection);
    answer.writeHead(200).write('and so on');
  });
  const at = await listening(server);
  expect(await ask(at, page(at, '/up?deep=1'))).toBe(true);
  expect(seen).toEqual(['GET', '/up?deep=1', 'close']);
});

it('reaches IPv6', async () => {
  const at = await listening(
    createWebServer((_, answer) => answer.end()),
    '::1',
  );
  expect(await ask(at, page(at))).toBe(true);
  expect(await ask(at, { kind: 'tcp', port: at.port })).toBe(true);
});

it('takes what accepts and never answers for ill over HTTP, and for well over TCP', async () => {
  const at = await listening(createServer((socket) => socket.on('error', () => undefined)));
  expect(await ask(at, page(at))).toBe(false);
  expect(await ask(at, { kind: 'tcp', port: at.port })).toBe(true);
});

it('takes what does not speak HTTP for ill', async () => {
  const at = await listening(createServer((socket) => socket.end('220 mail\r\n')));
  expect(await ask(at, page(at))).toBe(false);
});

it('takes a port that nobody listens on for ill, whichever way it is asked', async () => {
  const server = createServer();
  const at = await listening(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  await promise;
  expect(await ask(at, page(at))).toBe(false);
  expect(await ask(at, { kind: 'tcp', port: at.port })).toBe(false);
});

it('ends with who asks', async () => {
  const at = await listening(createServer((socket) => socket.on('error', () => undefined)));
  const end = new AbortController();
  const asked = probeOnce({ target: page(at), at, timeoutMs: 60_000 }, end.signal);
  end.abort();
  expect(await asked).toBe(false);
});
