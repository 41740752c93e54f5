/** Circles in what names lead to: who waits for whom, who follows whom. */

/** By name, the names it leads to; of others nothing is known. */
export type Edges = ReadonlyMap<string, readonly string[]>;

/**
 * The first circle in the order of the names, its first name again at the end; empty if there is none.
 * `leave`: told of each name after all that it leads to.
 */
export function circleIn(edges: Edges, leave?: (name: string) => void): readonly string[] {
  const cleared = new Set<string>();
  const walk = (name: string, trail: readonly string[]): readonly string[] => {
    const seen = trail.indexOf(name);
    if (seen >= 0) return [...trail.slice(seen), name];
    if (cleared.has(name)) return [];
    for (const next of edges.get(name) ?? []) {
      const circle = walk(next, [...trail, name]);
      if (circle.length > 0) return circle;
    }
    cleared.add(name);
    leave?.(name);
    return [];
  };
  for (const name of edges.keys()) {
    const circle = walk(name, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
