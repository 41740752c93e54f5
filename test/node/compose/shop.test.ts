/** The example runs: real processes, as the embedded engine would start them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../../examples/shop');
const ADDRESS = '127.0.0.1';
const BOUND_MS = 10_000;
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, ADDRESS);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

function run(words: readonly string[], environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], MILLRACE_PUBLISH_ADDRESS: ADDRESS, ...environment };
  const child = spawn(process.execPath, words, { cwd: FOLDER, env });
  started.push(child);
  return child;
}

/** Resolves once it listens. */
async function start(component: string, environment: Readonly<Record<string, string>>) {
  const child = run(['server.ts', component], environment);
  const [said] = (await once(child.stdout, 'data', bound())) as [Buffer];
  expect(said.toString()).toContain(`${component} `);
  return child;
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit', bound())) as [unknown];
  return code;
}

async function get(port: number, path: string): Promise<unknown> {
  const response = await fetch(`http://${ADDRESS}:${port}${path}`, bound());
  return response.json();
}

const bound = () => ({ signal: AbortSignal.timeout(BOUND_MS) });

it('answers on /health, tells a new instance from the old one, and stops on SIGTERM', async () => {
  const port = await freePort();
  const environment = { SHOP_PORT_CATALOG: String(port), MILLRACE_SLOT: '2' };
  const first = await start('catalog', environment);
  const health = await get(port, '/health');
  expect(health).toMatchObject({ component: 'catalog', slot: 2, pid: first.pid, address: ADDRESS });
  expect(await exitCode(run(['health.js', String(port)], {}))).toBe(0);
  expect(await get(port, '/items')).toHaveLength(4);

  first.kill('SIGTERM');
  expect(await exitCode(first)).toBe(0);
  expect(await exitCode(run(['health.js', String(port)], {}))).toBe(1);

  await start('catalog', environment);
  const instances = [health, await get(port, '/health')] as { readonly instance: string }[];
  expect(instances[1]?.instance).not.toBe(instances[0]?.instance);
});

it('stays healthy while its peers are gone, and finds them when they come', async () => {
  const ports = {
    SHOP_ADDRESSES: ADDRESS,
    SHOP_PORT_WEB: String(await freePort()),
    SHOP_PORT_API: String(await freePort()),
    SHOP_PORT_CATALOG: String(await freePort()),
    SHOP_PORT_STOCK: String(await freePort()),
    SHOP_PORT_CART: String(await freePort()),
    SHOP_PORT_WORKER: String(await freePort()),
  };
  const web = Number(ports.SHOP_PORT_WEB);
  await start('web', ports);
  expect(await exitCode(run(['health.js', String(web)], {}))).toBe(0);
  const alone = { missing: ['api', 'catalog', 'stock', 'cart', 'worker'], items: [] };
  expect(await get(web, '/overview')).toMatchObject(alone);

  await Promise.all(['api', 'catalog', 'stock', 'cart'].map((name) => start(name, ports)));
  expect(await get(web, '/overview')).toMatchObject({ missing: ['worker'], stock: { wheel: 3 } });
  const bought = await fetch(`http://${ADDRESS}:${web}/buy`, {
    method: 'POST',
    body: new URLSearchParams({ sku: 'wheel' }),
    redirect: 'manual',
    ...bound(),
  });
  expect(bought.status).toBe(303);
  expect(await get(web, '/overview')).toMatchObject({ stock: { wheel: 2 } });
});
