/**
 * The text of a Compose file as a tree: YAML read, aliases and merge keys (`<<`) followed, variables
 * filled in. A problem in a shared block points at the block, where it has to be mended.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar as YamlScalar,
  type YAMLMap,
} from 'yaml';
import type { Complaint, Finding, Path, Problem } from '../problems.ts';
import { readNumber } from './number.ts';
import { DEPTH_MAX, scan, TOO_DEEP } from './scan.ts';
import {
  type Entry,
  type Leaf,
  problemAt,
  type Scalar,
  type Source,
  type Spot,
  type Tag,
  type Tree,
} from './tree.ts';

/** Values once every alias is written out; a few lines of aliases can stand for billions. */
export const VALUES_MAX = 100_000;

const YAML = {
  stringKeys: true,
  intAsBigInt: true,
  prettyErrors: false,
  // Found here, in linear time.
  uniqueKeys: false,
  // Anything quieter hides a second document.
  logLevel: 'error',
} as const;

export type Parsed =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What becomes of a text that the file holds as a value, once however often it is used. */
export type Fill = (text: string, at: (complaint: Complaint) => Problem) => string;

export function parseTree(text: string, source: Source, fill: Fill): Parsed {
  const lines = new LineCounter();
  const spotAt = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    // An empty file has no line 1 to count from.
    return { source, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = [];
  const tell = (offset: number, complaint: Complaint): void => {
    problems.push(problemAt(spotAt(offset), finding([], complaint)));
  };
  const broken = scan(text);
  if (broken !== undefined) {
    countLines(lines, text, broken[0]);
    tell(...broken);
    return { ok: false, problems };
  }
  const document = parseDocument(text, { ...YAML, lineCounter: lines });
  for (const [offset, complaint] of syntaxComplaints(document)) tell(offset, complaint);
  if (problems.length > 0) return { ok: false, problems };
  const growth = new Map<Tree, Growth>();
  const planting = { spotAt, tell, fill, anchors: new Map(), growth, known: new Map() };
  const start = spotAt(document.contents?.range?.[0] ?? 0);
  const tree = plant(planting, document.contents, start, []);
  const { values = 1, depth = 1 } = growth.get(tree) ?? {};
  if (values > VALUES_MAX) tell(0, TOO_MANY_VALUES);
  else if (depth > DEPTH_MAX) tell(0, TOO_DEEP);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, tree };
}

export const TOO_MANY_VALUES: Complaint = {
  message: `aliases make it over ${VALUES_MAX} values`,
  why: 'what an alias stands for counts wherever it stands',
  next: 'use fewer aliases, or split it into several stacks',
};

function finding(path: Path, complaint: Complaint): Finding {
  return { path, on: 'value', ...complaint };
}

function countLines(lines: LineCounter, text: string, end: number): void {
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1))
    lines.addNewLine(at + 1);
}

type Positioned = readonly [offset: number, complaint: Complaint];

function syntaxComplaints({ errors, warnings }: Document.Parsed): readonly Positioned[] {
  return [...errors, ...warnings].flatMap(({ code, pos, message }): Positioned[] => {
    const at = pos[0];
    if (code === 'TAB_AS_INDENT')
      return [[at, { message: 'a tab indents; YAML takes spaces only' }]];
    if (code === 'MULTIPLE_DOCS')
      return [[at, { message: 'a second document; a Compose file is one' }]];
    if (code === 'NON_STRING_KEY') return [[at, { message: 'a key must be text' }]];
    if (code === 'RESOURCE_EXHAUSTION') return [[at, TOO_DEEP]];
    if (code === 'TAG_RESOLVE_FAILED') {
      if (/^Unresolved tag: !(?:reset|override)$/.test(message)) return [];
      return [[at, { message, next: 'only !reset and !override are known' }]];
    }
    return [[at, { message: message.replace(/\.$/, '') }]];
  });
}

type Growth = { readonly values: number; readonly depth: number };

type Planting = {
  readonly spotAt: (offset: number) => Spot;
  readonly tell: (offset: number, complaint: Complaint) => void;
  readonly fill: Fill;
  /** By name the newest in the order of the text; while it is open an alias to it holds itself. */
  readonly anchors: Map<string, Node>;
  readonly known: Map<Node, Tree>;
  readonly growth: Map<Tree, Growth>;
};

