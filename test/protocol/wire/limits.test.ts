import { describe, expect, it } from 'vitest';
import {
  COMPONENTS_MAX,
  DELTA_OPS_MAX,
  DEPLOY_IDS_MAX,
  ITEMS_MAX,
  MEMBERS_MAX,
  SLOTS_MAX,
  STACK_CHARS_MAX,
  TEXT_MAX,
} from '../../../protocol/limits.ts';
import {
  ASSIGNMENT,
  COMPONENT,
  keys,
  many,
  MEMBER,
  op,
  type Patch,
  promised,
  record,
  REPORT,
  REVISION,
  SPEC,
  type VALID,
  verdict,
} from './examples.ts';

describe('the limits of a message', () => {
  it.each<[string, keyof typeof VALID, number, (count: number) => Patch]>([
    [
      'items of a lease message',
      'prepare',
      ITEMS_MAX,
      (n) => ({ items: keys(n).map((key) => ({ key, ballot: 1 })) }),
    ],
    ['keys', 'open', ITEMS_MAX, (n) => ({ keys: keys(n) })],
    [
      'records asked for',
      'pull',
      ITEMS_MAX,
      (n) => ({ records: keys(n).map((key) => ({ key, revision: REVISION })) }),
    ],
    [
      'records of a page',
      'syncPage',
      ITEMS_MAX,
      (n) => ({ records: keys(n).map((key) => ({ key, ...promised(1, {}) })) }),
    ],
    [
      'ops of a delta',
      'inventoryDelta',
      DELTA_OPS_MAX,
      (n) => ({ ops: many(n, (i) => op(i + 5)) }),
    ],
    ['deploy ids', 'write', DEPLOY_IDS_MAX, (n) => ({ deployIds: many(n, (i) => `d${i}`) })],
    [
      'members',
      'welcome',
      MEMBERS_MAX,
      (n) => ({
        members: record('sys/roster', {
          kind: 'members',
          members: many(n, (i) => ({ ...MEMBER, id: `h${String(i).padStart(5, '0')}` })),
        }),
      }),
    ],
    [
      'components',
      'deploy',
      COMPONENTS_MAX,
      (n) => ({ spec: { ...SPEC, components: many(n, (i) => ({ ...COMPONENT, name: `c${i}` })) } }),
    ],
    [
      'slots',
      'push',
      SLOTS_MAX,
      (n) => ({
        record: record('component/shop.db', {
          ...ASSIGNMENT,
          slots: many(n, (slot) => ({ slot, host: 'h1' })),
        }),
      }),
    ],
    [
      'characters of a reason',
      'inventoryDelta',
      TEXT_MAX,
      (n) => ({
        ops: [
          { name: 'instance/shop.db/1', version: 5, entry: { ...REPORT, reason: 'x'.repeat(n) } },
        ],
      }),
    ],
  ])('takes the most %s there may be, and refuses one more', (_name, kind, max, patch) => {
    expect(verdict(kind, patch(max))).toBe('ok');
    expect(verdict(kind, patch(max + 1))).toMatch(/^too-large at /);
  });

  it.each([
    ['a', 1],
    ['é', 2],
    ['漢', 3],
    ['😀', 4],
  ])('counts a stack in bytes: of %s each is %i', (letter, bytes) => {
    const withValue = (value: string) => ({
      spec: { ...SPEC, components: [{ ...COMPONENT, environment: { V: value } }] },
    });
    const empty = JSON.stringify(withValue('').spec).length;
    const room = Math.floor((STACK_CHARS_MAX - empty) / bytes);
    expect(verdict('deploy', withValue(letter.repeat(room)))).toBe('ok');
    expect(verdict('deploy', withValue(letter.repeat(room + 1)))).toBe('inconsistent at spec');
  });
});
