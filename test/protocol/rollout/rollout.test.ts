import { describe, expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { specDigest } from '../../../protocol/component/digest.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { DEFAULT_UPDATE } from '../../../protocol/component/update.ts';
import { TEXT_MAX } from '../../../protocol/limits.ts';
import { specOf } from '../../../protocol/rollout/version.ts';
import { stage } from './stage.ts';

it('first slots are placed at once, without a rollout', () => {
  const web = stage(3);
  expect(web.slots).toBe('a a a');
  expect(web.record.rollout).toBeUndefined();
});

describe('stop-first', () => {
  it('takes one slot after the other, each when the one before has stood (U2, U3)', () => {
    const web = stage(3);
    web.deploy('b');
    expect(web.slots).toBe('b? a a');
    expect(web.dueIn).toBeUndefined(); // its report is to come
    web.wait(0);
    expect(web.dueIn).toBe(5000);
    web.wait(4999);
    expect(web.slots).toBe('b? a a');
    web.wait(1);
    expect(web.slots).toBe('b b? a');
    web.wait(5000);
    expect(web.slots).toBe('b b b?');
    web.wait(5000);
    expect(web.slots).toBe('b b b');
    expect(web.record.rollout).toBeUndefined();
  });

  it.each([
    [1, 'b? a a a a'],
    [2, 'b? b? a a a'],
    [7, 'b? b? b? b? b?'],
    [0, 'b? b? b? b? b?'],
  ])('at most %i at a time: %s (U2)', (parallelism, slots) => {
    const web = stage(5, { parallelism });
    web.deploy('b');
    expect(web.slots).toBe(slots);
  });

  it('rests between two batches, not before the first (U2)', () => {
    const web = stage(2, { delayMs: millis(3000), monitorMs: millis(1000) });
    web.deploy('b');
    expect(web.slots).toBe('b? a');
    web.wait(0);
    web.wait(1000);
    expect(web.slots).toBe('b a');
    expect(web.dueIn).toBe(3000);
    web.wait(2999);
    expect(web.slots).toBe('b a');
    web.wait(1);
    expect(web.slots).toBe('b b?');
  });

  it('waits for what is neither well nor has failed (U3)', () => {
    const web = stage(2);
    web.fates.set('b', 'starting');
    web.deploy('b');
    web.wait(3_600_000);
    expect(web.slots).toBe('b? a');
  });

  it('begins to count again when what stood is away for a moment (U3)', () => {
    const web = stage(2);
    web.deploy('b');
    web.wait(0);
    web.wait(4000);
    web.broken.set(1, 'gone');
    web.wait(500);
    web.broken.delete(1);
    web.wait(500);
    expect(web.slots).toBe('b? a');
    web.wait(5000);
    expect(web.slots).toBe('b b?');
  });

  it('takes those that serve nobody first, and no other beside them (U2)', () => {
    const web = stage(3);
    web.broken.set(3, 'ends');
    web.deploy('b');
    expect(web.slots).toBe('a a b?');
  });

  it('takes none that serves while one that was done before is away (U2)', () => {
    const web = stage(3);
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b? a');
    web.broken.set(1, 'gone');
    web.wait(5000);
    expect(web.slots).toBe('b b a');
    web.broken.delete(1);
    web.wait(0);
    expect(web.slots).toBe('b b b?');
  });
});

describe('start-first', () => {
  it('has extra slots stand in before any is taken, and for as long (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.deploy('b');
    web.wait(0);
    expect(web.slots).toBe('a a b?');
    web.wait(5000);
    expect(web.slots).toBe('b? a b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b? b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b');
    expect(web.record.rollout).toBeUndefined();
  });

  it('goes on without where nothing fits that could stand in, and says so (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.hasRoom = false;
    web.deploy('b');
    expect(web.slots).toBe('b? a');
    expect(web.notes.at(-1)).toMatch(/comes to shop.web.1, as nothing more would fit beside it; 1/);
    web.hasRoom = true;
    web.wait(0);
    expect(web.slots).toBe('b? a b?');
    web.wait(5000);
    expect(web.slots).toBe('b b? b');
  });

  it('goes on without what stands in on a host that is gone (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.deploy('b');
    web.hasRoom = false;
    web.wait(0);
    expect(web.slots).toBe('a a b?');
    web.isAlive = false;
    web.wait(0);
    expect(web.slots).toBe('b? a');
  });

  it('lets go of what stands in when it is paused (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.fates.set('b', 'ends');
    web.deploy('b');
    expect(web.slots).toBe('a a b?');
    web.wait(0);
    expect(web.slots).toBe('a a');
    expect(web.record.rollout?.paused).toBe('shop.web.3 failed');
  });

  it('takes none while what stands in is away (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.deploy('b');
    web.wait(0);
    web.broken.set(3, 'starting');
    web.wait(60_000);
    expect(web.slots).toBe('a a b?');
  });

  it('goes on without what stood in and has ended for good, as it comes back by no waiting (U2)', () => {
    const web = stage(2, { order: 'startFirst' });
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b? a b');
    web.broken.set(3, 'ends for good');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b? b');
    web.finish();
    expect(web.slots).toBe('b b');
  });

  it.each<[string, Partial<ComponentSpec>]>([
    ['a fixed port', { ports: [{ target: 80, published: 80, protocol: 'tcp' }] }],
    [
      'a named volume',
      { volumes: [{ kind: 'named', source: 'd', target: '/d', readOnly: false }] },
    ],
    ['a strict singleton', { singleton: 'strict' }],
  ])('is stop-first with %s', (_, more) => {
    const web = stage(2, { order: 'startFirst' }, more);
    web.deploy('b');
    expect(web.slots).toBe('b? a');
  });

  it('a port that the engine chooses is in nobody’s way', () => {
    const web = stage(1, { order: 'startFirst' }, { ports: [{ target: 80, protocol: 'tcp' }] });
    web.deploy('b');
    expect(web.slots).toBe('a b?');
  });
});

