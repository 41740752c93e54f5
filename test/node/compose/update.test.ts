/** The way of an update, and the way back: what is made of them, and what a user reads. */
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { DEFAULT_UPDATE } from '../../../protocol/component/update.ts';
import { told, web } from './told.ts';

it.each([
  [
    'deploy: {update_config: {order: "start-first"}}\n    ports: [{target: 80, published: 8080, mode: host}]',
    [
      'warning c.yaml:4:37 services.web.deploy.update_config.order: done as stop-first: port 8080 is fixed, and fits once on a host; say stop-first, or leave it out',
    ],
  ],
  ['deploy: {update_config: {order: start-first}, rollback_config: {order: start-first}}', []],
  [
    'deploy: {mode: global, update_config: {order: start-first}}',
    [
      'warning c.yaml:4:51 services.web.deploy.update_config.order: done as stop-first: it has one slot on every host; say stop-first, or leave it out',
    ],
  ],
  [
    'deploy: {update_config: {order: any, failure_action: retry, max_failure_ratio: 1.1, parallelism: -1, monitr: 5s}}',
    [
      'c.yaml:4:37 services.web.deploy.update_config.order: expected stop-first or start-first, got "any"',
      'c.yaml:4:58 services.web.deploy.update_config.failure_action: expected pause, continue or rollback, got "retry"',
      'c.yaml:4:84 services.web.deploy.update_config.max_failure_ratio: expected a share from 0 to 1, got the number 1.1',
      'c.yaml:4:102 services.web.deploy.update_config.parallelism: expected a whole number from 0 to 1000, got the number -1',
      'c.yaml:4:106 services.web.deploy.update_config.monitr: unknown key, did you mean monitor?',
    ],
  ],
  [
    'deploy: {mode: global, rollback_config: {order: start-first}}',
    [
      'warning c.yaml:4:53 services.web.deploy.rollback_config.order: done as stop-first: it has one slot on every host; say stop-first, or leave it out',
    ],
  ],
  [
    'deploy: {rollback_config: {failure_action: rollback, delay: soon}}',
    [
      'c.yaml:4:48 services.web.deploy.rollback_config.failure_action: expected pause or continue, got "rollback"',
      'c.yaml:4:65 services.web.deploy.rollback_config.delay: expected a duration such as 1m30s or 500ms, got "soon"',
    ],
  ],
])('service: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});

type Ways = { readonly [Key in 'update' | 'rollback']?: unknown };
const waysOf = ({ update, rollback }: Partial<ComponentSpec>): Ways => ({
  ...(update && { update }),
  ...(rollback && { rollback }),
});

it.each<[string, Ways]>([
  ['deploy: {}', {}],
  ['deploy: {update_config: {}}', { update: DEFAULT_UPDATE }],
  [
    'deploy: {update_config: {parallelism: 0, delay: 1m, order: start-first, monitor: 0s, failure_action: rollback, max_failure_ratio: 0.333}}',
    {
      update: {
        parallelism: 0,
        delayMs: 60_000,
        order: 'startFirst',
        monitorMs: 0,
        onFailure: 'rollback',
        failuresMaxPpm: 333_000,
      },
    },
  ],
  [
    'deploy: {update_config: {parallelism: "${N}", max_failure_ratio: "1.0"}}',
    { update: { ...DEFAULT_UPDATE, parallelism: 3, failuresMaxPpm: 1_000_000 } },
  ],
  ['deploy: {rollback_config: {}}', { rollback: DEFAULT_UPDATE }],
  [
    'deploy: {rollback_config: {parallelism: 2, delay: 5s, order: start-first, monitor: 30s, failure_action: continue, max_failure_ratio: 0.5}}',
    {
      rollback: {
        parallelism: 2,
        delayMs: 5000,
        order: 'startFirst',
        monitorMs: 30_000,
        onFailure: 'continue',
        failuresMaxPpm: 500_000,
      },
    },
  ],
])('service with %s', (lines, wanted) => {
  const result = loadCompose(web(lines), { path: 'c.yaml', env: { N: '3' }, dir: '/nowhere' });
  const [made] = result.ok ? result.stack.components : [];
  expect(waysOf(made ?? {})).toEqual(wanted);
});
