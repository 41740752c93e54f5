/** Orders and hashes on which all hosts must agree: code units and integers only. */

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const NOTHING: readonly never[] = [];

/** The entries of a map in key order: the only way order may leak out of a `Map`. */
export function sorted<K extends string, V>(map: ReadonlyMap<K, V>): readonly (readonly [K, V])[] {
  if (map.size === 0) return NOTHING;
  const entries = [...map];
  let last: K | undefined;
  for (const [key] of entries) {
    // Called in every step, for tables that are small and often filled in order.
    if (last !== undefined && key < last) return entries.sort(([a], [b]) => compareText(a, b));
    last = key;
  }
  return entries;
}

/** 32-bit FNV-1a over UTF-16 code units, finished by murmur3's mixer. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Rendezvous order of `candidates` for `subject`: everyone computes the same, few move on a change. */
export function rendezvous<T extends string>(
  subject: string,
  candidates: Iterable<T>,
): readonly T[] {
  const scored = [...candidates].map((candidate) => ({
    candidate,
    score: hash(`${subject}\0${candidate}`),
  }));
  scored.sort((a, b) => b.score - a.score || compareText(a.candidate, b.candidate));
  return scored.map(({ candidate }) => candidate);
}
