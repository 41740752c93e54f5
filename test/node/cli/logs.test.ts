/** What `agentctl logs` makes of the streams of several hosts. */
import type { ServerResponse } from 'node:http';
import { expect, it, vi } from 'vitest';
import { refusal, run, sendJson, start, startAgent } from './fixture-agent.ts';
import { cluster, component, healthy, host, idOf, status } from './views.ts';
import { millis } from '../../../protocol/base/time.ts';

const line = (instance: string, second: number, text: string, more: object = {}): object => ({
  instance,
  attempt: 1,
  at: `2026-11-21T00:00:0${second}.000000000Z`,
  output: 'stdout',
  line: text,
  ...more,
});
const ndjson = (bodies: readonly object[]): string =>
  bodies.map((body) => `${JSON.stringify(body)}\n`).join('');
const tells =
  (...bodies: readonly object[]) =>
  (_: unknown, response: ServerResponse) =>
    response.end(ndjson(bodies));
/** The hosts that run these, as `inspect` tells. */
const inspected = (...instances: readonly (readonly [string, string])[]): object => ({
  data: { kind: 'component', instances: instances.map(([id, on]) => ({ id, host: idOf(on) })) },
});
const WEB = inspected(['shop.web.1', 'h1'], ['shop.web.2', 'h2']);
const logsOn = (name: string): string => `GET /v1/hosts/${idOf(name)}/logs`;

it('merges the hosts by time, each line after the name of its instance', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': WEB,
    [logsOn('h1')]: tells(line('shop.web.1', 1, 'one'), line('shop.web.1', 4, 'four')),
    [logsOn('h2')]: tells(line('shop.web.2', 2, 'two'), line('shop.web.2', 3, 'three')),
  });
  const ran = await run(['logs', 'web', '--tail', '5', '--socket', agent.socket]);
  expect(ran).toEqual({
    code: 0,
    stdout: 'shop.web.1 | one\nshop.web.2 | two\nshop.web.2 | three\nshop.web.1 | four\n',
    stderr: '',
  });
  expect(agent.asked.map(({ path }) => path)).toContain(
    `/v1/hosts/${idOf('h1')}/logs?subject=shop.web&follow=0&previous=0&tail=5`,
  );
});

it('keeps the outputs apart; in JSON each line says which it is', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': inspected(['shop.api.1', 'h3']),
    [logsOn('h3')]: tells(
      line('shop.api.1', 1, 'out'),
      line('shop.api.1', 2, 'err', { output: 'stderr' }),
    ),
  });
  const asked = ['logs', 'api', '--since', '2026-11-21T00:00:00+01:00', '--socket', agent.socket];
  expect(await run(asked)).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' });
  expect(agent.asked.at(-1)?.path).toContain('&since=2026-11-20T23%3A00%3A00.000Z');
  const { stdout } = await run([...asked, '--json']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((text) => JSON.parse(text) as object)).toEqual([
    { ...line('shop.api.1', 1, 'out'), host: 'h3' },
    { ...line('shop.api.1', 2, 'err', { output: 'stderr' }), host: 'h3' },
  ]);
});

it('colors the names where colors are wanted, and leaves them out where they are not', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': WEB,
    [logsOn('h1')]: tells(line('shop.web.1', 1, 'one')),
    [logsOn('h2')]: tells(line('shop.web.2', 2, 'two')),
  });
  const { stdout } = await run(['logs', 'shop', '--color', 'always', '--socket', agent.socket]);
  expect(stdout).toBe(
    '\u001b[36mshop.web.1 |\u001b[39m one\n\u001b[33mshop.web.2 |\u001b[39m two\n',
  );
  const bare = await run(['logs', 'shop', '--no-prefix', '--socket', agent.socket]);
  expect(bare.stdout).toBe('one\ntwo\n');
});

it('says what is not read and goes on with the rest, exit 3', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': WEB,
    [logsOn('h1')]: tells({ failed: 'the peer does not answer' }),
    [logsOn('h2')]: tells(line('shop.web.2', 2, 'two')),
  });
  expect(await run(['logs', 'web', '--socket', agent.socket])).toEqual({
    code: 3,
    stdout: 'shop.web.2 | two\n',
    stderr: 'h1: the peer does not answer\n',
  });
});

it('says where an engine keeps no times', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': inspected(['shop.api.1', 'h3']),
    [logsOn('h3')]: tells({ instance: 'shop.api.1', attempt: 1, output: 'stdout', line: 'x' }),
  });
  const ran = await run(['logs', 'api', '--since', '5m', '--socket', agent.socket]);
  expect(ran.stdout).toBe('x\n');
  expect(ran.stderr).toBe('h3: its engine keeps no times, so what is older is here too\n');
});

it.each([
  [['--previous', '-f'], 2, 'exclude each other'],
  [['--since', 'yesterday'], 2, '"yesterday" is not a length of time'],
  [['--since', '2026-99-99'], 2, 'is not a point of time'],
  [['--tail', '-1'], 2, 'whole number'],
])('%j ends with %i: %s', async (options, code, said) => {
  await using agent = await startAgent({ 'GET /v1/status': healthy(), 'GET /v1/inspect': WEB });
  const ran = await run(['logs', 'web', ...options, '--socket', agent.socket]);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toContain(said);
});

it('ends with 4 where nothing runs', async () => {
  const components = [component('shop.web', [], { wanted: 2 })];
  const stacks = [{ name: 'shop', revision: '4.7', components }];
  await using agent = await startAgent({ 'GET /v1/status': status(cluster({ stacks })) });
  const ran = await run(['logs', 'shop', '--socket', agent.socket]);
  expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('shop has no instance') });
});

