/**
 * A Compose file as values that know where they were written, so that files can be merged and a
 * problem in the result still points at its line.
 *
 * Trees are never changed: what an alias stands for is one tree in many places.
 */
import type { Lookup } from './interpolate.ts';
import { type Finding, type Path, type Problem, renderPath } from '../problems.ts';

/** A file, or what is read in its place. */
export type Source = {
  /** What problems call it. */
  readonly file: string;
  /** Absolute; its relative paths start here. */
  readonly dir: string;
  /** What problems call that folder. */
  readonly shownDir: string;
  /** Its variables. */
  readonly lookup: Lookup;
};

/** Line and column from 1, the column in UTF-16 units as editors count. */
export type Spot = { readonly source: Source; readonly line: number; readonly column: number };

/** `reset`: takes away what it is merged onto. `override`: takes its place. */
export type Tag = 'reset' | 'override';

export type Tree = Mapping | List | Leaf;

export type Mapping = Written & {
  readonly kind: 'mapping';
  readonly entries: ReadonlyMap<string, Entry>;
};
/** `key`: where the key is written. */
export type Entry = { readonly key: Spot; readonly value: Tree };
export type List = Written & { readonly kind: 'list'; readonly items: readonly Tree[] };
export type Leaf = Written & {
  readonly kind: 'leaf';
  readonly value: Scalar;
  /** A number as it was typed: `1.10` where the value is 1.1. */
  readonly typed?: string;
};
export type Scalar = string | number | boolean | null;

/** `at`: of a value that is not there (`ports:`) the key. */
type Written = { readonly at: Spot; readonly tag?: Tag };

export function leaf(value: Scalar, at: Spot): Leaf {
  return { kind: 'leaf', value, at };
}

export function mappingOf(at: Spot, entries: Iterable<readonly [string, Entry]>): Mapping {
  return { kind: 'mapping', at, entries: new Map(entries) };
}

/** The mapping at `key`; `undefined` where there is none. */
export function mappingAt(tree: Tree | undefined, ...path: readonly string[]): Mapping | undefined {
  const found = path.reduce((inner, key) => childOf(inner, key)?.value, tree);
  return found?.kind === 'mapping' ? found : undefined;
}

export function childOf(tree: Tree | undefined, key: string): Entry | undefined {
  return tree?.kind === 'mapping' ? tree.entries.get(key) : undefined;
}

/** With `value` at `key`, or without the key. */
export function withKey(tree: Mapping, key: string, value: Entry | undefined): Mapping {
  const entries = new Map(tree.entries);
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  return { ...tree, entries };
}

/** The plain value. What many places share is shared in it as well. */
export function plainOf(tree: Tree, made = new Map<Tree, unknown>()): unknown {
  if (tree.kind === 'leaf') return tree.value;
  const known = made.get(tree);
  if (known !== undefined) return known;
  const value =
    tree.kind === 'list'
      ? tree.items.map((item) => plainOf(item, made))
      : Object.fromEntries(
          [...tree.entries].map(([key, { value: inner }]) => [key, plainOf(inner, made)]),
        );
  made.set(tree, value);
  return value;
}

/** Where it is written; the nearest thing above it if it is not. */
export function locate(tree: Tree, finding: Finding): Problem {
  const { path, on } = finding;
  for (let length = path.length; length > 0; length -= 1) {
    const entry = follow(tree, path.slice(0, length));
    if (entry === undefined) continue;
    return problemAt(
      on === 'value' && length === path.length ? entry.value.at : entry.key,
      finding,
    );
  }
  return problemAt(tree.at, finding);
}

export function problemAt(spot: Spot, finding: Finding): Problem {
  const { path, on: _on, ...complaint } = finding;
  const { source, line, column } = spot;
  return { file: source.file, line, column, path: renderPath(path), ...complaint };
}

export function follow(tree: Tree, path: Path): Entry | undefined {
  let entry: Entry = { key: tree.at, value: tree };
  for (const step of path) {
    const found = stepInto(entry.value, step);
    if (found === undefined) return undefined;
    entry = found;
  }
  return entry;
}

/** A list of names is also looked up by name. */
function stepInto(tree: Tree, step: string | number): Entry | undefined {
  if (tree.kind === 'mapping') return tree.entries.get(String(step));
  if (tree.kind === 'leaf') return undefined;
  const item =
    typeof step === 'number'
      ? tree.items[step]
      : tree.items.find((candidate) => candidate.kind === 'leaf' && candidate.value === step);
  return item === undefined ? undefined : { key: item.at, value: item };
}
