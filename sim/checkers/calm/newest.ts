/** The newest committed records that the healed hosts know together. */
import { type HostId, ROSTER_KEY, stackKey } from '../../../protocol/base/ids.ts';
import { compareRevision, type Committed, type Stack } from '../../../protocol/record/record.ts';
import { isWitness } from '../../options.ts';
import { type List, membersIn } from '../lists.ts';
import type { Calm, Participant } from './owed.ts';

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

export const newestList = (calm: Calm): List => membersIn(newestRecords(calm).get(ROSTER_KEY));

/** Members that are to leave. */
export function leaversOf(calm: Calm): readonly HostId[] {
  return [...newestList(calm).values()]
    .filter(({ leaving }) => leaving === true)
    .map(({ id }) => id);
}

/**
 * Healed hosts to which something can still be given: they do not leave, are neither cordoned nor drained,
 * and may run something.
 */
export function takersOf(calm: Calm): readonly Participant[] {
  const leavers = leaversOf(calm);
  const list = newestList(calm);
  const { options } = calm.world;
  return calm.team.filter(
    ({ host }) =>
      !leavers.includes(host.id) &&
      list.get(host.id)?.availability === undefined &&
      !isWitness(options, host.index),
  );
}
