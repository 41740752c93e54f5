import { expect, it } from 'vitest';
import { componentId, term } from '../../../protocol/base/ids.ts';
import { waitsFor } from '../../../protocol/component/dependency.ts';
import { specDigest } from '../../../protocol/component/digest.ts';
import type { Dependency, StackSpec } from '../../../protocol/component/spec.ts';
import type { InstanceReport } from '../../../protocol/inventory/entry.ts';
import { spec } from '../reconcile/stage.ts';

const db = spec({ name: 'db', image: 'db:1' });
const web = componentId('shop', 'web');

const noJob = () => undefined;

type Condition = Dependency['condition'];
const stackOf = (condition: Condition, on = 'db', required = true): StackSpec => ({
  name: 'shop',
  components: [db, spec({ name: 'web', dependsOn: [{ on, condition, required, restart: false }] })],
});
const report = (changes: Partial<InstanceReport>): { readonly report: InstanceReport } => ({
  report: {
    kind: 'instance',
    component: componentId('shop', 'db'),
    slot: 1,
    state: 'running',
    health: 'none',
    attempt: 1,
    restarts: 0,
    crashLoop: false,
    revision: specDigest(db),
    term: term(1),
    ports: [],
    ...changes,
  },
});

it.each<readonly [Condition, Partial<InstanceReport>, string | undefined, string]>([
  ['started', { state: 'running' }, undefined, 'running is started'],
  ['started', { state: 'complete' }, undefined, 'what has completed has started'],
  ['started', { state: 'starting' }, 'waits for shop.db to start', 'starting is not started'],
  ['started', { state: 'failed' }, 'waits for shop.db to start', 'what failed is not there'],
  ['started', { state: 'stopping' }, 'waits for shop.db to start', 'what stops will not be there'],
  ['healthy', { health: 'healthy' }, undefined, 'its healthcheck says so'],
  ['healthy', { health: 'starting' }, 'waits for shop.db to be healthy', 'no verdict yet'],
  ['healthy', { health: 'unhealthy' }, 'waits for shop.db to be healthy', 'bad health'],
  ['healthy', { health: 'none' }, undefined, 'without a healthcheck running is all there is'],
  [
    'healthy',
    { state: 'stopping', health: 'healthy' },
    'waits for shop.db to be healthy',
    'it leaves',
  ],
  ['completed', { state: 'complete' }, undefined, 'it has done its work'],
  ['completed', { state: 'running' }, 'waits for shop.db to complete', 'still at it'],
  [
    'completed',
    { state: 'complete', revision: 'older' },
    'waits for shop.db to complete',
    'the work of an earlier spec is not the work of this one',
  ],
  [
    'completed',
    { state: 'failed', reason: 'exit 1' },
    'waits for shop.db to complete (slot 1 failed: exit 1)',
    'says when waiting alone will not help',
  ],
  [
    'healthy',
    { state: 'failed', crashLoop: true },
    'waits for shop.db to be healthy (slot 1 is in a crash loop)',
    'says that it crashes',
  ],
  [
    'started',
    { state: 'rejected', reason: 'no such image' },
    'waits for shop.db to start (slot 1 rejected: no such image)',
    'says why it cannot start',
  ],
])('%s with %o: %s (%s)', (condition, changes, expected) => {
  expect(waitsFor(web, stackOf(condition), [report(changes)], noJob)).toBe(expected);
});

it.each<
  readonly [string, StackSpec, readonly { readonly report: InstanceReport }[], string | undefined]
>([
  ['nothing reported yet', stackOf('started'), [], 'waits for shop.db to start'],
  [
    'one of two is enough',
    stackOf('healthy'),
    [report({ health: 'unhealthy' }), report({ slot: 2, health: 'healthy' })],
    undefined,
  ],
  [
    'another stack’s db does not count',
    stackOf('started'),
    [report({ component: componentId('blog', 'db') })],
    'waits for shop.db to start',
  ],
  [
    'missing, required',
    stackOf('started', 'cache'),
    [],
    'waits for shop.cache, which is not in the stack',
  ],
  ['missing, not required', stackOf('started', 'cache', false), [], undefined],
  ['no dependencies', { name: 'shop', components: [spec({ name: 'web' })] }, [], undefined],
])('%s', (_name, stack, reports, expected) => {
  expect(waitsFor(web, stack, reports, noJob)).toBe(expected);
});
