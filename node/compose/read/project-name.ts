/** The variable COMPOSE_PROJECT_NAME, which Compose sets to the name of the stack where nobody else has. */
import { interpolate, type Lookup } from './interpolate.ts';
import { parseTree } from './parse.ts';
import { childOf, type Source } from './tree.ts';

const VARIABLE = 'COMPOSE_PROJECT_NAME';

export type Named = {
  /** What wins over the names in the files. */
  readonly name: string | undefined;
  /** In place of all of them. */
  readonly otherwise: string;
  readonly texts: readonly { readonly text: string; readonly source: Source }[];
};

/** Files are read for it only if one of them asks. */
export function withProjectName(outer: Lookup, named: Named): Lookup {
  let known = named.name;
  return (name) => {
    if (name !== VARIABLE) return outer(name);
    known ??= nameIn(named, outer) ?? named.otherwise;
    return known;
  };
}

/** Of the last file that has one. A name that needs itself has none. */
function nameIn({ texts }: Named, lookup: Lookup): string | undefined {
  for (const { text, source } of texts.toReversed()) {
    const parsed = parseTree(text, source, (written) => {
      const filled = interpolate(written, lookup);
      return filled.ok ? filled.value.text : written;
    });
    const found = parsed.ok ? childOf(parsed.tree, 'name')?.value : undefined;
    if (found?.kind === 'leaf' && typeof found.value === 'string') return found.value;
  }
  return undefined;
}
