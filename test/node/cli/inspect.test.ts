/** What `agentctl inspect` makes of the pages of instances. */
import { expect, it } from 'vitest';
import type { PageBody } from '../../../node/http/api.ts';
import { refusal, type Routes, run, sendJson, startAgent } from './fixture-agent.ts';
import { cluster, component, filled, healthy, idOf, status } from './views.ts';

const ENDPOINT = { port: 80, path: '/vars' };
const inspected = (kind: string, ids: readonly string[], more: object = {}): object => ({
  ...healthy(),
  data: { kind, record: { term: 3 }, instances: ids.map((id) => ({ id })), ...more },
});
const page = (instance: string, text: string): Routes => {
  const body: PageBody = { schema: 'millrace/page/1', instance, host: idOf('h1'), text };
  return { [`GET /v1/instances/${instance}/page`]: body };
};
const silent = (instance: string, code: string, exit: number): Routes => ({
  [`GET /v1/instances/${instance}/page`]: (_: unknown, response: never) =>
    sendJson(response, 502, refusal(code, exit)),
});
const WEB = {
  'GET /v1/status': healthy(),
  'GET /v1/inspect': inspected('component', ['shop.web.1', 'shop.web.2'], { endpoint: ENDPOINT }),
};

it('shows what each instance tells under its name, beside our record', async () => {
  await using agent = await startAgent({
    ...WEB,
    ...page('shop.web.1', '{"jobs": 3}'),
    ...page('shop.web.2', 'up 3 days'),
  });
  const ran = await run(['inspect', 'web', '--socket', agent.socket]);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain('record:\n  term: 3\n');
  expect(ran.stdout).toContain('told:\n  shop.web.1:\n    jobs: 3\n  shop.web.2: up 3 days\n');
  const { stdout } = await run(['inspect', 'web', '--json', '--socket', agent.socket]);
  expect(JSON.parse(stdout)).toMatchObject({
    data: {
      record: { term: 3 },
      told: [
        { instance: 'shop.web.1', host: idOf('h1'), body: { jobs: 3 } },
        { instance: 'shop.web.2', body: 'up 3 days' },
      ],
    },
  });
});

it('tells of those that were silent, and ends with 3', async () => {
  await using agent = await startAgent({
    ...WEB,
    ...page('shop.web.1', '{}'),
    ...silent('shop.web.2', 'page-refused', 3),
  });
  const ran = await run(['inspect', 'web', '--socket', agent.socket]);
  expect(ran.code).toBe(3);
  expect(ran.stdout).toContain('told:\n  shop.web.1: {}\n');
  expect(ran.stderr).toContain('page-refused happened: the test says so\n');
  const { stdout } = await run(['inspect', 'web', '--json', '--socket', agent.socket]);
  expect(JSON.parse(stdout)).toMatchObject({
    data: { told: [{}, { instance: 'shop.web.2', error: { code: 'page-refused' } }] },
  });
});

it.each([
  ['page-timeout', 3],
  ['not-running', 4],
])('of one instance, %s is told after the record, with exit code %i', async (code, exit) => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': inspected('instance', ['shop.web.1'], { endpoint: ENDPOINT }),
    ...silent('shop.web.1', code, exit),
  });
  const ran = await run(['inspect', 'web.1', '--socket', agent.socket]);
  expect(ran.code).toBe(exit);
  expect(ran.stdout).toContain('term: 3');
  expect(ran.stderr).toContain(`error: ${code} happened\n  why   the test says so\n`);
});

it('asks nobody where the service says of no page', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/inspect': inspected('instance', ['shop.web.1']),
  });
  const ran = await run(['inspect', 'web.1', '--socket', agent.socket]);
  expect(ran.code).toBe(0);
  expect(ran.stdout).not.toContain('told');
  expect(agent.asked.map(({ path }) => path)).not.toContain('/v1/instances/shop.web.1/page');
});

const TEXT = '{"jobs": 3,\n "late": [ ]}';

it('with --raw prints what the one instance tells, to the last character', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    ...page('shop.api.1', TEXT),
    ...page('shop.web.2', TEXT),
  });
  for (const subject of ['api', 'api.1', 'web.2'])
    expect(await run(['inspect', subject, '--raw', '--socket', agent.socket])).toEqual({
      code: 0,
      stdout: TEXT,
      stderr: '',
    });
});

it('with --raw is about one that runs', async () => {
  const slots = [
    filled('shop.web.1', 'h1', { state: 'failed' }),
    filled('shop.web.2', 'h2'),
    filled('shop.web.3', 'h3', { state: 'failed' }),
  ];
  const web = component('shop.web', ['h1', 'h2', 'h3'], { slots });
  const none = component('shop.none', [], { slots: [] });
  const two = component('shop.two', ['h1', 'h2']);
  const stacks = [{ name: 'shop', revision: '4.7', components: [web, none, two] }];
  await using agent = await startAgent({
    'GET /v1/status': status(cluster({ stacks })),
    ...page('shop.web.2', TEXT),
    ...silent('shop.web.1', 'not-running', 4),
  });
  const raw = (subject: string) => run(['inspect', subject, '--raw', '--socket', agent.socket]);
  expect(await raw('web')).toMatchObject({ code: 0, stdout: TEXT });
  expect(await raw('web.1')).toMatchObject({ code: 4, stdout: '' });
  expect(await raw('none')).toMatchObject({ code: 4, stdout: '' });
  expect(await raw('shop.')).toMatchObject({ code: 2, stdout: '' });
  expect(await raw('h1')).toMatchObject({ code: 4, stdout: '' });
  const many = await raw('two');
  expect(many).toMatchObject({ code: 2, stdout: '' });
  expect(many.stderr).toContain('it has 2 instances that run: shop.two.1, shop.two.2');
  expect(many.stderr).toContain('inspect shop.two.1 --raw');
});
