/** `deploy` through the real process: what is sent, what is waited for, how it ends. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { ClusterView } from '../../../protocol/view/view.ts';
import {
  type FixtureAgent,
  type Handler,
  refusal,
  run,
  sendJson,
  start,
  startAgent,
} from './fixture-agent.ts';
import { cluster, component, filled, status } from './views.ts';

const COMPOSE = `
name: shop
services:
  web:
    image: shop:1
`;
const accepted = { deploy_id: 'd', revision: '4.8', changed: true };
const missing = cluster({ stacks: [] });
const healthy = shop('4.8', 'healthy');

it('sends the stack under a random id and waits until all is healthy', async () => {
  const views = [missing, missing, shop('4.8', 'starting'), healthy];
  await using agent = await startAgent({
    'GET /v1/status': inTurn(views),
    'POST /v1/deploy': accepted,
  });
  const ran = await deploy(agent, COMPOSE);
  expect(ran).toMatchObject({ code: 0, stdout: 'shop is as wanted and healthy\n' });
  const [sent] = agent.asked.filter(({ method }) => method === 'POST');
  expect(sent?.body).toMatchObject({
    stack: { name: 'shop', components: [{ name: 'web', image: 'shop:1' }] },
    deploy_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
  });
  // One line per change, and each only once.
  const told = ran.stderr.split('\n').filter((line) => line.includes('shop.web.1'));
  expect(told.map((line) => line.trim().replace(/^\d+s +/, ''))).toEqual([
    'shop.web.1 running, starting on h1',
    'shop.web.1 running, healthy on h1',
  ]);
});

it('takes its variables from the files that are named, and says so when it is to be asked again', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': (_, response) => response.destroy(),
  });
  const file = join(agent.folder, 'test.env');
  await writeFile(file, 'TAG=9\n');
  const text = COMPOSE.replace('shop:1', 'shop:${TAG}');
  const ran = await deploy(agent, text, '--env-file', file);
  expect(agent.asked.at(-1)?.body).toMatchObject({ stack: { components: [{ image: 'shop:9' }] } });
  expect(ran.stderr).toContain(` --env-file ${file} `);
});

it('does not wait under --no-wait', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': accepted,
  });
  const ran = await deploy(agent, COMPOSE, '--no-wait', '--json');
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toEqual(accepted);
  expect(agent.asked).toHaveLength(2);
});

it('is not satisfied by the revision before, however healthy: exit 3, and why', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(shop('4.7', 'healthy')),
    'POST /v1/deploy': accepted,
  });
  const ran = await deploy(agent, COMPOSE, '--timeout', '300ms');
  expect(ran.code).toBe(3);
  expect(ran.stderr).toContain('this host does not know the new revision yet');
});

it('names what is not healthy in time', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(shop('4.8', 'unhealthy')),
    'POST /v1/deploy': accepted,
  });
  const ran = await deploy(agent, COMPOSE, '--timeout', '300ms');
  expect(ran.code).toBe(3);
  expect(ran.stderr).toContain('why   shop.web: running, unhealthy on h1');
  expect(ran.stderr).toContain('next  npx agentctl why shop.web');
});

it.each([
  ['4.7', { term: 4, seq: 7 }],
  ['none', 'none'],
])('passes on what it expects: %s', async (typed, sent) => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': accepted,
  });
  expect((await deploy(agent, COMPOSE, '--no-wait', '--expect', typed)).code).toBe(0);
  expect(agent.asked.at(-1)?.body).toMatchObject({ expect: sent });
  const wrong = await deploy(agent, COMPOSE, '--no-wait', '--expect', 'v1');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('Give a revision like 1003.1');
});

it('ends with 6 where it is refused', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': (_, response) => sendJson(response, 409, refusal('no-quorum', 6)),
  });
  expect((await deploy(agent, COMPOSE)).code).toBe(6);
});

const LOST: readonly (readonly [string, Handler])[] = [
  ['the agent says so', (_, response) => sendJson(response, 504, refusal('unknown', 7))],
  ['the connection breaks', (_, response) => response.destroy()],
];
it.each(LOST)('ends with 7 where the outcome is unknown: %s', async (_, answer) => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': answer,
  });
  const ran = await deploy(agent, COMPOSE, '--deploy-id', 'abc');
  expect(ran.code).toBe(7);
  expect(ran.stderr).toMatch(/\(id abc\)[^]*next .*npx agentctl deploy -f .*--deploy-id abc\n/);
});

it('tells the problems of a file on lines of their own: exit 2, nothing is sent', async () => {
  await using agent = await startAgent({ 'GET /v1/status': status(missing) });
  const ran = await deploy(agent, COMPOSE.replace('image', 'imag'));
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(/^\S*compose\.yaml:5:5 services\.web\.imag: /);
  expect(agent.asked.filter(({ method }) => method === 'POST')).toEqual([]);
});

it('takes warnings for errors under --strict only', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': accepted,
  });
  const text = `${COMPOSE}    container_name: web-1\n`;
  const lenient = await deploy(agent, text, '--no-wait');
  expect(lenient.stderr).toMatch(/^warning: \S*compose\.yaml:6:5 /);
  expect(lenient.code).toBe(0);
  const strict = await deploy(agent, text, '--no-wait', '--strict');
  expect(strict.code).toBe(2);
});

it('asks before components are removed, and off a terminal says to add --yes', async () => {
  const old = cluster({
    stacks: [{ name: 'shop', revision: '4.7', components: [component('shop.old', ['h1'])] }],
  });
  await using agent = await startAgent({
    'GET /v1/status': status(old),
    'POST /v1/deploy': accepted,
  });
  const asked = await deploy(agent, COMPOSE, '--no-wait');
  expect(asked.code).toBe(2);
  expect(asked.stderr).toContain('Remove shop.old with 1 running instance?');
  expect((await deploy(agent, COMPOSE, '--no-wait', '--yes')).code).toBe(0);
});

it('says at Ctrl-C that the cluster goes on', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(shop('4.8', 'starting')),
    'POST /v1/deploy': accepted,
  });
  const running = start(await asArgs(agent, COMPOSE));
  await vi.waitFor(() => expect(running.stderr()).toContain('starting on h1'), { timeout: 10_000 });
  running.interrupt();
  const ran = await running.done;
  expect(ran.code).toBe(130);
  expect(ran.stderr).toContain(
    'shop is accepted and goes on in the cluster; see npx agentctl status shop',
  );
});

it('reads standard input, and says which file it cannot read', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(missing),
    'POST /v1/deploy': accepted,
  });
  const args = ['deploy', '--no-wait', '--socket', agent.socket];
  expect((await run([...args, '-f', '-'], {}, COMPOSE)).code).toBe(0);
  const absent = await run([...args, '-f', '/nowhere/compose.yaml']);
  expect(absent.code).toBe(2);
  expect(absent.stderr).toContain('/nowhere/compose.yaml cannot be read');
});

async function asArgs(agent: FixtureAgent, text: string): Promise<readonly string[]> {
  const file = join(agent.folder, 'compose.yaml');
  await writeFile(file, text);
  return ['deploy', '-f', file, '--socket', agent.socket];
}

async function deploy(agent: FixtureAgent, text: string, ...flags: readonly string[]) {
  return run([...(await asArgs(agent, text)), ...flags]);
}

/** Each asking sees the next view; the last one stays. */
function inTurn(views: readonly ClusterView[]): Handler {
  let asked = 0;
  return (_, response) => {
    const view = views[Math.min(asked++, views.length - 1)];
    sendJson(response, 200, status(view ?? missing));
  };
}

function shop(revision: string, health: 'starting' | 'healthy' | 'unhealthy'): ClusterView {
  const slots = [filled('shop.web.1', 'h1', { health })];
  return cluster({
    stacks: [{ name: 'shop', revision, components: [component('shop.web', ['h1'], { slots })] }],
  });
}
