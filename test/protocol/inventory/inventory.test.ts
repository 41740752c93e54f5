import { describe, expect, it } from 'vitest';
import { boot } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import {
  type Inventory,
  newInventory,
  opsAfter,
  put,
  take,
  tidy,
  TOMBSTONES_MAX,
} from '../../../protocol/inventory/inventory.ts';
import { ENTRIES_MAX } from '../../../protocol/limits.ts';
import { entry } from './spreading.ts';

const oldest = ({ entries, changes }: Inventory): number =>
  Math.min(...[...entries.keys()].map((name) => changes.get(name) ?? 0));
const tombstones = ({ entries, changes }: Inventory): number => changes.size - entries.size;

it('tells what changed after a version, in order of change, deletions too', () => {
  const own = newInventory(boot(1), instant(0));
  put(own, 'b', entry(1));
  put(own, 'a', entry(2));
  put(own, 'b', entry(3));
  put(own, 'a', undefined);
  expect(opsAfter(own, 0)).toEqual([
    { name: 'b', version: 3, entry: entry(3) },
    { name: 'a', version: 4 },
  ]);
  expect(opsAfter(own, 3)).toEqual([{ name: 'a', version: 4 }]);
  expect(opsAfter(own, 4)).toEqual([]);
});

it('takes nothing that is not newer (I1)', () => {
  const known = newInventory(boot(1), instant(0));
  take(known, { name: 'a', version: 3, entry: entry(3) });
  take(known, { name: 'a', version: 3, entry: entry(9) });
  take(known, { name: 'a', version: 1 });
  expect(known.entries.get('a')).toEqual(entry(3));
  expect(known.version).toBe(3);
});

it('bounds the names of another owner, whatever it sends', () => {
  const known = newInventory(boot(1), instant(0));
  for (let i = 1; i <= 2 * ENTRIES_MAX + 10; i++)
    take(known, { name: `n${i}`, version: i, entry: entry(i) });
  take(known, { name: 'n1', version: 3 * ENTRIES_MAX, entry: entry(0) });
  expect(known.changes.size).toBe(2 * ENTRIES_MAX);
  expect(known.entries.get('n1')).toEqual(entry(0));
});

describe('tombstones', () => {
  it('are bounded at the owner, and every live entry stays newer than what was forgotten (I3)', () => {
    const own = newInventory(boot(1), instant(0));
    put(own, 'kept', entry(1));
    for (let i = 0; i < 5 * TOMBSTONES_MAX; i++) {
      put(own, `n${i}`, entry(i));
      put(own, `n${i}`, undefined);
      expect(tombstones(own)).toBeLessThanOrEqual(TOMBSTONES_MAX);
      expect(oldest(own)).toBeGreaterThan(own.forgotten);
    }
    expect(own.forgotten).toBeGreaterThan(0);
    expect(own.entries.get('kept')).toEqual(entry(1));
  });

  it('are kept elsewhere while a live entry is older, then forgotten (I2, I3)', () => {
    const known = newInventory(boot(1), instant(0));
    take(known, { name: 'kept', version: 1, entry: entry(1) });
    for (let i = 2; i <= TOMBSTONES_MAX + 50; i++) take(known, { name: `n${i}`, version: i });
    tidy(known);
    expect(known.forgotten).toBe(0);
    expect(tombstones(known)).toBe(TOMBSTONES_MAX + 49);
    take(known, { name: 'kept', version: 2000, entry: entry(1) });
    tidy(known);
    expect(known.forgotten).toBe(TOMBSTONES_MAX + 50);
    expect([...known.changes.keys()]).toEqual(['kept']);
  });
});
