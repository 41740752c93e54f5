/** `scale` through the real process: what is sent, on which condition, and what is refused. */
import { expect, it } from 'vitest';
import { refusal, run, sendJson, startAgent } from './fixture-agent.ts';
import { spec } from '../../protocol/reconcile/stage.ts';
import { cluster, component, status } from './views.ts';

const sized = (name: string, replicas: number) => spec({ name, replicas, image: `${name}:1` });
const components = [sized('web', 2), sized('db', 1)];

/** As `inspect shop` answers. */
const committed = {
  key: 'stack/shop',
  revision: { term: 9, seq: 1 },
  value: {
    kind: 'stack',
    life: 0,
    since: { term: 4, seq: 7 },
    spec: { name: 'shop', components },
  },
};
const view = cluster({
  stacks: [
    {
      name: 'shop',
      revision: '4.7',
      components: [
        component('shop.web', ['h1', 'h2']),
        component('shop.db', ['h1']),
        component('shop.log', ['h1'], { wanted: 'all' }),
      ],
    },
    { name: 'blog', revision: '4.8', components: [component('blog.page', ['h1'])] },
  ],
});
const routes = {
  'GET /v1/status': status(view),
  'GET /v1/inspect': { ...status(view), data: { kind: 'stack', record: committed, instances: [] } },
  'POST /v1/deploy': { deploy_id: 'd', revision: '9.2', changed: true },
};

async function scale(words: readonly string[], more: Partial<Record<string, object>> = {}) {
  await using agent = await startAgent({ ...routes, ...more });
  const ran = await run(['scale', ...words, '--socket', agent.socket]);
  return { ...ran, sent: agent.asked.filter(({ method }) => method === 'POST') };
}

it('deploys what is committed with other numbers, only if nothing was deployed since', async () => {
  const { code, sent } = await scale(['web=5', 'shop.db=0', '--no-wait', '--deploy-id', 'abc']);
  expect(code).toBe(0);
  expect(sent.map(({ body }) => body)).toEqual([
    {
      stack: { name: 'shop', components: [sized('web', 5), sized('db', 0)] },
      deploy_id: 'abc',
      expect: { term: 4, seq: 7 },
    },
  ]);
});

it.each([
  [['web'], 2, 'Give it as COMPONENT=COUNT.'],
  [['web=-1'], 2, 'Give it as COMPONENT=COUNT.'],
  [['web=1001'], 2, 'At most 1000 are possible.'],
  [['log=2'], 2, 'it has one instance on every host'],
  [['web=2', 'page=2'], 2, 'shop and blog are deployed apart'],
  [['wbe=2'], 4, 'there is no component "wbe"'],
])('%j: exit %i, nothing is sent', async (words, code, said) => {
  const ran = await scale(words);
  expect([ran.code, ran.sent]).toEqual([code, []]);
  expect(ran.stderr).toContain(said);
});

it('ends with 6 where somebody else has deployed since', async () => {
  const ran = await scale(['web=3'], {
    'POST /v1/deploy': (_: unknown, response: Parameters<typeof sendJson>[0]) =>
      sendJson(response, 409, refusal('stale', 6)),
  });
  expect(ran.code).toBe(6);
});

it('ends with 4 where the stack was destroyed meanwhile', async () => {
  const { spec: _, ...tombstone } = committed.value;
  const record = { ...committed, value: tombstone };
  const ran = await scale(['web=3'], {
    'GET /v1/inspect': { ...status(view), data: { kind: 'stack', record, instances: [] } },
  });
  expect([ran.code, ran.sent]).toEqual([4, []]);
});

it('says how to ask again where the outcome is unknown', async () => {
  const ran = await scale(['web=3'], {
    'POST /v1/deploy': (_: unknown, response: Parameters<typeof sendJson>[0]) =>
      void response.destroy(),
  });
  expect(ran.code).toBe(7);
  expect(ran.stderr).toMatch(/npx agentctl scale web=3 --deploy-id [0-9a-f]{32}\n/);
});
