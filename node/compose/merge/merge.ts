/** One tree over another, as Compose merges files, and a service over the one it extends. */
import type { Reader } from '../read/reader.ts';
import {
  childOf,
  type Entry,
  leaf,
  type Leaf,
  type List,
  type Mapping,
  mappingOf,
  plainOf,
  type Spot,
  type Tree,
} from '../read/tree.ts';
import { keyOf, mergesItems, type Rule, ruleOf } from './rules.ts';

type Merging = Pick<Reader, 'tell' | 'grow'>;

/** `path`: of both, which decides how they merge. What cannot be merged is told. */
export function mergeTrees(
  base: Tree,
  over: Tree,
  path: readonly string[],
  merging: Merging,
): Tree {
  // The mark stays: what is merged below later is taken away as well.
  if (over.tag !== undefined) return over;
  if (base.tag === 'reset') return { ...over, tag: 'override' };
  const merged = mergeByRule(base, over, path, merging);
  return base.tag === 'override' ? { ...merged, tag: 'override' } : merged;
}

function mergeByRule(base: Tree, over: Tree, path: readonly string[], merging: Merging): Tree {
  const rule = ruleOf(path);
  if (rule === 'replace') return over;
  if (isNothing(over)) return base;
  if (isNothing(base)) return over;
  const changed = rule === 'logging' && textAt(base, 'driver') !== textAt(over, 'driver');
  if (changed && textAt(base, 'driver') !== '' && textAt(over, 'driver') !== '') return over;
  const [below, above] = [inForm(base, rule), inForm(over, rule)];
  if (below.kind === 'mapping' && above.kind === 'mapping')
    return mergeMappings(below, above, { path, merging, whole: rule === 'names' });
  if (below.kind === 'list' && above.kind === 'list')
    return mergeLists(below, above, path, merging);
  if (below.kind === 'leaf' && above.kind === 'leaf') return above;
  // What an extension holds is nobody's business but its reader's; a limit is a number or a pair.
  if (path.some((step) => step.startsWith('x-')) || path.includes('ulimits')) return above;
  const { source, line } = base.at;
  merging.tell(over.at, path, {
    message: 'this cannot be merged',
    why: `it is ${NAMES[over.kind]} here and ${NAMES[base.kind]} in ${source.file}:${line}`,
    next: 'write both the same way, or !override before this one',
  });
  return over;
}

const NAMES = { mapping: 'a mapping', list: 'a list', leaf: 'a single value' } as const;

function isNothing(tree: Tree): boolean {
  return tree.kind === 'leaf' && tree.value === null;
}

function textAt(tree: Tree, key: string): string {
  const found = childOf(tree, key)?.value;
  return found?.kind === 'leaf' && found.value !== null ? String(found.value) : '';
}

type How = {
  readonly path: readonly string[];
  readonly merging: Merging;
  /** Values are replaced, also by none. */
  readonly whole: boolean;
};

function mergeMappings(base: Mapping, over: Mapping, { path, merging, whole }: How): Tree {
  if (!merging.grow(base.entries.size + over.entries.size, over.at)) return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    const value =
      below === undefined || whole
        ? entry.value
        : mergeTrees(below.value, entry.value, [...path, key], merging);
    // A problem of what was not overridden is told where it is written.
    entries.set(key, value === below?.value ? below : { key: entry.key, value });
  }
  return { ...base, at: over.at, entries };
}

function mergeLists(base: List, over: List, path: readonly string[], merging: Merging): Tree {
  if (!merging.grow(base.items.length + over.items.length, over.at)) return over;
  const key = keyOf(path);
  const items: Tree[] = [];
  const places = new Map<string, number>();
  for (const item of [...base.items, ...over.items]) {
    const name = key?.(plainOf(item));
    const place = name === undefined ? undefined : places.get(name);
    const below = place === undefined ? undefined : items[place];
    if (place !== undefined && below !== undefined)
      items[place] = mergesItems(path) ? mergeTrees(below, item, [...path, '#'], merging) : item;
    else {
      if (name !== undefined) places.set(name, items.length);
      items.push(item);
    }
  }
  return { ...base, at: over.at, items };
}

/** The one form of a key with several, so that both sides have it. */
function inForm(tree: Tree, rule: Rule | undefined): Tree {
  if (rule === 'names') return byName(tree);
  if (rule === 'texts') return asTexts(tree);
  if (rule === 'build' && tree.kind === 'leaf')
    return mappingOf(tree.at, [['context', { key: tree.at, value: tree }]]);
  if (rule !== 'services' && rule !== 'keys') return tree;
  const names = tree.kind === 'list' ? tree.items.filter(isText) : [];
  if (tree.kind !== 'list' || names.length < tree.items.length) return tree;
  return mappingOf(
    tree.at,
    names.map(({ value, at }): [string, Entry] => [
      String(value),
      { key: at, value: rule === 'keys' ? leaf(null, at) : STARTED(at) },
    ]),
  );
}

const STARTED = (at: Spot): Mapping =>
  mappingOf(at, [['condition', { key: at, value: leaf('service_started', at) }]]);

function byName(tree: Tree): Tree {
  const lines = tree.kind === 'list' ? tree.items.filter(isText) : [];
  if (tree.kind !== 'list' || lines.length < tree.items.length) return tree;
  return mappingOf(
    tree.at,
    lines.map(({ value, at }): [string, Entry] => {
      const line = String(value);
      const sign = line.indexOf('=');
      if (sign < 0) return [line, { key: at, value: leaf(null, at) }];
      return [line.slice(0, sign), { key: at, value: leaf(line.slice(sign + 1), at) }];
    }),
  );
}

function asTexts(tree: Tree): Tree {
  if (tree.kind === 'list') return tree;
  if (tree.kind === 'leaf') return { kind: 'list', at: tree.at, items: [tree] };
  const items = [...tree.entries].flatMap(([name, { value }]): readonly Tree[] => {
    const inner = value.kind === 'list' ? value.items : [value];
    return inner.map((one) => leaf(`${name}=${String(plainOf(one))}`, one.at));
  });
  return { kind: 'list', at: tree.at, items };
}

function isText(tree: Tree): tree is Leaf {
  return tree.kind === 'leaf' && typeof tree.value === 'string';
}

/** Without what `!reset` takes away. */
export function withoutResets(tree: Tree, known = new Map<Tree, Tree>()): Tree {
  if (tree.kind === 'leaf') return tree;
  const done = known.get(tree);
  if (done !== undefined) return done;
  const kept =
    tree.kind === 'list'
      ? { ...tree, items: tree.items.filter(stays).map((item) => withoutResets(item, known)) }
      : {
          ...tree,
          entries: new Map(
            [...tree.entries].flatMap(([key, entry]): [string, Entry][] =>
              stays(entry.value)
                ? [[key, { ...entry, value: withoutResets(entry.value, known) }]]
                : [],
            ),
          ),
        };
  known.set(tree, kept);
  return kept;
}

function stays({ tag }: Tree): boolean {
  return tag !== 'reset';
}
