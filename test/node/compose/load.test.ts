/** What becomes of a Compose file that is as it should be. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { renderProblem } from '../../../node/compose/problems.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';

const ENVIRONMENT = { HOME: '/h', N: '3' };
const folder = mkdtempSync(join(tmpdir(), 'millrace-My_Stack.'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string, dir = '/srv/shop', name?: string, more = {}): StackSpec {
  const named = name === undefined ? {} : { name };
  const env = { ...ENVIRONMENT, ...more };
  const result = loadCompose(text, { path: 'compose.yaml', env, dir, ...named });
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join('\n'));
  return result.stack;
}

/** The component made of a service with an image and these lines. */
function component(...lines: readonly string[]): ComponentSpec {
  const service = ['services:', '  web:', '    image: i', ...lines.map((line) => `    ${line}`)];
  const [first] = load([...service, 'volumes: {data: {driver: local}}'].join('\n')).components;
  if (first === undefined) throw new Error('there is no component');
  return first;
}

it('fills in every default', () => {
  expect(load('services: {web: {image: "reg:5000/i:1@sha256:0"}}')).toEqual({
    name: 'shop',
    components: [
      {
        name: 'web',
        mode: 'replicated',
        replicas: 1,
        image: 'reg:5000/i:1@sha256:0',
        environment: {},
        ports: [],
        volumes: [],
        restart: { kind: 'always' },
        dependsOn: [],
        stopGraceMs: 10_000,
      },
    ],
  });
});

const long = (port: object) => `ports: [${JSON.stringify(port)}]`;
/** Part of a component, its lengths of time plain numbers. */
type Wanted = { readonly [Key in keyof ComponentSpec]?: unknown };
/** Of a job that says nothing of it. */
const RETRIED = { restart: { kind: 'onFailure' } };