/** Paths are those of the text: what an alias stands for has the path of its anchor. */
function plant(planting: Planting, node: unknown, parent: Spot, path: Path): Tree {
  if (isAlias(node)) return aliased(planting, node.source, node.range?.[0] ?? 0);
  if (!isScalar(node) && !isCollection(node)) return { kind: 'leaf', value: null, at: parent };
  if (node.anchor !== undefined) planting.anchors.set(node.anchor, node);
  const [start = 0, end = 0] = node.range ?? [];
  const at = start === end ? parent : planting.spotAt(start);
  const tag = tagOf(node);
  const written = { at, ...(tag !== undefined && { tag }) };
  let tree: Tree;
  if (isScalar(node)) tree = leafOf(planting, node, written, path);
  else if (isSeq(node)) {
    const items = node.items.map((item, index) => plant(planting, item, at, [...path, index]));
    tree = { kind: 'list', ...written, items };
  } else tree = { kind: 'mapping', ...written, entries: entriesOf(planting, node, path) };
  planting.known.set(node, tree);
  if (tree.kind !== 'leaf') planting.growth.set(tree, growthOf(planting, tree));
  return tree;
}

function aliased(planting: Planting, name: string, offset: number): Tree {
  const target = planting.anchors.get(name);
  const tree = target === undefined ? undefined : planting.known.get(target);
  if (tree !== undefined) return tree;
  const message = `the alias *${name} ${target === undefined ? 'has no anchor' : 'holds itself'}`;
  planting.tell(offset, { message });
  return { kind: 'leaf', value: null, at: planting.spotAt(offset) };
}

function tagOf({ tag }: Node): Tag | undefined {
  if (tag === '!reset') return 'reset';
  return tag === '!override' ? 'override' : undefined;
}

function leafOf(
  { spotAt, fill }: Planting,
  scalar: YamlScalar,
  written: Pick<Leaf, 'at' | 'tag'>,
  path: Path,
): Leaf {
  const value = scalarOf(numberIn(scalar) ?? scalar.value);
  const start = spotAt(scalar.range?.[0] ?? 0);
  const filled =
    typeof value === 'string'
      ? fill(value, (complaint) => problemAt(start, finding(path, complaint)))
      : value;
  const typed = typeof value === 'number' ? { typed: scalar.source ?? String(value) } : {};
  return { kind: 'leaf', value: filled, ...written, ...typed };
}

/** In quotes, or where a tag says so, it is text. */
const numberIn = ({ type, tag, source = '' }: YamlScalar): bigint | number | undefined =>
  type === 'PLAIN' && tag === undefined ? readNumber(source) : undefined;

/** A whole number is exact as long as it is exact; beyond that the digits themselves. */
function scalarOf(value: unknown): Scalar {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return null;
}

/** A key of its own wins over merged ones; of those the first. */
function entriesOf(planting: Planting, map: YAMLMap, path: Path) {
  const entries = new Map<string, Entry>();
  const merged = new Set<string>();
  for (const pair of map.items) {
    if (!isPair(pair)) continue;
    const key = isScalar(pair.key) ? pair.key : undefined;
    const offset = (pair.key as Node | undefined)?.range?.[0] ?? 0;
    if (key === undefined) {
      planting.tell(offset, { message: 'a key must be text' });
      continue;
    }
    const name = String(key.value);
    const spot = planting.spotAt(offset);
    if (isMergeKey(key)) {
      for (const [inner, entry] of mergedEntries(planting, pair, spot, path)) {
        if (entries.has(inner)) continue;
        entries.set(inner, entry);
        merged.add(inner);
      }
      continue;
    }
    // An object with this key would get another prototype somewhere on the way.
    if (name === '__proto__')
      planting.tell(offset, { message: 'the key __proto__ is not allowed' });
    else if (entries.has(name) && !merged.delete(name))
      planting.tell(offset, { message: 'the key is there twice' });
    const value = plant(planting, pair.value, spot, [...path, name]);
    entries.set(name, { key: spot, value });
  }
  return entries;
}

function isMergeKey({ value, type }: YamlScalar): boolean {
  return value === '<<' && (type === undefined || type === 'PLAIN');
}

function mergedEntries(planting: Planting, pair: Pair, spot: Spot, path: Path) {
  const tree = plant(planting, pair.value, spot, path);
  const sources = tree.kind === 'list' ? tree.items : [tree];
  return sources.flatMap((source) => {
    if (source.kind === 'mapping') return [...source.entries];
    planting.tell((pair.key as Node).range?.[0] ?? 0, { message: '<< merges mappings only' });
    return [];
  });
}

/** What an alias stands for is one tree in many places: grown once, added each time. */
function growthOf({ growth }: Planting, tree: Tree): Growth {
  const inner =
    tree.kind === 'mapping'
      ? [...tree.entries.values()].map(({ value }) => value)
      : tree.kind === 'list'
        ? tree.items
        : [];
  let values = 1;
  let depth = 0;
  for (const child of inner) {
    const grown = growth.get(child) ?? { values: 1, depth: 1 };
    values += grown.values;
    depth = Math.max(depth, grown.depth);
  }
  return { values, depth: depth + 1 };
}
