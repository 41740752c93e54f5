/** The newest committed records that the healed hosts know together. */
import { stackKey } from '../../../protocol/base/ids.ts';
import { compareRevision, type Committed, type Stack } from '../../../protocol/record/record.ts';
import type { Calm } from './owed.ts';

/** The newest that any host of the core has of each record. */
export function newestRecords({ team }: Calm): ReadonlyMap<string, Committed> {
  const newest = new Map<string, Committed>();
  for (const { core } of team)
    for (const record of core.committed.byKey.values()) {
      const known = newest.get(record.key);
      if (known === undefined || compareRevision(record.revision, known.revision) > 0)
        newest.set(record.key, record);
    }
  return newest;
}

type NamedStack = { readonly name: string; readonly stack: Stack };

export function newestStacks(calm: Calm): readonly NamedStack[] {
  return [...newestRecords(calm).values()].flatMap(({ key, value }) =>
    value.kind === 'stack' ? [{ name: key.slice(stackKey('').length), stack: value }] : [],
  );
}
