/**
 * Which slots a component had before its leader writes others. Both as they were written last and as
 * the leader knows them committed: what was written last may never have been committed, and a leader
 * that needs nobody else commits without a write that anybody hears.
 */
import type { Committed, Component, Slot } from '../../protocol/record/record.ts';
import type { Host } from '../host.ts';

/** The slots of each component and life of its stack as they were written last. */
export type Given = Map<string, readonly Slot[]>;

/** Remembers those that are written now. */
export function slotsBefore(
  given: Given,
  { agent }: Host,
  { key, value }: { readonly key: Committed['key']; readonly value: Component },
): readonly Slot[] {
  const name = `${key} ${value.life}`;
  const written = given.get(name) ?? [];
  given.set(name, value.slots);
  const base = agent?.core.writers.get(key)?.record?.value;
  return base?.kind === 'component' ? [...written, ...base.slots] : written;
}
