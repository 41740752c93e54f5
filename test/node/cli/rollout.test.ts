/** `rollout` through the real process: what is sent, what is shown, and what is refused. */
import { expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { ComponentView, RolloutView } from '../../../protocol/view/view.ts';
import { run, startAgent } from './fixture-agent.ts';
import { cluster, component, status } from './views.ts';

const [NOW, FORMER, OLDER] = ['9f3c1e2d77ab10c4', '0123456789abcdef', 'fedcba9876543210'] as const;
const SINCE = { term: 4, seq: 7 };

const spec = (image: string, changes: Partial<ComponentSpec> = {}): ComponentSpec => ({
  name: 'web',
  mode: 'replicated',
  replicas: 3,
  image,
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
  ...changes,
});
const stackRecord = (web: ComponentSpec) => ({
  key: 'stack/shop',
  revision: { term: 9, seq: 1 },
  value: { kind: 'stack', life: 0, since: SINCE, spec: { name: 'shop', components: [web] } },
});
const componentRecord = (history: readonly object[] | undefined) => ({
  key: 'component/shop.web',
  revision: { term: 9, seq: 1 },
  value: {
    kind: 'component',
    component: 'shop.web',
    life: 0,
    stackRevision: SINCE,
    spec: spec('now'),
    revision: NOW,
    slots: [],
    ...(history === undefined ? {} : { history }),
  },
});
const past = (revision: string, more: object = {}) => ({ revision, since: SINCE, ...more });
const HISTORY = [
  past(OLDER, { spec: spec('older'), became: 'done' }),
  past(FORMER, { spec: spec('former', { replicas: 1 }), became: 'done' }),
  past('1111111111111111', { spec: spec('bad'), became: 'takenBack', why: 'shop.web.1 failed' }),
  past(NOW, { at: '2026-11-21T00:41:10Z' }),
];

const viewOf = (told: Partial<RolloutView> | undefined): ComponentView =>
  component('shop.web', ['h1', 'h2', 'h3'], {
    revision: NOW,
    ...(told === undefined
      ? {}
      : {
          rollout: {
            revision: NOW,
            from: FORMER,
            state: 'going',
            done: 1,
            total: 3,
            trial: [2],
            ...told,
          },
        }),
  });

type Given = {
  readonly rollout?: Partial<RolloutView>;
  /** Once something was deployed. */
  readonly later?: Partial<RolloutView>;
  readonly web?: ComponentSpec;
  readonly history?: readonly object[] | undefined;
};

async function typing(words: readonly string[], given: Given) {
  const { web = spec('now'), history = HISTORY } = given;
  const inspected = (record: object, kind: string): object => ({
    ...status(cluster()),
    data: { kind, record, instances: [] },
  });
  let sent = false;
  await using agent = await startAgent({
    'GET /v1/status': (_, response) => {
      const now = sent && given.later !== undefined ? given.later : given.rollout;
      const stacks = [{ name: 'shop', revision: '4.7', components: [viewOf(now)] }];
      response.end(JSON.stringify(status(cluster({ stacks }))));
    },
    'GET /v1/inspect': ({ path }, response) => {
      const isStack = path.endsWith('subject=shop');
      const record = isStack ? stackRecord(web) : componentRecord(history);
      response.end(JSON.stringify(inspected(record, isStack ? 'stack' : 'component')));
    },
    'POST /v1/deploy': (_, response) => {
      sent = true;
      response.end(JSON.stringify({ deploy_id: 'd', revision: '4.8', changed: true }));
    },
  });
  const ran = await run(['rollout', ...words, '--socket', agent.socket]);
  const posts = agent.asked.filter(({ method }) => method === 'POST');
  return { ...ran, sent: posts.map(({ body }) => body) };
}

const asked = (web: ComponentSpec) => [
  { stack: { name: 'shop', components: [web] }, deploy_id: 'abc', expect: SINCE },
];
const AS = ['--deploy-id', 'abc'];

it('holds what is under way, keeping what was said before, and waits until it is so', async () => {
  const web = spec('now', { steering: { undoes: FORMER } });
  const ran = await typing(['pause', 'web', ...AS], {
    rollout: {},
    web,
    later: { state: 'paused', held: true, done: 2 },
  });
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toContain('the rollout of shop.web is paused at 2 of 3');
  expect(ran.sent).toEqual(asked(spec('now', { steering: { undoes: FORMER, held: true } })));
});

it('lets it go on by a word of its own, without the hold', async () => {
  const web = spec('now', { steering: { held: true, resumed: 'before' } });
  const ran = await typing(['resume', 'web', '--no-wait', ...AS], {
    rollout: { state: 'paused', held: true },
    web,
  });
  expect(ran.code).toBe(0);
  expect(ran.sent).toEqual(asked(spec('now', { steering: { resumed: 'abc' } })));
});

it('puts the newest back that all had, with as many instances as there are to be', async () => {
  const ran = await typing(['undo', 'web', '--no-wait', ...AS], { rollout: {} });
  expect(ran.code).toBe(0);
  expect(ran.sent).toEqual(asked(spec('former', { steering: { undoes: NOW } })));
});

it.each<[readonly string[], Given, number, RegExp]>([
  [['pause', 'web'], {}, 4, /no rollout of shop\.web is under way/],
  [['pause', 'web'], { rollout: { state: 'takenBack', done: 3 } }, 4, /3 of 3 are done/],
  [
    ['resume', 'web'],
    { rollout: {} },
    4,
    /does not stand still\n {2}why {3}1 of 3 are done, and it/,
  ],
  [['undo', 'web'], { history: HISTORY.slice(-2) }, 4, /there is no former revision of shop\.web/],
  [
    ['undo', 'web'],
    { history: [past(FORMER, { became: 'done' }), past(NOW)] },
    6,
    /too large to be kept/,
  ],
  [
    ['undo', 'web'],
    { rollout: { state: 'takenBack', refused: NOW, why: 'shop.web.1 failed' } },
    6,
    /9f3c1e2 of shop\.web was taken back already\n {2}why {3}shop\.web\.1 failed/,
  ],
  [['history', 'web'], { history: [] }, 0, /^$/],
  [['status', 'wbe'], {}, 4, /there is no component "wbe"/],
])('%j with %j: exit %i, nothing is sent', async (words, given, code, said) => {
  const ran = await typing(words, given);
  expect([ran.code, ran.sent]).toEqual([code, []]);
  expect(ran.stderr).toMatch(said);
});

it('says that it is paused already, and asks for nothing', async () => {
  const ran = await typing(['pause', 'web'], { rollout: { state: 'paused', held: true } });
  expect([ran.code, ran.sent]).toEqual([0, []]);
  expect(ran.stdout).toContain('is paused at 1 of 3');
});

it.each<[Partial<RolloutView> | undefined, readonly string[]]>([
  [undefined, ['shop.web: no rollout is under way, all slots have 9f3c1e2']],
  [
    {},
    [
      'rollout of shop.web',
      '  state     goes on',
      '  revision  0123456 -> 9f3c1e2',
      '  slots     1 of 3 done, slot 2 on trial',
      '  next      slot 2 has to stand',
    ],
  ],
  [
    { state: 'paused', held: true, trial: [], why: 'a user holds it' },
    [
      'rollout of shop.web',
      '  state     paused: a user holds it',
      '  revision  0123456 -> 9f3c1e2',
      '  slots     1 of 3 done',
      '  next      nothing by itself; npx agentctl rollout resume shop.web or npx agentctl rollout undo',
      '            shop.web',
    ],
  ],
  [
    { state: 'going', isBack: true, trial: [] },
    [
      'rollout of shop.web',
      '  state     rolling back, as a user has said',
      '  revision  0123456 -> 9f3c1e2',
      '  slots     1 of 3 done',
      '  next      the next slots are taken',
    ],
  ],
  [
    {
      state: 'takenBack',
      isBack: true,
      refused: FORMER,
      refusedAt: '2026-11-21T00:41:10Z',
      why: 'shop.web.1 failed',
      done: 3,
      trial: [],
    },
    [
      'rollout of shop.web',
      '  state     0123456, deployed 2026-11-21T00:41:10Z, is quarantined: shop.web.1 failed',
      '  revision  0123456 -> 9f3c1e2',
      '  slots     3 of 3 done',
      '  next      deploy what is right, or try it again: npx agentctl rollout resume shop.web',
    ],
  ],
])('tells how far %j is', async (told, lines) => {
  const ran = await typing(['status', 'web'], told === undefined ? {} : { rollout: told });
  expect(ran.stdout.trimEnd().split('\n')).toEqual(lines);
});

it('lists what became of its revisions, and which of them are not kept', async () => {
  const [, ...history] = HISTORY;
  const given = { history: [past(OLDER, { became: 'overtaken' }), ...history] };
  const { stdout } = await typing(['history', 'web'], given);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'REVISION   SINCE  DEPLOYED              BECAME       WHY',
    'fedcba9    4.7                          overtaken    its spec is not kept: too large beside the',
    '                                                     others',
    '0123456    4.7                          done',
    '1111111    4.7                          rolled back  shop.web.1 failed',
    '9f3c1e2 *  4.7    2026-11-21T00:41:10Z  done',
  ]);
  const json = await typing(['history', 'web', '--json'], given);
  expect(JSON.parse(json.stdout)).toMatchObject({
    schema: 'millrace/rollout-history/1',
    data: {
      component: 'shop.web',
      revisions: [{ kept: false }, { kept: true }, { kept: true }, { revision: NOW, kept: true }],
    },
  });
});
