/** What the records name of what is built here: by the hashes of the bundles. */
import { stackOf } from '../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { allCommitted, type CommittedRecords } from '../../protocol/record/committed.ts';
import { hashOf } from './recipe.ts';

/** By what is deployed, and by what `rollout undo` may go back to. */
export type Named = {
  readonly deployed: ReadonlySet<string>;
  readonly former: ReadonlySet<string>;
};

/** As the records are whenever it is asked; they are read again only where they have changed. */
export function namedBy(committed: CommittedRecords): () => Named {
  let read = { version: -1, named: { deployed: new Set(), former: new Set() } as Named };
  return () => {
    const { version } = committed;
    if (read.version !== version) read = { version, named: namedIn(committed) };
    return read.named;
  };
}

function namedIn(committed: CommittedRecords): Named {
  const deployed = new Set<string>();
  const former = new Set<string>();
  const note = (into: Set<string>, { image = '' }: ComponentSpec): void => {
    const hash = hashOf(image);
    if (hash !== undefined) into.add(hash);
  };
  const stacks = new Set<string>();
  for (const { value } of allCommitted(committed)) {
    if (value.kind !== 'stack' || value.spec === undefined) continue;
    stacks.add(value.spec.name);
    for (const spec of value.spec.components) note(deployed, spec);
  }
  for (const { value } of allCommitted(committed)) {
    // What a stack that was destroyed had is remembered for a while.
    if (value.kind !== 'component' || !stacks.has(stackOf(value.component))) continue;
    note(deployed, value.spec);
    for (const { spec } of value.rollout?.former ?? []) note(deployed, spec);
    for (const { spec } of value.history ?? []) if (spec !== undefined) note(former, spec);
  }
  return { deployed, former };
}