describe('failures', () => {
  it('the first one pauses it, and what has not been taken stays (U4)', () => {
    const web = stage(3);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    expect(web.slots).toBe('b a a');
    expect(web.record.rollout?.paused).toBe('shop.web.1 failed');
    web.wait(3_600_000);
    expect(web.slots).toBe('b a a');
  });

  it.each([
    [333_333, 'b b? a'],
    [333_334, 'b b? a'],
    [300_000, 'b a a'],
  ])('of three, one may fail with a share of %i millionths: %s (U4)', (failuresMaxPpm, slots) => {
    const web = stage(3, { failuresMaxPpm });
    web.broken.set(1, 'unhealthy');
    web.deploy('b');
    web.wait(0);
    expect(web.slots).toBe(failuresMaxPpm === 333_333 ? 'b a a' : slots);
  });

  it('`continue` goes on whatever fails (U4)', () => {
    const web = stage(2, { onFailure: 'continue' });
    web.fates.set('b', 'ends');
    web.deploy('b');
    for (let i = 0; i < 3; i++) web.wait(0);
    expect(web.slots).toBe('b b');
    expect(web.record.rollout).toBeUndefined();
  });

  it('what has failed counts by the policy as it is now (U4)', () => {
    const web = stage(3, { onFailure: 'continue' });
    web.broken.set(1, 'unhealthy');
    web.deploy('b');
    web.wait(0);
    expect(web.slots).toBe('b b? a');
    web.deploy('b', { update: { ...DEFAULT_UPDATE, onFailure: 'pause' } });
    expect(web.slots).toBe('b b? a');
    expect(web.record.rollout?.paused).toBe('1 of 3 have failed');
    const { length } = web.notes;
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b a');
    expect(web.notes).toHaveLength(length);
  });

  it('a long reason is cut, or its record could not be kept', () => {
    const web = stage(1);
    web.reason = 'x'.repeat(TEXT_MAX);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    expect(web.record.rollout?.paused).toMatch(/^shop\.web\.1 failed: x{100,200}…$/);
  });

  it.each([
    ['ends', 'b b a'],
    ['ends for good', 'b b b?'],
  ] as const)('after its trial the first %s: %s (U2)', (fate, slots) => {
    const web = stage(3);
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    web.broken.set(1, fate);
    web.wait(5000);
    expect(web.slots).toBe(slots);
  });

  it('a failure after its trial counts no more (U3)', () => {
    const web = stage(3);
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    web.broken.set(1, 'ends');
    web.wait(0);
    expect(web.record.rollout?.failed).toEqual([]);
    expect(web.record.rollout?.paused).toBeUndefined();
  });
});

