/** Tombstones that say who depended on whom. */
import { expect, it } from 'vitest';
import { record, STACK, TOMBSTONE, verdict } from './examples.ts';

const WEB = { name: 'web', on: ['db'], graceMs: 10_000 };
const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => String(i).padStart(63, 'a'));

it.each([
  [TOMBSTONE, 'ok', 'as before there were any'],
  [{ ...TOMBSTONE, dependents: [WEB] }, 'ok', 'one'],
  [{ ...TOMBSTONE, dependents: [{ ...WEB, name: 'api' }, WEB] }, 'ok', 'two'],
  [
    { ...TOMBSTONE, dependents: [WEB, { ...WEB, name: 'api' }] },
    'inconsistent at record.value.dependents',
    'not in their order',
  ],
  [
    { ...TOMBSTONE, dependents: [WEB, WEB] },
    'inconsistent at record.value.dependents',
    'the same twice',
  ],
  [{ ...STACK, dependents: [WEB] }, 'inconsistent at record.value', 'of a stack that is there'],
  [
    { ...TOMBSTONE, dependents: names(150).map((name) => ({ ...WEB, name, on: names(150) })) },
    'inconsistent at record.value.dependents',
    'larger than a stack',
  ],
  [
    { ...TOMBSTONE, dependents: names(201).map((name) => ({ ...WEB, name })) },
    'too-large at record.value.dependents',
    'more than a stack has',
  ],
])('%#: %s', (value, wanted, _why) => {
  expect(verdict('push', { record: record('stack/shop', value) })).toBe(wanted);
});
