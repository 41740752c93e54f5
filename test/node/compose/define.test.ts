/** Stacks told in TypeScript: what the compiler refuses, and that the rest arrives as it was meant. */
import { fc, test } from '@fast-check/vitest';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defineComponents, type Service } from '../../../node/compose/define/define.ts';
import { loadCompose } from '../../../node/compose/load.ts';
import { renderProblem } from '../../../node/compose/problems.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';

function loaded(text: string): StackSpec {
  const env = { HOME: '/h' };
  const result = loadCompose(text, { path: 'standard input', env, dir: '/srv/here' });
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join('\n'));
  expect(result.warnings).toEqual([]);
  return result.stack;
}

it('says what a Compose file says', () => {
  const text = defineComponents({
    name: 'shop',
    services: {
      db: {
        image: 'postgres:17',
        environment: { POSTGRES_PASSWORD: 'a$b${c}', VERSION: '1.10', HOME: null },
        volumes: ['data:/var/lib/postgresql/data', '/etc/ssl:/ssl:ro'],
        healthcheck: { test: ['CMD', 'pg_isready'], interval: '5s' },
        'x-millrace': { singleton: 'strict' },
      },
      web: {
        image: 'web:1',
        command: 'serve --cost $5',
        depends_on: { db: { condition: 'service_healthy' } },
        ports: [{ target: 80, published: 8080, mode: 'host' }],
        deploy: { replicas: 2, restart_policy: { condition: 'on-failure', max_attempts: 3 } },
        stop_grace_period: '1m30s',
        'x-millrace': {
          on_isolation: { action: 'stop', after: '20s' },
          on_heal: 'keep_oldest',
          rebalance: true,
          heartbeat: { path: '/up', every: '5s' },
          inspect: { path: '/vars', port: 81 },
        },
      },
      log: {
        image: 'log',
        depends_on: ['web'],
        deploy: { mode: 'global' },
        restart: 'on-failure:3',
        mem_limit: '1.5gb',
        user: '1000',
        cap_drop: ['ALL'],
        ulimits: { nofile: { soft: 10, hard: 20 } },
        networks: { back: { aliases: ['logs'] } },
      },
    },
    volumes: { data: null },
    networks: { back: { internal: true } },
    'x-millrace': { on_isolation: { action: 'freeze', after: '30s' } },
  });
  expect(loaded(text)).toMatchObject({
    name: 'shop',
    components: [
      {
        name: 'db',
        environment: { POSTGRES_PASSWORD: 'a$b${c}', VERSION: '1.10', HOME: '/h' },
        volumes: [
          { kind: 'named', source: 'data' },
          { kind: 'bind', source: '/etc/ssl', readOnly: true },
        ],
        singleton: 'strict',
      },
      {
        name: 'web',
        command: ['serve', '--cost', '$5'],
        dependsOn: [{ on: 'db', condition: 'healthy' }],
        replicas: 2,
        stopGraceMs: 90_000,
        restart: { kind: 'onFailure', retryMax: 3 },
        onIsolation: { action: 'stop', afterMs: 20_000 },
        placement: { constraints: [], rebalance: true },
        heartbeat: { target: { kind: 'http', path: '/up', port: 80 }, intervalMs: 5_000 },
        inspect: { path: '/vars', port: 81 },
      },
      {
        name: 'log',
        mode: 'global',
        restart: { kind: 'onFailure', retryMax: 3 },
        onIsolation: { action: 'freeze', afterMs: 30_000 },
        container: {
          limits: { memoryBytes: 1.5 * 2 ** 30 },
          user: '1000',
          capDrop: ['ALL'],
          ulimits: [{ name: 'nofile', soft: 10, hard: 20 }],
          networks: [{ name: 'shop_back', internal: true, aliases: ['logs'] }],
        },
      },
    ],
  });
});

it('is held to names, keys and values by the compiler', () => {
  const web: Service = { image: 'web' };
  defineComponents({
    services: {
      web,
      // @ts-expect-error there is no service dv
      api: { image: 'api', depends_on: ['dv'] },
      // @ts-expect-error there is no volume dta
      db: { image: 'db', volumes: ['dta:/data'] },
      // @ts-expect-error on every host it would be another folder
      files: { image: 'files', volumes: ['./data:/data'] },
      // @ts-expect-error no key of a service
      typo: { image: 'typo', port: [80] },
      // @ts-expect-error one on every host is no number
      every: { image: 'every', deploy: { mode: 'global', replicas: 2 } },
      // @ts-expect-error it is asked for a page or for a port
      ill: { image: 'a', 'x-millrace': { heartbeat: { every: '1s' } } },
      // @ts-expect-error a strict instance ends with its lease
      strict: { image: 'a', 'x-millrace': { singleton: 'strict', on_isolation: 'keep' } },
      // @ts-expect-error none starts before the one before has ended
      still: { image: 'a', 'x-millrace': { singleton: 'strict', rebalance: true } },
    },
    volumes: { data: null },
  });
  expect(web.image).toBe('web');
});

/** What no file may hold is refused, not changed. */
const word = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((value) => !/[\p{Cc}\p{Cs}\ufffd]/u.test(value));

function expectArrives(words: readonly string[], value: string): void {
  const services = { web: { image: 'i', command: words, environment: { VALUE: value } } };
  const [web] = loaded(defineComponents({ name: 'x', services })).components;
  expect([web?.command, web?.environment]).toEqual([words, { VALUE: value }]);
}

test.prop([fc.array(word, { minLength: 1 }), word])(
  'any words arrive as they are',
  (words, value) => {
    expectArrives(words, value);
  },
);

it('has an example that is deployed through a pipe', () => {
  const folder = join(import.meta.dirname, '../../../examples/defined');
  const env = { ...process.env, SHARDS: '5' };
  const said = spawnSync(process.execPath, ['stack.ts'], { cwd: folder, env, encoding: 'utf8' });
  const { name, components } = loaded(said.stdout);
  expect(name).toBe('defined');
  expect(components.map((component) => component.name)).toEqual([
    'front',
    ...Array.from({ length: 5 }, (_, index) => `shard-${index}`),
  ]);
  expect(components[0]?.dependsOn).toHaveLength(5);
});
