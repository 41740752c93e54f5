/** What users say of a rollout, and what is remembered of former ones (U8, U9). */
import { describe, expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { DEFAULT_UPDATE } from '../../../protocol/component/update.ts';
import { HISTORY_MAX, STACK_CHARS_MAX } from '../../../protocol/limits.ts';
import { committed } from '../../../protocol/wire/record-schema.ts';
import { stage } from './stage.ts';

describe('a rollout that a user holds (U8)', () => {
  it('finishes what is on trial and takes no more until it is told to go on', () => {
    const web = stage(3);
    web.deploy('b');
    web.steer({ held: true });
    web.wait(5000);
    web.wait(60_000);
    expect(web.slots).toBe('b a a');
    web.succeed();
    expect(web.slots).toBe('b a a');
    web.steer({ resumed: 'x' });
    web.wait(0);
    expect(web.slots).toBe('b b? a');
  });

  it('gives new slots what they had before it', () => {
    const web = stage(2);
    web.deploy('b');
    web.steer({ held: true });
    web.deploy('b', { replicas: 3, steering: { held: true } });
    expect(web.slots).toBe('b? a a');
  });

  it('lets what stands in go', () => {
    const web = stage(2, { order: 'startFirst' });
    web.deploy('b');
    web.wait(0);
    expect(web.slots).toBe('a a b?');
    web.steer({ held: true });
    expect(web.slots).toBe('a a');
  });

  it('is paused, not taken back, when too many fail meanwhile', () => {
    const web = stage(3, { onFailure: 'rollback' });
    web.deploy('b');
    web.steer({ held: true });
    web.fates.set('b', 'ends');
    web.wait(0);
    expect(web.slots).toBe('b a a');
    expect(web.record.rollout?.paused).toBe('shop.web.1 failed');
  });

  it('begins anew with the next deploy of a file', () => {
    const web = stage(2);
    web.deploy('b');
    web.steer({ held: true });
    web.deploy('c');
    web.wait(0);
    expect(web.slots).toBe('c? a');
  });
});

describe('a word to go on (U8)', () => {
  it('ends a pause, and failures count anew', () => {
    const web = stage(3);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    expect(web.record.rollout).toMatchObject({ paused: 'shop.web.1 failed', failed: [1] });
    web.fates.delete('b');
    web.steer({ resumed: 'x' });
    expect(web.record.rollout?.paused).toBeUndefined();
    web.wait(0);
    expect(web.slots).toBe('b b? a');
  });

  it('counts only failures since, against what the policy allows', () => {
    const web = stage(4, { failuresMaxPpm: 250_000 });
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.wait(0);
    expect(web.record.rollout).toMatchObject({ paused: 'shop.web.2 failed', failed: [1, 2] });
    web.steer({ resumed: 'x' });
    expect(web.record.rollout?.forgiven).toBe(2);
    web.wait(0);
    web.wait(0);
    expect(web.record.rollout?.paused).toBe('shop.web.4 failed');
  });

  it('is heard once: what fails after it pauses again', () => {
    const web = stage(3);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.steer({ resumed: 'x' });
    web.wait(0);
    web.wait(0);
    expect(web.record.rollout?.paused).toBe('shop.web.2 failed');
    web.wait(60_000);
    web.succeed();
    expect(web.record.rollout?.paused).toBe('shop.web.2 failed');
    web.steer({ resumed: 'y' });
    expect(web.record.rollout?.paused).toBeUndefined();
  });

  it('lets what was taken back be tried again (U5)', () => {
    const web = stage(2, { onFailure: 'rollback' });
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.wait(5000);
    expect(web.slots).toBe('a a');
    web.fates.delete('b');
    web.steer({ resumed: 'x' });
    web.wait(0);
    expect(web.slots).toBe('b? a');
    expect(web.record.rollout?.refused).toBeUndefined();
  });

  it('has it tried again once (U5)', () => {
    const web = stage(2, { onFailure: 'rollback' });
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.finish();
    web.steer({ resumed: 'x' });
    expect(web.slots).toBe('b? a');
    web.wait(0);
    web.finish();
    expect(web.slots).toBe('a a');
    expect(web.record.rollout?.refused?.at).toBe('day 3');
  });

  it('lets a way back that is paused go on, and does not turn it round', () => {
    const web = stage(3, { onFailure: 'rollback', parallelism: 2 });
    web.fates.set('a', 'ends').set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.wait(0);
    expect(web.slots).toBe('a b a');
    expect(web.record.rollout?.paused).toBe('shop.web.1 failed');
    web.steer({ resumed: 'x' });
    expect(web.slots).toBe('a a? a');
    expect(web.record.rollout?.refused).toBeDefined();
  });

  it('lets a way back that was held go on', () => {
    const web = stage(3, { onFailure: 'rollback', parallelism: 2 });
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.steer({ held: true });
    web.wait(60_000);
    expect(web.slots).toBe('a b a');
    web.steer({ resumed: 'x' });
    expect(web.slots).toBe('a a? a');
  });
});

describe('a user puts a former spec back (U8)', () => {
  it('by the policy for the way back', () => {
    const rollback = { ...DEFAULT_UPDATE, parallelism: 0, monitorMs: millis(0) };
    const web = stage(3, { onFailure: 'rollback' }, { rollback });
    web.deploy('b');
    web.finish();
    expect(web.slots).toBe('b b b');
    web.undo();
    web.wait(0);
    expect(web.slots).toBe('a a a');
    expect(web.history).toBe('b undone, a');
  });

  it('and what fails on that way is not taken back in turn', () => {
    const web = stage(2, { onFailure: 'rollback' });
    web.deploy('b');
    web.finish();
    web.fates.set('a', 'ends');
    web.undo();
    web.wait(0);
    expect(web.record.rollout).toMatchObject({ paused: 'shop.web.1 failed' });
    expect(web.record.rollout?.refused).toBeUndefined();
  });

  it('and a later change goes by the policy for updates again', () => {
    const rollback = { ...DEFAULT_UPDATE, parallelism: 0 };
    const web = stage(2, {}, { rollback });
    web.deploy('b');
    web.finish();
    web.undo();
    web.finish();
    web.deploy('c', { steering: { undoes: web.record.history?.[0]?.revision ?? '' } });
    web.wait(0);
    expect(web.slots).toBe('c? a');
  });
});

describe('what is remembered of former revisions (U9)', () => {
  it('is what became of them', () => {
    const web = stage(1, { onFailure: 'rollback' });
    web.deploy('b');
    web.finish();
    web.fates.set('c', 'ends');
    web.deploy('c');
    web.wait(0);
    expect(web.history).toBe('a done, c takenBack, b');
    web.finish();
    web.deploy('d');
    web.deploy('e');
    expect(web.history).toBe('a done, c takenBack, b done, d overtaken, e');
    const [first, taken] = web.record.history ?? [];
    expect(first).toMatchObject({ since: { term: 1, seq: 1 }, at: 'day 1' });
    expect(taken?.why).toBe('shop.web.1 failed');
  });

  it('of one that stood still', () => {
    const web = stage(2);
    web.fates.set('b', 'ends');
    web.deploy('b');
    web.wait(0);
    web.deploy('c');
    expect(web.history).toBe('a done, b paused, c');
  });

  it('is of the newest, each once', () => {
    const web = stage(1);
    for (const image of 'bcdefghb') {
      web.deploy(image);
      web.finish();
    }
    expect(web.history).toBe('d done, e done, f done, g done, h done, b');
    expect(web.record.history).toHaveLength(HISTORY_MAX);
  });

  it('leaves out specs that do not fit, the oldest first, and slots come before it', () => {
    const LARGE = 'x'.repeat(50_000);
    const web = stage(2, {}, { environment: { LARGE } });
    for (const image of 'bcd') {
      web.deploy(image);
      web.finish();
    }
    expect(web.record.history?.map(({ spec }) => spec?.image)).toEqual([
      undefined,
      undefined,
      'c',
      undefined,
    ]);
    expect(JSON.stringify(web.record).length).toBeLessThan(STACK_CHARS_MAX + 2000);
    const record = { key: 'component/shop.web', revision: { term: 1, seq: 1 }, value: web.record };
    expect(committed(record)).toMatchObject({ ok: true });
  });

  it('of a record that has none begins with what it is', () => {
    const web = stage(1);
    web.forget();
    web.deploy('b');
    expect(web.history).toBe('a done, b');
  });
});
