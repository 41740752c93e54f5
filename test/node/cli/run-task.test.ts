/** What of a service its task has, and what it has not. */
import { expect, it } from 'vitest';
import { imageTask, serviceTask, type Wish } from '../../../node/cli/run-task.ts';
import { runLabel } from '../../../node/run/label.ts';
import { loadCompose } from '../../../node/compose/load.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import type { ClusterView } from '../../../protocol/view/view.ts';
import { decodeMessage } from '../../../protocol/wire/decode.ts';

const WISH: Wish = { words: [], environment: {}, retries: 0, noDeps: false, input: false };
const NOTHING = { hosts: [], stacks: [] } as unknown as ClusterView;

function load(web: object, more: object = {}): StackSpec {
  const document = { services: { web: { image: 'web:1', ...web } }, ...more };
  const source = { path: 'c.yaml', dir: '/nowhere', env: {}, name: 'shop' };
  const loaded = loadCompose(JSON.stringify(document), source);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.stack;
}

/** `db` of the stack runs on h2. */
const withDb = (engine: string): ClusterView =>
  ({
    hosts: [{ id: 'h2', name: 'two', state: 'alive', engine }],
    stacks: [
      {
        name: 'shop',
        components: ['db', 'web'].map((name) => ({
          id: `shop.${name}`,
          wanted: 1,
          slots: [
            {
              slot: 1,
              host: 'h2',
              instance: { host: 'h2', state: 'running', health: 'healthy' },
            },
          ],
        })),
      },
    ],
  }) as unknown as ClusterView;

function taskOf(web: object, wish: Partial<Wish> = {}, view = NOTHING, more = {}): ComponentSpec {
  const [task] = serviceTask(load(web, more), 'web', view, { ...WISH, ...wish }).components;
  if (task === undefined) throw new Error('there is one');
  return task;
}

it('runs once, under a name of its own', () => {
  const { name, components } = serviceTask(load({}), 'web', NOTHING, WISH);
  expect(name).toMatch(/^shop-web-run-[0-9a-f]{8}$/);
  expect(components).toHaveLength(1);
  expect(components[0]).toMatchObject({
    name: 'run',
    mode: 'replicated',
    replicas: 1,
    image: 'web:1',
    restart: { kind: 'no' },
    job: { seeks: { stack: 'shop', dependsOn: [] } },
  });
  expect(components[0]?.container?.labels).toEqual(runLabel({ input: false }));
});

it.each([
  ['replicas', { deploy: { replicas: 3 } }],
  ['one on every host', { deploy: { mode: 'global' } }],
  ['a strict singleton', { 'x-millrace': { singleton: 'strict' } }],
  ['a contract', { 'x-millrace': { on_isolation: 'stop', on_heal: 'keep_oldest' } }],
  ['ports and a healthcheck', { ports: ['80:80'], healthcheck: { test: 'true' } }],
  ['an update policy', { deploy: { update_config: { parallelism: 2 } } }],
  ['a limit of one on each host', { deploy: { placement: { max_replicas_per_node: 1 } } }],
  ['restarts for ever', { restart: 'always' }],
])('is as if its service had not %s', (_, web) => {
  expect(taskOf(web)).toEqual(taskOf({}));
});

it.each([
  ['its entrypoint', { entrypoint: ['tool'] }, { entrypoint: ['tool'] }],
  ['its user', { user: 'app' }, { container: { user: 'app' } }],
  [
    'its labels',
    { labels: { a: 'b' } },
    { container: { labels: { a: 'b', ...runLabel({ input: false }) } } },
  ],
  [
    'its time',
    { 'x-millrace': { timeout: '5s' }, deploy: { mode: 'replicated-job' } },
    { job: { timeoutMs: 5000 } },
  ],
  ['its grace', { stop_grace_period: '3s' }, { stopGraceMs: 3000 }],
  [
    'what it reserves',
    { deploy: { resources: { reservations: { cpus: '2' } } } },
    { placement: { reserves: { milliCpus: 2000 } } },
  ],
] as const)('has %s', (_, web, expected) => {
  expect(taskOf(web)).toMatchObject(expected);
});

