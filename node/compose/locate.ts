/** Where a path of a Compose file is written. Aliases and merge keys (`<<`) are followed. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Path } from './problems.ts';

type Place = { readonly key: Node | undefined; readonly node: Node | undefined };

/** Of the nearest thing above, where the path itself is not written. */
export function offsetOf(document: Document.Parsed, path: Path, on: 'key' | 'value'): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const place = follow(document, path.slice(0, length));
    if (place === undefined) continue;
    // What is missing is told where its parent is named.
    const meant = on === 'value' && length === path.length && !isEmpty(place.node);
    const node = meant ? place.node : place.key;
    const start = (node ?? place.node ?? place.key)?.range?.[0];
    if (start !== undefined) return start;
  }
  return 0;
}

/** `ports:` with nothing behind it: there is no text to point at. */
function isEmpty(node: Node | undefined): boolean {
  return node?.range !== undefined && node.range?.[0] === node.range?.[1];
}

export function follow(document: Document.Parsed, path: Path): Place | undefined {
  let place: Place = { key: undefined, node: document.contents ?? undefined };
  for (const step of path) {
    const parent = unaliased(document, place.node);
    const found = isMap(parent)
      ? findPair(document, parent, String(step))
      : isSeq(parent)
        ? findItem(document, parent, step)
        : undefined;
    if (found === undefined) return undefined;
    place = found;
  }
  return place;
}

/** A list of names is also looked up by name. */
function findItem(
  document: Document.Parsed,
  { items }: YAMLSeq,
  step: string | number,
): Place | undefined {
  const item = items.find((candidate, index) => {
    const node = unaliased(document, candidate as Node);
    return index === step || (isScalar(node) && node.value === step && typeof step === 'string');
  });
  return item === undefined ? undefined : { key: undefined, node: item as Node };
}

/** A key of its own wins over merged ones; of those the first. */
function findPair(document: Document.Parsed, map: YAMLMap, key: string): Place | undefined {
  for (const pair of map.items) {
    if (isScalar(pair.key) && pair.key.value === key)
      return { key: pair.key, node: (pair.value as Node | null) ?? undefined };
  }
  for (const pair of map.items) {
    if (!isScalar(pair.key) || pair.key.value !== '<<') continue;
    for (const source of mergeSources(document, pair.value)) {
      const found = isMap(source) ? findPair(document, source, key) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

export function mergeSources(
  document: Document.Parsed,
  value: unknown,
): readonly (Node | undefined)[] {
  const node = unaliased(document, value as Node | undefined);
  if (isSeq(node)) return node.items.map((item) => unaliased(document, item as Node));
  return [node];
}

function unaliased(document: Document.Parsed, node: Node | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}