it.each<[string, Wanted]>([
  // words
  ['command: [a, "b c"]', { command: ['a', 'b c'] }],
  ['command: a  "b c"\td\\ e \'$$f "g\' ""', { command: ['a', 'b c', 'd e', '$f "g', ''] }],
  [`command: '"a\\"b\\c" d\\\\'`, { command: ['a"b\\c', 'd\\'] }],
  [String.raw`command: "'a\\b' c"`, { command: [String.raw`a\b`, 'c'] }],
  ['command: ""', { command: [] }],
  ['command:', {}],
  ['entrypoint: [/bin/sh, -c]', { entrypoint: ['/bin/sh', '-c'] }],
  [
    'x-millrace: {process: {command: node x, working_dir: ./app}}',
    { process: { command: ['node', 'x'], workingDir: '/srv/shop/app' } },
  ],
  [
    'x-millrace: {process: {command: [n], working_dir: /else}}',
    { process: { command: ['n'], workingDir: '/else' } },
  ],
  ['x-millrace: {singleton: available, on_isolation: keep, on_heal: keep_newest}', {}],
  ['x-millrace: {on_isolation: stop}', { onIsolation: { action: 'stop', afterMs: 10_000 } }],
  [
    'x-millrace: {on_isolation: {action: freeze, after: 3s}, on_heal: keep_leader}',
    { onIsolation: { action: 'freeze', afterMs: 3000 }, onHeal: 'keepLeader' },
  ],
  ['x-millrace: {on_isolation: {action: keep}, on_heal: keep_oldest}', { onHeal: 'keepOldest' }],
  // environment: sorted by name
  [
    'environment: {B: b, A: 1, C: true, D: "", E: 1e3, HOME: }',
    {
      environment: { A: '1', B: 'b', C: 'true', D: '', E: '1000', HOME: '/h' },
    },
  ],
  [
    'environment: [B=b, "A=1=2", HOME, C=, B=c]',
    { environment: { A: '1=2', B: 'c', C: '', HOME: '/h' } },
  ],
  ['environment: {N: 12345678901234567890}', { environment: { N: '12345678901234567890' } }],
  ['environment: {A: "${N}${N:+!}"}', { environment: { A: '3!' } }],
  // ports
  [
    'ports: [80, "81"]',
    {
      ports: [
        { target: 80, protocol: 'tcp' },
        { target: 81, protocol: 'tcp' },
      ],
    },
  ],
  [
    'ports: ["127.0.0.1:9000-9001:80-81/udp"]',
    {
      ports: [
        { target: 80, published: 9000, protocol: 'udp', address: '127.0.0.1' },
        { target: 81, published: 9001, protocol: 'udp', address: '127.0.0.1' },
      ],
    },
  ],
  [
    'ports: ["80-81"]',
    {
      ports: [
        { target: 80, protocol: 'tcp' },
        { target: 81, protocol: 'tcp' },
      ],
    },
  ],
  ['ports: ["8080:80/udp"]', { ports: [{ target: 80, published: 8080, protocol: 'udp' }] }],
  [
    'ports: ["127.0.0.1:8080:80"]',
    {
      ports: [{ target: 80, published: 8080, protocol: 'tcp', address: '127.0.0.1' }],
    },
  ],
  ['ports: ["127.0.0.1::80"]', { ports: [{ target: 80, protocol: 'tcp', address: '127.0.0.1' }] }],
  [
    'ports: ["[::1]:8080:80"]',
    {
      ports: [{ target: 80, published: 8080, protocol: 'tcp', address: '::1' }],
    },
  ],
  [long({ target: 80, mode: 'host' }), { ports: [{ target: 80, protocol: 'tcp' }] }],
  [
    long({ target: '80', published: '${N}', protocol: 'UDP', host_ip: '10.0.0.1', mode: 'host' }),
    {
      ports: [{ target: 80, published: 3, protocol: 'udp', address: '10.0.0.1' }],
    },
  ],
  // volumes
  [
    'volumes: ["data:/d", "/etc/x:/x:ro"]',
    {
      volumes: [
        { kind: 'named', source: 'data', target: '/d', readOnly: false },
        { kind: 'bind', source: '/etc/x', target: '/x', readOnly: true },
      ],
    },
  ],
  [
    'volumes: [{type: volume, source: data, target: /d, read_only: true}]',
    {
      volumes: [{ kind: 'named', source: 'data', target: '/d', readOnly: true }],
    },
  ],
  [
    'volumes: [{type: bind, source: /a, target: /d}]',
    {
      volumes: [{ kind: 'bind', source: '/a', target: '/d', readOnly: false }],
    },
  ],
  // healthcheck
  [
    'healthcheck: {test: curl -f x}',
    {
      healthcheck: {
        test: { kind: 'shell', line: 'curl -f x' },
        intervalMs: 30_000,
        timeoutMs: 30_000,
        retries: 3,
        startPeriodMs: 0,
      },
    },
  ],
  [
    'healthcheck: {test: [CMD, a, b], interval: 1m30s, timeout: 1.5s, retries: 5, start_period: 250ms}',
    {
      healthcheck: {
        test: { kind: 'exec', words: ['a', 'b'] },
        intervalMs: 90_000,
        timeoutMs: 1_500,
        retries: 5,
        startPeriodMs: 250,
      },
    },
  ],
  [
    'healthcheck: {test: [CMD-SHELL, a b], interval: 0s, retries: 0}',
    {
      healthcheck: {
        test: { kind: 'shell', line: 'a b' },
        intervalMs: 30_000,
        timeoutMs: 30_000,
        retries: 3,
        startPeriodMs: 0,
      },
    },
  ],
  ['healthcheck: {test: [NONE]}', {}],
  ['healthcheck: {test: x, disable: true}', {}],
  // the rest
  ['restart: always\n    deploy: {restart_policy: {condition: none}}', { restart: { kind: 'no' } }],
  ['restart: no\n    deploy: {restart_policy: {}}', { restart: { kind: 'always' } }],
  [
    'deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}',
    { restart: { kind: 'onFailure', retryMax: 3 } },
  ],
  [
    'deploy: {restart_policy: {condition: any, max_attempts: 3, delay: 5s, window: 2m}}',
    { restart: { kind: 'always', retryMax: 3, delayMs: 5000, windowMs: 120_000 } },
  ],
  [
    'deploy: {restart_policy: {delay: 5s}}\n    restart: on-failure',
    { restart: { kind: 'always', delayMs: 5000 } },
  ],
  ['deploy: {mode: replicated-job, replicas: 3}', { replicas: 3, job: {}, ...RETRIED }],
  ['deploy: {mode: global-job}', { mode: 'global', job: {}, ...RETRIED }],
  [
    'deploy: {mode: global-job}\n    restart: no',
    { mode: 'global', job: {}, restart: { kind: 'no' } },
  ],
  [
    'deploy: {mode: replicated-job, restart_policy: {max_attempts: 2}}',
    { job: {}, restart: { kind: 'onFailure', retryMax: 2 } },
  ],
  [
    'deploy: {mode: replicated-job}\n    x-millrace: {timeout: 90s}',
    { job: { timeoutMs: 90_000 }, ...RETRIED },
  ],
  ['restart: no', { restart: { kind: 'no' } }],
  ['restart: unless-stopped', { restart: { kind: 'unlessStopped' } }],
  ['restart: on-failure', { restart: { kind: 'onFailure' } }],
  ['restart: on-failure:0', { restart: { kind: 'onFailure' } }],
  ['restart: on-failure:4', { restart: { kind: 'onFailure', retryMax: 4 } }],
  ['deploy: {replicas: 0}', { replicas: 0 }],
  ['deploy: {replicas: "${N}"}', { replicas: 3 }],
  ['scale: 2', { replicas: 2 }],
  ['deploy: {mode: global}', { mode: 'global' }],
  ['deploy:', {}],
  ['stop_grace_period: 1h1m1s1ms', { stopGraceMs: 3_661_001 }],
  ['stop_grace_period: 100us', { stopGraceMs: 1 }],
])('%s', (lines, wanted) => {
  expect(component(lines)).toEqual({ ...component(), ...wanted });
});