it('has the words that are given in place of its command, for every engine', () => {
  const web = {
    command: ['serve'],
    'x-millrace': { process: { command: ['node', 'a'], working_dir: '/w' } },
  };
  expect(taskOf(web)).toMatchObject({ command: ['serve'], process: { command: ['node', 'a'] } });
  expect(taskOf(web, { words: ['ls', '-l'] })).toMatchObject({
    command: ['ls', '-l'],
    process: { command: ['ls', '-l'], workingDir: '/w' },
  });
});

it('is told where that is what its service depends on, and is not begun anew for it', () => {
  const db = { condition: 'service_started', restart: true };
  const more = { services: { web: { image: 'web:1', depends_on: { db } }, db: { image: 'db:1' } } };
  const { job, dependsOn } = taskOf({}, { noDeps: true }, NOTHING, more);
  const on = { on: 'db', condition: 'started', required: true, restart: false };
  expect(job?.seeks).toEqual({ stack: 'shop', dependsOn: [on] });
  expect(dependsOn).toEqual([]);
});

it('has variables laid over those of the service, in order', () => {
  const { environment } = taskOf(
    { environment: { B: '1', C: '2' } },
    { environment: { A: '0', C: '3' } },
  );
  expect(Object.entries(environment)).toEqual([
    ['A', '0'],
    ['B', '1'],
    ['C', '3'],
  ]);
});

it('is on the networks of the service, under none of its names and addresses', () => {
  expect(taskOf({}).container?.networks).toMatchObject([{ name: 'shop_default', aliases: [] }]);
  const back = { ipam: { config: [{ subnet: '10.1.0.0/24' }] } };
  const web = { networks: { back: { aliases: ['www'], ipv4_address: '10.1.0.7' } } };
  const [network] = taskOf(web, {}, NOTHING, { networks: { back } }).container?.networks ?? [];
  expect(network).toMatchObject({ name: 'shop_back', aliases: [] });
  expect(network?.address).toBe(undefined);
  expect(taskOf({ network_mode: 'host' }).container?.networks).toBe(undefined);
});

it.each([
  ['docker 20.10.24 (API 1.41)', 'shop_data'],
  ['process (Linux 6.1)', 'shop.data'],
])('works on the volumes of its service where they are, on %s', (engine, name) => {
  const web = { volumes: ['data:/data'] };
  const task = taskOf(web, {}, withDb(engine), { volumes: { data: null } });
  expect(task.volumes).toMatchObject([{ kind: 'named', made: { name } }]);
  expect(task.placement?.constraints).toEqual([{ kind: 'id', operator: '==', value: 'h2' }]);
});

it('fits anywhere where its service has no data, or is nowhere', () => {
  const data = { volumes: { data: null } };
  expect(taskOf({}, {}, withDb('docker')).placement?.constraints).toEqual([]);
  expect(taskOf({ volumes: ['data:/d'] }, {}, NOTHING, data).placement?.constraints).toEqual([]);
});

it('begins only where what it depends on is well, unless told otherwise', () => {
  const services = {
    services: { web: { image: 'web:1', depends_on: ['db'] }, db: { image: 'db' } },
  };
  const begin =
    (view: ClusterView, noDeps = false) =>
    (): unknown =>
      taskOf({}, { noDeps }, view, services);
  expect(begin(NOTHING)).toThrow('what the task depends on is not there: shop.db');
  expect(begin(NOTHING, true)).not.toThrow();
  expect(begin(withDb('docker'))).not.toThrow();
});

it('says which services there are', () => {
  expect(() => serviceTask(load({}), 'wbe', NOTHING, WISH)).toThrow('there is no service wbe');
});

it.each([
  ['a service', serviceTask(load({ volumes: ['/a:/a'] }), 'web', withDb('docker'), WISH)],
  ['an image', imageTask('busybox', { ...WISH, words: ['ls'], environment: { B: '', A: '1' } })],
])('of %s is what agents take for a stack', (_, spec) => {
  const message = { kind: 'deploy', deployId: 'd', stack: spec.name, spec };
  expect(decodeMessage(message)).toMatchObject({ ok: true });
});
