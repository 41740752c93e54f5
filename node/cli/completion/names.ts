/** What of a cluster a word may name, as short as it names only one. */
import type { ClusterView } from '../../../protocol/view/view.ts';
import type { SubjectKind } from '../subject.ts';

/** Whatever a shell might take for more than a name: a host may be called anything, by its own users. */
const PLAIN = /^[\w.-]+$/;

/** Sorted, each once, and no more than a shell can safely take. Of a name that two stacks have only the whole one is offered. */
export function namesOf(view: ClusterView, kinds: readonly SubjectKind[]): readonly string[] {
  const components = view.stacks.flatMap((stack) => stack.components);
  const known: Readonly<Record<SubjectKind, readonly string[]>> = {
    stack: view.stacks.map(({ name }) => name),
    component: shortened(components.map(({ id }) => id)),
    instance: shortened(
      components.flatMap(({ id, slots }) => slots.map(({ slot }) => `${id}.${slot}`)),
    ),
    host: view.hosts.map(({ name }) => name),
  };
  const wanted = kinds.flatMap((kind) => known[kind]).filter((name) => PLAIN.test(name));
  return [...new Set(wanted)].sort();
}

/** `web` for `shop.web`, and `shop.web` too. */
function shortened(ids: readonly string[]): readonly string[] {
  const shorts = ids.map((id) => id.slice(id.indexOf('.') + 1));
  const only = shorts.filter((short) => shorts.indexOf(short) === shorts.lastIndexOf(short));
  return [...ids, ...only];
}