/** Of `web` one runs on h1; what ran on h5 is to be placed elsewhere. */
function lost(): object {
  const { slots, ...web } = component('shop.web', ['h1', 'h5', 'h5']);
  const left = slots.map((slot) => {
    const { instance: _, ...empty } = slot;
    return slot.host === idOf('h5') ? { ...empty, note: 'its host is dead' } : slot;
  });
  const components = [
    { ...web, slots: left },
    { ...component('shop.db', []), slots: [{ slot: 1, host: idOf('h5') }] },
    { ...component('shop.new', []), slots: [{ slot: 1, host: idOf('h1') }] },
  ];
  const hosts = [
    host('h1'),
    host('h2', { self: true }),
    host('h5', { state: 'dead', heardMsAgo: millis(40_000) }),
  ];
  const stacks = [{ name: 'shop', revision: '4.7', components }];
  return status(cluster({ hosts, stacks }));
}

it.each([
  ['web', ['shop.web.1'], 'shop.web.2 and shop.web.3', 'its name'],
  ['web.3', [], 'shop.web.3', 'one slot of it'],
  ['db', [], 'shop.db.1', 'nothing else of it'],
])('says of %s what a dead host has, exit 3: %j, not %s: %s', async (word, there, not) => {
  await using agent = await startAgent({
    'GET /v1/status': lost(),
    'GET /v1/inspect': inspected(...there.map((id) => [id, 'h1'] as const)),
    [logsOn('h1')]: tells(line('shop.web.1', 1, 'one')),
  });
  expect(await run(['logs', word, '--no-prefix', '--socket', agent.socket])).toEqual({
    code: 3,
    stdout: there.length === 0 ? '' : 'one\n',
    stderr: `h5: dead, last heard 40s ago: what ${not} printed there cannot be read\n`,
  });
});

it('ends with 4 where a host that lives has yet to start it', async () => {
  await using agent = await startAgent({ 'GET /v1/status': lost() });
  const ran = await run(['logs', 'new', '--socket', agent.socket]);
  expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('shop.new has no') });
});

it('follows what a dead host has from its beginning, once that is back', async () => {
  let looks = 0;
  await using agent = await startAgent({
    'GET /v1/status': lost(),
    'GET /v1/inspect': (_, response) => {
      looks += 1;
      if (looks > 3) sendJson(response, 404, refusal('not-found', 4));
      else sendJson(response, 200, looks < 2 ? inspected() : inspected(['shop.db.1', 'h5']));
    },
    [logsOn('h5')]: ({ path }, response) => {
      const tail = new URL(path, 'http://agent').searchParams.get('tail');
      response.write(ndjson([line('shop.db.1', 1, `tail ${tail}`)]));
    },
  });
  const words = ['logs', 'db', '-f', '--tail', '7', '--no-prefix', '--socket', agent.socket];
  expect(await start(words).done).toEqual({
    code: 0,
    stdout: 'tail 7\n',
    stderr:
      'h5: dead, last heard 40s ago: what shop.db.1 printed there cannot be read\nshop.db is gone\n',
  });
});

it('follows hosts that come, and asks one that broke off only for what it has not seen', async () => {
  let looks = 0;
  const asked: string[] = [];
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': (_, response) => {
      looks += 1;
      if (looks > 4) sendJson(response, 404, refusal('not-found', 4));
      else sendJson(response, 200, looks < 3 ? inspected(['shop.web.1', 'h1']) : WEB);
    },
    [logsOn('h1')]: ({ path }, response) => {
      asked.push(path);
      if (asked.length > 1) response.write(ndjson([line('shop.web.1', 1, 'one')]));
      response.write(ndjson([line('shop.web.1', asked.length, `line ${asked.length}`)]));
      if (asked.length === 1) response.end(ndjson([{ failed: 'cut off' }]));
    },
    [logsOn('h2')]: (_, response) => response.write(ndjson([line('shop.web.2', 5, 'new')])),
  });
  const running = start(['logs', 'web', '-f', '--tail', '1', '--socket', agent.socket]);
  const ran = await running.done;
  expect(ran.stdout).toBe('shop.web.1 | line 1\nshop.web.1 | line 2\nshop.web.2 | new\n');
  expect(ran.stderr).toBe('h1: cut off\nshop.web is gone\n');
  expect(ran.code).toBe(0);
  expect(asked.map((path) => path.replace(/^.*follow=1&previous=0/, ''))).toEqual([
    '&tail=1',
    '&since=2026-11-21T00%3A00%3A01.000000000Z',
  ]);
});

it('follows until Ctrl-C, and says with 5 that the agent went', async () => {
  const routes = {
    'GET /v1/status': healthy(),
    'GET /v1/inspect': WEB,
    [logsOn('h1')]: (_: unknown, response: ServerResponse) =>
      response.write(ndjson([line('shop.web.1', 1, 'one')])),
    [logsOn('h2')]: (_: unknown, response: ServerResponse) => response.flushHeaders(),
  };
  await using agent = await startAgent(routes);
  const running = start(['logs', 'web', '-f', '--socket', agent.socket]);
  await vi.waitFor(() => expect(running.stdout()).toBe('shop.web.1 | one\n'), { timeout: 10_000 });
  running.interrupt();
  expect((await running.done).code).toBe(130);

  const ending = await startAgent(routes);
  const left = start(['logs', 'web', '-f', '--socket', ending.socket]);
  await vi.waitFor(() => expect(left.stdout()).toBe('shop.web.1 | one\n'), { timeout: 10_000 });
  await ending[Symbol.asyncDispose]();
  expect((await left.done).code).toBe(5);
});