it('reads conditions of dependencies; what is awaited to complete ends by default', () => {
  const text = `
services:
  web: {image: i, depends_on: [api, api, db]}
  api:
    image: i
    depends_on:
      db: {condition: service_healthy, restart: true}
      migrate: {condition: service_completed_successfully}
      gone: {condition: service_started, required: false}
  db: {image: i, healthcheck: {test: x}}
  migrate: {image: i}
`;
  const [web, api, db, migrate] = load(text).components;
  const started = { condition: 'started', required: true, restart: false };
  expect(web?.dependsOn).toEqual([
    { on: 'api', ...started },
    { on: 'db', ...started },
  ]);
  expect(api?.dependsOn).toEqual([
    { on: 'db', condition: 'healthy', required: true, restart: true },
    { on: 'migrate', condition: 'completed', required: true, restart: false },
    { on: 'gone', condition: 'started', required: false, restart: false },
  ]);
  expect([db?.restart, migrate?.restart]).toEqual([{ kind: 'always' }, { kind: 'onFailure' }]);
});

it.each<[string, string, string | undefined, string, string]>([
  ['name: a\nservices: {web: {image: i}}', '/srv/dir', 'b', 'b', 'the name asked for wins'],
  ['name: a\nservices: {web: {image: i}}', '/srv/dir', undefined, 'a', 'then that in the file'],
  ['name: s${N}\nservices: {web: {image: i}}', '/srv/dir', undefined, 's3', 'with variables'],
  ['services: {web: {image: i}}', '/srv/_My Shop.2', undefined, 'myshop2', 'then the folder'],
])('names the stack: %j in %s asked for %s is %s: %s', (text, dir, asked, wanted) => {
  expect(load(text, dir, asked).name).toBe(wanted);
});

it('names the stack after COMPOSE_PROJECT_NAME before the name in the file', () => {
  const env = { COMPOSE_PROJECT_NAME: 'c' };
  expect(load('name: a\nservices: {web: {image: i}}', '/srv/dir', undefined, env).name).toBe('c');
  expect(load('name: a\nservices: {web: {image: i}}', '/srv/dir', 'b', env).name).toBe('b');
});

