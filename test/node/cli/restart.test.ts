/** `restart` through the real process: one instance after the other, and then who follows. */
import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { InstanceView } from '../../../protocol/view/view.ts';
import { type Asked, refusal, run, sendJson, startAgent } from './fixture-agent.ts';
import { spec } from '../../protocol/reconcile/stage.ts';
import { cluster, component, filled, status } from './views.ts';

const after = (name: string, ...follows: readonly string[]): ComponentSpec =>
  spec({
    name,
    dependsOn: follows.map((on) => ({ on, condition: 'started', required: true, restart: true })),
  });
const committed = {
  key: 'stack/shop',
  revision: { term: 9, seq: 1 },
  value: {
    kind: 'stack',
    life: 0,
    since: { term: 4, seq: 7 },
    spec: {
      name: 'shop',
      components: [after('web', 'api'), after('api', 'db'), after('db'), after('seed', 'db')],
    },
  },
};

type Response = Parameters<typeof sendJson>[0];
type Told = Partial<InstanceView>;

/**
 * A cluster in which a restart takes a few looks: stopped, started, well. `afterwards`: of the new
 * instance of this slot; it never becomes anything else.
 */
function shop(afterwards: Readonly<Record<string, Told>> = {}) {
  const attempts = new Map<string, number>();
  const pending = new Map<string, readonly Told[]>();
  const log: string[] = [];
  const instance = (id: string): Told => {
    const [now, ...later] = pending.get(id) ?? [];
    if (later.length > 0) pending.set(id, later);
    return { attempt: attempts.get(id) ?? 1, ...now };
  };
  const view = () => {
    const told = (id: string) => filled(id, 'h1', instance(id));
    const seed = told('shop.seed.1');
    const slots = {
      web: [told('shop.web.1'), told('shop.web.2')],
      api: [told('shop.api.1')],
      db: [told('shop.db.1')],
      seed: [{ ...seed, ended: 'complete' as const }],
    };
    const components = Object.entries(slots).map(([name, of]) =>
      component(`shop.${name}`, [], { slots: of }),
    );
    return cluster({ stacks: [{ name: 'shop', revision: '4.7', components }] });
  };
  const replace = ({ path }: Asked, response: Response): void => {
    const id = decodeURIComponent(path.split('/')[3] ?? '');
    const unwell = [...pending].filter(([, left]) => left.length > 1).map(([of]) => of);
    log.push(`${id}${unwell.length === 0 ? '' : ` while ${unwell.join()} is away`}`);
    const attempt = (attempts.get(id) ?? 1) + 1;
    attempts.set(id, attempt);
    pending.set(id, [
      { attempt: attempt - 1 },
      { attempt: attempt - 1, state: 'stopping' },
      { attempt, state: 'starting' },
      { attempt, health: 'starting' },
      { attempt, ...afterwards[id] },
    ]);
    sendJson(response, 200, { done: `${id} on h1 is stopped and started again`, next: 'look' });
  };
  const ids = ['web.1', 'web.2', 'api.1', 'db.1', 'seed.1'].map((id) => `shop.${id}`);
  const routes = {
    'GET /v1/status': (_: Asked, response: Response) => sendJson(response, 200, status(view())),
    'GET /v1/inspect': {
      ...status(view()),
      data: { kind: 'stack', record: committed, instances: [] },
    },
    ...Object.fromEntries(ids.map((id) => [`POST /v1/instances/${id}/restart`, replace])),
  };
  return { routes, log };
}

async function restart(
  words: readonly string[],
  { routes }: Pick<ReturnType<typeof shop>, 'routes'>,
) {
  await using agent = await startAgent(routes);
  return await run(['restart', ...words, '--socket', agent.socket]);
}

it('waits until each is well before it goes on to the next', async () => {
  const stage = shop();
  const ran = await restart(['web'], stage);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(stage.log).toEqual(['shop.web.1', 'shop.web.2']);
  expect(ran.stdout).toMatch(
    /^shop\.web\.1 on h1 was restarted, and runs after \ds\nshop\.web\.2 on h1 was .*\n$/,
  );
  expect(ran.stderr).toMatch(/ {2}shop\.web\.1 running, starting on h1\n/);
});

it('restarts those that follow in their order, says so, and leaves a job that is over', async () => {
  const stage = shop();
  const ran = await restart(['db.1'], stage);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(stage.log).toEqual(['shop.db.1', 'shop.api.1', 'shop.web.1', 'shop.web.2']);
  expect(ran.stderr).toContain(
    'shop.api depends on shop.db with restart: true, and is restarted too',
  );
  expect(ran.stderr).toContain('shop.web depends on shop.api with restart: true');
  expect(ran.stderr).toContain('shop.seed is a job: what of it is over stays so');
});

it('says as JSON what was restarted, and after whom', async () => {
  const ran = await restart(['db', '--json'], shop());
  const lines = ran.stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(lines).toEqual([
    { done: expect.any(String), next: 'look', instance: 'shop.db.1', host_name: 'h1' },
    expect.objectContaining({ instance: 'shop.api.1', follows: 'shop.db' }),
    expect.objectContaining({ instance: 'shop.web.1', follows: 'shop.api' }),
    expect.objectContaining({ instance: 'shop.web.2', follows: 'shop.api' }),
  ]);
  expect(ran.stderr).toBe('');
});

it('ends with 3 where one does not come back, and leaves the others alone', async () => {
  const failing = { state: 'failed', health: 'none', reason: 'exit 1' } as const;
  const stage = shop({ 'shop.api.1': failing });
  const ran = await restart(['db', '--timeout', '2s'], stage);
  expect(ran.code).toBe(3);
  expect(stage.log).toEqual(['shop.db.1', 'shop.api.1']);
  expect(ran.stderr).toContain(
    'shop.api.1 does not run again after 2s; the ones after it were not',
  );
  expect(ran.stderr).toContain('why   failed (exit 1) on h1');
  expect(ran.stderr).toContain('next  npx agentctl why shop.api.1');
});

it('leaves the later ones alone where a host cannot be asked', async () => {
  const stage = shop();
  const cannot = (_: Asked, response: Response) =>
    sendJson(response, 502, refusal('failed-there', 1));
  const routes = { ...stage.routes, 'POST /v1/instances/shop.web.1/restart': cannot };
  expect(await restart(['web'], { routes })).toMatchObject({ code: 1, stdout: '' });
  expect(stage.log).toEqual([]);
});