it('another leader goes on from the record, and measures anew (U6)', () => {
  const web = stage(2);
  web.deploy('b');
  web.wait(0);
  web.wait(4000);
  web.succeed();
  expect(web.slots).toBe('b? a');
  web.wait(4000);
  expect(web.slots).toBe('b? a');
  web.wait(1000);
  expect(web.slots).toBe('b b?');
});

describe('a deploy during a rollout', () => {
  it('takes it from where it is (U1)', () => {
    const web = stage(3);
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('b b? a');
    web.deploy('c');
    expect(web.slots).toBe('c? b a');
    expect(web.record.rollout?.former.map((one) => one.spec.image)).toEqual(['a', 'b']);
  });

  it('of the revision before needs only those that have left it (U1)', () => {
    const web = stage(3);
    web.deploy('b');
    web.deploy('a');
    expect(web.slots).toBe('a? a a');
  });

  it('of the revision before takes no old instance for a new one (U3)', () => {
    const web = stage(2, { onFailure: 'rollback', parallelism: 0 });
    web.deploy('b');
    web.behind.set(2, 'a');
    web.deploy('a', { replicas: 1 });
    expect(web.record.rollout?.refused).toBeUndefined();
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('a');
    expect(web.notes.join()).not.toContain('failed');
  });

  it('begins anew where one was paused (U4)', () => {
    const web = stage(2);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.deploy('c');
    expect(web.record.rollout?.paused).toBeUndefined();
    expect(web.slots).toBe('c? a');
  });

  it('of more slots puts the new ones on trial, and of fewer removes them', () => {
    const web = stage(2);
    web.deploy('b', { replicas: 3 });
    expect(web.slots).toBe('b? a b?');
    web.deploy('b', { replicas: 1 });
    expect(web.slots).toBe('b?');
  });

  it('gives newcomers of a paused one what has not failed', () => {
    const web = stage(2);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.deploy('b', { replicas: 3 });
    expect(web.slots).toBe('b a a');
  });
});

const DATA = { kind: 'named', source: 'd', target: '/d', readOnly: false } as const;
it.each<[string, Partial<ComponentSpec>]>([
  ['another singleton', { singleton: 'strict' }],
  ['a first named volume', { volumes: [DATA] }],
])('%s comes to all at once (U7)', (_, changes) => {
  const web = stage(2);
  web.deploy('b', changes);
  expect(web.slots).toBe('b b');
  expect(web.record.rollout).toBeUndefined();
  web.deploy('a');
  expect(web.slots).toBe('a a');
});

it('another named volume comes like any change (U7)', () => {
  const web = stage(2, {}, { volumes: [DATA] });
  web.deploy('b', { volumes: [{ ...DATA, source: 'e' }] });
  expect(web.slots).toBe('b? a');
});

it('what is no matter of revisions a slot that waits has as it is wanted (U1)', () => {
  const web = stage(2, {}, { onHeal: 'keepOldest', stopGraceMs: millis(1) });
  web.deploy('b', { restart: { kind: 'no' }, onHeal: 'keepLeader', stopGraceMs: millis(2) });
  const [, waits] = web.record.slots;
  const made = specOf(web.record, waits ?? {});
  expect(made).toMatchObject({ image: 'a', restart: { kind: 'no' }, onHeal: 'keepLeader' });
  expect(made.stopGraceMs).toBe(2);
});

it('what only agents read changes at once', () => {
  const web = stage(2);
  web.deploy('a', { restart: { kind: 'no' } });
  expect(web.record.spec.restart.kind).toBe('no');
  expect(web.record.rollout).toBeUndefined();
});

it('of a record older than rollouts nothing equal is replaced', () => {
  const web = stage(2);
  web.forget();
  web.wait(0);
  expect(web.slots).toBe('a a');
  expect(web.record.revision).toBe(specDigest(web.version('a')));
  web.forget();
  web.deploy('b');
  expect(web.slots).toBe('b? a');
});