it.each<[string, string | undefined, Readonly<Record<string, string>>, string]>([
  ['name: shop-${N}', undefined, {}, 'shop-3'],
  ['', undefined, {}, 'dir'],
  ['name: shop', 'asked', {}, 'asked'],
  ['name: shop', undefined, { COMPOSE_PROJECT_NAME: 'env' }, 'env'],
])('fills in COMPOSE_PROJECT_NAME: %j, asked for %j, with %j: %s', (top, asked, more, wanted) => {
  const text = `${top}\nservices: {web: {image: "i:\${COMPOSE_PROJECT_NAME}", environment: [COMPOSE_PROJECT_NAME]}}`;
  const stack = load(text, '/srv/dir', asked, more);
  expect(stack.name).toBe(wanted);
  expect(stack.components).toMatchObject([
    { image: `i:${wanted}`, environment: { COMPOSE_PROJECT_NAME: wanted } },
  ]);
});

it('merges shared blocks, the nearer one winning', () => {
  const [web] = load(`
x-a: &a {image: a, restart: no, environment: {A: 1}}
x-b: &b {image: b, scale: 2}
services: {web: {<<: [*a, *b], restart: always}}
`).components;
  expect(web).toMatchObject({ image: 'a', replicas: 2, restart: { kind: 'always' } });
  expect(web?.environment).toEqual({ A: '1' });
});

it('reads .env beside the file; the environment wins; its problems name it', () => {
  const file = 'services: {web: {image: "i:${TAG}", environment: {HOME: , TAG: , N: }}}';
  writeFileSync(join(folder, '.env'), 'TAG=7\nN=9\n');
  const [web] = load(file, folder, 'shop').components;
  expect(web).toMatchObject({ image: 'i:7', environment: { HOME: '/h', N: '3', TAG: '7' } });

  writeFileSync(join(folder, '.env'), 'TAG=7\nnot this\n');
  const source = { path: 'sub/compose.yaml', env: {}, dir: folder };
  const result = loadCompose(file, source);
  expect(result.ok ? [] : result.problems.map(renderProblem)).toEqual([
    'sub/.env:2:1 expected KEY=VALUE',
  ]);
});

it('reads the files of variables that are named in place of .env; one that is missing is told', () => {
  const file = 'services: {web: {image: "i:${TAG}-${N}"}}';
  const [one, two] = ['one.env', 'two.env'].map((name) => join(folder, name));
  if (one === undefined || two === undefined) throw new Error('two');
  writeFileSync(join(folder, '.env'), 'TAG=0\n');
  writeFileSync(one, 'TAG=1\nN=1\n');
  writeFileSync(two, 'N=${TAG:-}2\n');
  const imageOf = (envFiles: readonly string[]): string => {
    const result = loadCompose(file, {
      path: 'c.yaml',
      env: {},
      dir: folder,
      envFiles,
      name: 'shop',
    });
    if (!result.ok) return result.problems.map(renderProblem).join('\n');
    return result.stack.components[0]?.image ?? '';
  };
  expect(imageOf([one, two])).toBe('i:1-12');
  expect(imageOf([two, one])).toBe('i:1-1');
  expect(imageOf([join(folder, 'none.env')])).toBe(
    `${join(folder, 'none.env')}:1:1 the file cannot be read: there is no such file`,
  );
});

it('loads the example without a warning, and offers both engines the same components', () => {
  const dir = join(import.meta.dirname, '../../../examples/shop');
  const text = readFileSync(join(dir, 'compose.yaml'), 'utf8');
  const result = loadCompose(text, { path: 'compose.yaml', env: {}, dir });
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join('\n'));
  expect(result.warnings).toEqual([]);
  const components = result.stack.components;
  expect(components.map(({ name }) => name).toSorted()).toEqual([
    'api',
    'cart',
    'catalog',
    'stock',
    'web',
    'worker',
  ]);
  for (const { name, image, command = [], process, healthcheck, ports } of components) {
    expect(image).toBe('millrace/shop:example');
    expect(command).toEqual([...(process?.command ?? []), '--everywhere']);
    expect(process).toEqual({ command: ['node', 'server.ts', name], workingDir: dir });
    const [port] = ports;
    expect(port?.published).toBe(port?.target);
    const words = ['node', 'health.js', String(port?.target)];
    expect(healthcheck?.test).toEqual({ kind: 'exec', words });
  }
});
