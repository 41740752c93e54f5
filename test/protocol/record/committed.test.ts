import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { key, term } from '../../../protocol/base/ids.ts';
import { RECORDS_MAX } from '../../../protocol/limits.ts';
import {
  allCommitted,
  committedOf,
  type CommittedRecords,
  createCommitted,
  DIGEST_RECORDS_MAX,
  mergeCommitted,
  newerThan,
  nextDigest,
  recordsHash,
} from '../../../protocol/record/committed.ts';
import { type Committed, showRevision } from '../../../protocol/record/record.ts';

const record = (name: string, t: number, seq: number): Committed => ({
  key: key(name),
  revision: { term: term(t), seq },
  value: { kind: 'stack', life: t, since: { term: term(t), seq: 0 } },
});
const show = (records: CommittedRecords): readonly string[] =>
  allCommitted(records).map(({ key: name, revision }) => `${name} ${showRevision(revision)}`);

it.each([
  ['2.1', '2.2', true, 'a later write of the same leader'],
  ['2.9', '3.0', true, 'the next leader writes it again'],
  ['2.1', '2.1', false, 'the same revision changes nothing'],
  ['3.0', '2.9', false, 'a former leader is late'],
  ['2.2', '2.1', false, 'an earlier write is late'],
])('of %s, being told %s is news: %s (%s)', (had, told, isNews) => {
  const of = (text: string): Committed => {
    const [t, seq] = text.split('.').map(Number);
    return record('stack/s', t ?? 0, seq ?? 0);
  };
  const records = createCommitted([of(had)]);
  const before = records.version;
  expect(mergeCommitted(records, of(told))).toBe(isNews);
  expect(records.version > before).toBe(isNews);
  expect(committedOf(records, key('stack/s'))).toEqual(of(isNews ? told : had));
});

it('begins with what was on disk, in key order', () => {
  const records = createCommitted([record('b', 1, 0), record('a', 1, 0), record('a', 2, 0)]);
  expect(show(records)).toEqual(['a 2.0', 'b 1.0']);
});

it('refuses a new key beyond the most, but takes a newer revision of a known one', () => {
  const many = Array.from({ length: RECORDS_MAX }, (_, i) => record(`stack/${i}`, 1, 0));
  const records = createCommitted(many);
  expect(mergeCommitted(records, record('stack/one-more', 1, 0))).toBe(false);
  expect(mergeCommitted(records, record('stack/7', 2, 0))).toBe(true);
});

it('has one hash for the same records, whatever the order they came in, and another for others', () => {
  const all = [record('a', 1, 0), record('b', 2, 3), record('c', 1, 1)];
  const sum = recordsHash(createCommitted(all));
  expect(recordsHash(createCommitted([...all].reverse()))).toBe(sum);
  expect(recordsHash(createCommitted(all.slice(1)))).not.toBe(sum);
  expect(recordsHash(createCommitted([...all, record('c', 1, 2)]))).not.toBe(sum);
  const swapped = [record('a', 2, 3), record('b', 1, 0), record('c', 1, 1)];
  expect(recordsHash(createCommitted(swapped))).not.toBe(sum);
});

describe('anti-entropy', () => {
  it('answers a digest with what is newer or missing, in key order', () => {
    const here = createCommitted([
      record('a', 1, 0),
      record('b', 2, 0),
      record('c', 1, 0),
      record('d', 1, 0),
    ]);
    const there = createCommitted([record('a', 1, 0), record('b', 1, 5), record('d', 3, 0)]);
    expect(newerThan(here, nextDigest(there)).map(({ key: name }) => name)).toEqual(['b', 'c']);
    expect(newerThan(there, nextDigest(here)).map(({ key: name }) => name)).toEqual(['d']);
  });

  it('takes an arc of keys for what it speaks for, wrapped past the end or not', () => {
    const names = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `k${String(from + i).padStart(5, '0')}`);
    const here = createCommitted(names(0, 900).map((name) => record(name, 1, 0)));
    const digest = (list: readonly string[]) => list.map((name) => record(name, 1, 0));
    const straight = names(100, 600).filter((name) => name !== 'k00300');
    const full = [...straight, 'k00600'];
    expect(full.length).toBe(DIGEST_RECORDS_MAX);
    expect(newerThan(here, digest(full)).map(({ key: name }) => name)).toEqual(['k00300']);
    const wrapped = [...names(700, 900), ...names(0, 301)].filter((name) => name !== 'k00010');
    expect(wrapped.length).toBe(DIGEST_RECORDS_MAX);
    expect(newerThan(here, digest(wrapped)).map(({ key: name }) => name)).toEqual(['k00010']);
  });

  it('brings any two hosts together, however many records they have', () => {
    const count = fc.integer({ min: 0, max: 1700 });
    const skip = fc.integer({ min: 2, max: 9 });
    fc.assert(
      fc.property(count, skip, skip, (total, here, there) => {
        const make = (every: number, t: number) =>
          createCommitted(
            Array.from({ length: total }, (_, i) => record(`stack/${i}`, t + (i % 3), i)).filter(
              (_, i) => i % every !== 0,
            ),
          );
        const [a, b] = [make(here, 1), make(there, 2)];
        // A cut answer brings the first few; a round on each side per arc, and some to spare.
        for (let round = 0; round < 80; round++)
          for (const [from, to] of [
            [a, b],
            [b, a],
          ] as const)
            for (const each of newerThan(from, nextDigest(to)).slice(0, 100))
              mergeCommitted(to, each);
        expect(show(a)).toEqual(show(b));
      }),
      { numRuns: 15 },
    );
  });
});
