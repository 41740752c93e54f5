/** Pages of real servers, as the host of an instance fetches them. */
import { createServer as createWebServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { EngineError, type EngineInstance } from '../../../node/engine/engine.ts';
import { type Page, PAGE_BYTES_MAX, readPage } from '../../../node/inspect/page.ts';

const never = new AbortController().signal;

const engineOf = (
  more: Partial<EngineInstance> = {},
): { inspect: () => Promise<EngineInstance> } => ({
  inspect: async () => ({
    id: 'i1',
    name: 'web-1',
    labels: { component: 'shop.web', slot: 1, attempt: 1, revision: 'r', term: 1 },
    state: 'running',
    health: 'none',
    network: { kind: 'host' },
    ports: [],
    ...more,
  }),
});

async function portOf(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function pageOf(answer: RequestListener, path = '/vars'): Promise<Page> {
  const port = await portOf(createWebServer(answer));
  return readPage(engineOf(), 'i1', { port, path }, never);
}
const silence = (page: Page): string =>
  page.kind === 'silent' ? `${page.code}: ${page.why}` : page.kind;

it('is what the instance answers, to the last character', async () => {
  const seen: unknown[] = [];
  const text = '{"a": 1, "b": "ä"}\n';
  const page = await pageOf(({ url, headers }, answer) => {
    seen.push(url, headers.accept?.startsWith('application/json'));
    answer.end(text);
  }, '/vars?all=1');
  expect(page).toEqual({ kind: 'told', text });
  expect(seen).toEqual(['/vars?all=1', true]);
});

it.each<readonly [string, RequestListener, string | RegExp]>([
  ['not found', (_, answer) => answer.writeHead(404).end('x'), 'status: it answered 404 Not Found'],
  [
    'elsewhere',
    (_, answer) => answer.writeHead(302, { location: '/' }).end(),
    'status: it answered 302 Found',
  ],
  [
    'too large',
    (_, answer) => answer.end(Buffer.alloc(PAGE_BYTES_MAX + 1, 97)),
    `too-large: it is larger than ${PAGE_BYTES_MAX} bytes`,
  ],
  [
    'no text',
    (_, answer) => answer.end(Buffer.from([0xff, 0xfe, 0])),
    'not-text: its 3 bytes are no text in UTF-8',
  ],
  [
    'cut off',
    ({ socket }, answer) => {
      answer.writeHead(200, { 'content-length': '10' }).write('{');
      setImmediate(() => socket.destroy());
    },
    /^broken-off: the connection to 127\.0\.0\.1:\d+ broke off/,
  ],
])('says that it is %s', async (_what, answer, expected) => {
  expect(silence(await pageOf(answer))).toMatch(expected);
});

it('is as large as it may be', async () => {
  const page = await pageOf((_, answer) => answer.end(Buffer.alloc(PAGE_BYTES_MAX, 97)));
  expect(page.kind === 'told' && page.text.length).toBe(PAGE_BYTES_MAX);
});

it.each<readonly [string, RequestListener]>([
  ['begins to answer', () => undefined],
  ['ends its answer', (_, answer) => void answer.write('{')],
])('does not wait for one that never %s', async (_what, answer) => {
  expect(silence(await pageOf(answer))).toBe('timeout: there was no whole answer within 2 s');
});

it('says that nobody listens, and where', async () => {
  const server = createServer();
  const port = await portOf(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  await promise;
  const page = await readPage(engineOf(), 'i1', { port, path: '/' }, never);
  expect(silence(page)).toBe(`refused: nothing listens on 127.0.0.1:${port}`);
});

it.each<readonly [string, Partial<EngineInstance>, string]>([
  ['exited', { state: 'exited' }, 'not-running: it is exited'],
  ['frozen', { state: 'paused' }, 'not-running: it is paused'],
])('asks none that is %s', async (_what, more, expected) => {
  expect(silence(await readPage(engineOf(more), 'i1', { port: 1, path: '/' }, never))).toBe(
    expected,
  );
});

it('never asks its host in place of one that is on no network', async () => {
  const { network: _, ...cut } = await engineOf().inspect();
  const page = await readPage({ inspect: async () => cut }, 'i1', { port: 1, path: '/' }, never);
  expect(silence(page)).toBe('unreachable: it is on no network that its host reaches');
});

it('tells what is gone from an engine that fails', async () => {
  const failing = (code: EngineError['code']) => ({
    inspect: () => Promise.reject(new EngineError(code, 'the engine says why')),
  });
  const at = { port: 1, path: '/' };
  expect(silence(await readPage(failing('not-found'), 'i1', at, never))).toBe(
    'not-running: its host does not have it any more',
  );
  await expect(readPage(failing('unavailable'), 'i1', at, never)).rejects.toThrow('says why');
});
