/** Who is restarted after whom: what `depends_on` with `restart: true` asks for, in its order. */
import type { StackSpec } from '../../protocol/component/spec.ts';

/** `name` depends on `on` with `restart: true`; names without the stack's. */
export type Follower = { readonly name: string; readonly on: string };

/**
 * All that follow `first`, also through others, each after everything of them that it depends on;
 * equals in the order of the stack.
 */
export function followersOf({ components }: StackSpec, first: string): readonly Follower[] {
  const reached = new Map<string, string>([[first, '']]);
  // A Map gives what is added while it is read.
  for (const name of reached.keys())
    for (const { name: other, dependsOn } of components) {
      const follows = dependsOn.some(({ on, restart }) => restart && on === name);
      if (follows && !reached.has(other)) reached.set(other, name);
    }
  reached.delete(first);
  const left = new Set(components.filter(({ name }) => reached.has(name)));
  const order: Follower[] = [];
  while (left.size > 0) {
    const names = new Set([...left].map(({ name }) => name));
    const [any] = left;
    // There is no circle in what was deployed; if there were, it would begin anywhere.
    const next = [...left].find((one) => !one.dependsOn.some(({ on }) => names.has(on))) ?? any;
    if (next === undefined) break;
    left.delete(next);
    order.push({ name: next.name, on: reached.get(next.name) ?? first });
  }
  return order;
}
