/** What a user reads about a job that is not as it should be. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

it.each<readonly [string, readonly string[]]>([
  [
    'deploy: {mode: global-job, replicas: 2}',
    [
      'c.yaml:4:32 services.web.deploy.replicas: has no meaning here: mode: global-job means one on every host; remove one of the two',
    ],
  ],
  [
    'deploy: {mode: replicated-job}\n    restart: always',
    [
      'c.yaml:5:14 services.web.restart: it would never complete: it is a job, and would be started again when it is done; use restart: on-failure or "no"',
    ],
  ],
  [
    'deploy: {mode: replicated-job, restart_policy: {condition: any}}',
    [
      'c.yaml:4:52 services.web.deploy.restart_policy: it would never complete: it is a job, and would be started again when it is done; use condition: on-failure or none',
    ],
  ],
  [
    'x-millrace: {timeout: 5m}',
    [
      'c.yaml:4:18 services.web.x-millrace.timeout: has no meaning here: only a job comes to an end; say deploy.mode: replicated-job, or remove it',
    ],
  ],
  [
    'deploy: {mode: replicated-job}\n    x-millrace: {timeout: 0s}',
    [
      'c.yaml:5:27 services.web.x-millrace.timeout: no time at all; leave it out, and it may take any time',
    ],
  ],
  [
    'deploy: {mode: replicated-job, update_config: {parallelism: 2}}',
    [
      'warning c.yaml:4:36 services.web.deploy.update_config: has no meaning for a job: a job that has changed runs anew at once; leave it out',
    ],
  ],
  [
    'deploy: {mode: global-job, rollback_config: {order: start-first}}',
    [
      'warning c.yaml:4:32 services.web.deploy.rollback_config: has no meaning for a job: a job that has changed runs anew at once; leave it out',
    ],
  ],
  ['deploy: {mode: global-job, update_config: {}, rollback_config: {order:}}', []],
])('job: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});
