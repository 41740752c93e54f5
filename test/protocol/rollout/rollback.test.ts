/** What has failed makes room for the version before (U4, U5). */
import { expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { DEFAULT_UPDATE, type RollbackPolicy } from '../../../protocol/component/update.ts';
import { STACK_CHARS_MAX } from '../../../protocol/limits.ts';
import { stage } from './stage.ts';

it('`rollback` puts the revision before back, and does not try again (U4, U5)', () => {
  const web = stage(2, { onFailure: 'rollback' });
  web.fates.set('b', 'ends');
  web.deploy('b');
  web.wait(0);
  expect(web.slots).toBe('a? a');
  expect(web.record.rollout?.refused?.why).toBe('shop.web.1 failed');
  web.wait(5000);
  expect(web.slots).toBe('a a');
  web.wait(3_600_000);
  web.succeed();
  expect(web.slots).toBe('a a');
  web.deploy('b', { replicas: 3 });
  expect(web.slots).toBe('a a a');
  web.deploy('c');
  web.wait(0);
  expect(web.slots).toBe('c? a');
  expect(web.record.rollout?.refused).toBeUndefined();
});

it('the way back goes by its own policy (U4)', () => {
  const rollback = { ...DEFAULT_UPDATE, parallelism: 0, monitorMs: millis(1000) };
  const web = stage(4, { onFailure: 'rollback' }, { rollback });
  web.deploy('b');
  web.wait(0);
  web.wait(5000);
  web.fates.set('b', 'ends');
  web.wait(0);
  expect(web.slots).toBe('a? a? a a');
  web.wait(999);
  expect(web.slots).toBe('a? a? a a');
  web.wait(1);
  expect(web.slots).toBe('a a a a');
});

it('what stands in for larger batches takes no more along on a way back by smaller ones (U2)', () => {
  const web = stage(
    3,
    { order: 'startFirst', parallelism: 2, onFailure: 'rollback' },
    { rollback: { ...DEFAULT_UPDATE, order: 'startFirst' } },
  );
  web.deploy('b');
  web.wait(0);
  web.wait(5000);
  expect(web.slots).toBe('b? b? a b b');
  web.broken.set(2, 'ends');
  web.succeed(); // one decision
  expect(web.slots).toBe('b a? a b');
});

it.each<[RollbackPolicy['onFailure'], string | undefined, string]>([
  ['pause', 'shop.web.1 failed', 'a b a'],
  ['continue', undefined, 'a a a'],
])('what fails on the way back: %s (U4)', (onFailure, paused, slots) => {
  const web = stage(
    3,
    { onFailure: 'rollback', parallelism: 2 },
    { rollback: { ...DEFAULT_UPDATE, onFailure } },
  );
  web.deploy('b');
  web.wait(0);
  web.fates.set('a', 'ends').set('b', 'ends');
  web.wait(0);
  web.wait(0);
  expect(web.record.rollout?.paused).toBe(paused);
  expect(web.slots).toBe(slots);
});

it('a way back has nobody stand in who has ended for good on the way there (U2)', () => {
  const web = stage(
    2,
    { order: 'startFirst', onFailure: 'rollback' },
    { rollback: { ...DEFAULT_UPDATE, order: 'startFirst' } },
  );
  web.deploy('b');
  web.wait(0);
  web.wait(5000);
  expect(web.slots).toBe('b? a b');
  web.broken.set(3, 'ends for good');
  web.broken.set(1, 'ends');
  web.succeed(); // one decision
  expect(web.slots).toBe('b a b');
});

it('with nothing to go back to it is paused', () => {
  const web = stage(1, { onFailure: 'rollback' }, { environment: { LARGE: 'x'.repeat(80_000) } });
  web.fates.set('b', 'ends');
  web.deploy('b'); // too large to be kept beside what replaces it
  expect(web.slots).toBe('b?');
  expect(JSON.stringify(web.record).length).toBeLessThan(STACK_CHARS_MAX);
  web.wait(0);
  expect(web.record.rollout?.paused).toBe('shop.web.1 failed');
});
