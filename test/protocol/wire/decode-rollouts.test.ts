/** Records of rollouts that contradict themselves, or are too large. */
import { expect, it } from 'vitest';
import { COMPONENT, type Patch, record, verdict, withFormer, withHistory } from './examples.ts';

it.each<[string, 'push', Patch, string]>([
  [
    'a slot that waits with a spec that is not there',
    'push',
    { record: record('component/shop.db', { ...withFormer(COMPONENT), rollout: undefined }) },
    'inconsistent at record.value',
  ],
  [
    'a former spec of another component',
    'push',
    { record: record('component/shop.db', withFormer({ ...COMPONENT, name: 'b' })) },
    'inconsistent at record.value',
  ],
  [
    'former specs that are larger together than a stack',
    'push',
    {
      record: record(
        'component/shop.db',
        withFormer({ ...COMPONENT, environment: { A: 'x'.repeat(130_800) } }),
      ),
    },
    'inconsistent at record.value',
  ],
  [
    'a revision twice in a history',
    'push',
    { record: record('component/shop.db', withHistory(COMPONENT, COMPONENT)) },
    'inconsistent at record.value.history',
  ],
  [
    'a history of another component',
    'push',
    { record: record('component/shop.db', withHistory({ ...COMPONENT, name: 'b' })) },
    'inconsistent at record.value',
  ],
  [
    'specs of a history that are larger together than a stack',
    'push',
    {
      record: record(
        'component/shop.db',
        withHistory({ ...COMPONENT, environment: { A: 'x'.repeat(130_800) } }),
      ),
    },
    'inconsistent at record.value',
  ],
])('refuses %s', (_name, kind, patch, expected) => {
  expect(verdict(kind, patch)).toBe(expected);
});

it('takes both as they should be', () => {
  for (const value of [withFormer(COMPONENT), withHistory(COMPONENT)])
    expect(verdict('push', { record: record('component/shop.db', value) })).toBe('ok');
});
