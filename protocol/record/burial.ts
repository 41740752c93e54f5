/**
 * The end of tombstones (R8). A destroyed stack is *buried* by the list of members: whoever learns that
 * list forgets the tombstone and all assignments before it, and takes none of them back
 * while the stack is on the list (`core/burial.ts` says when it comes and goes).
 */
import { componentOfKey, type Key, stackOf } from '../base/ids.ts';
import { type Burial, compareRevision, type RecordValue, type Revision } from './record.ts';

/** By the name of the stack. */
export type Burials = ReadonlyMap<string, Burial>;
export const NO_BURIALS: Burials = new Map();

export const burialsIn = (value: RecordValue | undefined): Burials =>
  value?.kind === 'members' && value.buried !== undefined
    ? new Map(value.buried.map((burial) => [burial.stack, burial]))
    : NO_BURIALS;

type Kept = { readonly revision?: Revision; readonly value?: RecordValue };

/** Whether this is the tombstone of a buried stack or older, or an assignment that serves such a one. */
export function isBuried(burials: Burials, key: Key, { revision, value }: Kept): boolean {
  if (burials.size === 0 || revision === undefined || value === undefined) return false;
  const component = componentOfKey(key);
  const burial = burials.get(
    component === undefined ? key.slice('stack/'.length) : stackOf(component),
  );
  if (burial === undefined) return false;
  const of = value.kind === 'component' ? value.stackRevision : revision;
  return value.kind !== 'members' && compareRevision(of, burial.revision) <= 0;
}
