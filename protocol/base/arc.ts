/**
 * Digests of tables too long for one message. A digest lists (key, version) in key order; one of `max`
 * items or more speaks only for the arc of keys from its first to its last, which may wrap past the end.
 * Successive arcs meet in one key, so that in time every key is spoken for, known or not.
 */
import type { HostId, Key } from './ids.ts';

/**
 * The next `max` of `all`, in key order from `from` on; all of them if they are fewer than `max`. Where
 * `from` is not among them the arc begins with the key before it, and so speaks for it as well.
 */
export function nextArc<K extends HostId | Key, T>(
  all: readonly T[],
  max: number,
  keyOf: (item: T) => K,
  from: K | undefined,
): readonly T[] {
  if (all.length < max) return all;
  const found = from === undefined ? 0 : all.findLastIndex((item) => keyOf(item) <= from);
  const start = found === -1 ? all.length - 1 : found;
  return [...all.slice(start), ...all.slice(0, start)].slice(0, max);
}

/** Whether a digest of so many `keys` would have listed `key`, had its sender known of it. */
export function speaksFor<K extends HostId | Key>(
  keys: readonly K[],
  max: number,
  key: K,
): boolean {
  const first = keys[0];
  const last = keys.at(-1);
  if (first === undefined || last === undefined || keys.length < max) return true;
  return first <= last ? key >= first && key <= last : key >= first || key <= last;
}
