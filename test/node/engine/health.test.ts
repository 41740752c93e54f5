import { expect, it } from 'vitest';
import { type Health, type HealthState, stepHealth } from '../../../node/engine/health.ts';

/** One letter a check: `p` passed, `f` failed, `F` failed early, while a failure may not count. */
it.each<[Health, string, number, string, string]>([
  ['starting', 'p', 1, 'healthy 0', 'one pass is enough'],
  ['starting', 'f', 1, 'unhealthy 1', 'one failure is enough where it is allowed no more'],
  ['starting', 'ff', 3, 'starting 2', 'it is given its retries'],
  ['starting', 'fff', 3, 'unhealthy 3', 'and no more than those'],
  ['starting', 'ffpff', 3, 'healthy 2', 'only failures in a row count'],
  ['starting', 'FFFFF', 1, 'starting 0', 'in the start period no failure counts'],
  ['starting', 'FFff', 3, 'starting 2', 'nor do early failures count later'],
  ['starting', 'pFFF', 3, 'unhealthy 3', 'the start period is over with the first pass'],
  ['unhealthy', 'F', 1, 'unhealthy 1', 'a start period hides nothing that is known'],
  ['unhealthy', 'p', 3, 'healthy 0', 'it may come back'],
  ['healthy', 'f', 0, 'unhealthy 1', 'no retries at all means the first failure'],
])('%s, checked %s with %i retries, is %s: %s', (was, checks, retries, is) => {
  let state: HealthState = { health: was, failures: 0 };
  for (const check of checks) {
    state = stepHealth(state, { passed: check === 'p', early: check === 'F' }, retries);
  }
  expect(`${state.health} ${state.failures}`).toBe(is);
});
