/** What a user reads about the way of an update. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

it.each([
  [
    'deploy: {update_config: {order: "start-first"}}\n    ports: [{target: 80, published: 8080, mode: host}]',
    [
      'warning c.yaml:4:37 services.web.deploy.update_config.order: done as stop-first: port 8080 is fixed, and fits once on a host; say stop-first, or leave it out',
    ],
  ],
  ['deploy: {update_config: {order: start-first}}', []],
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
])('service: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});
