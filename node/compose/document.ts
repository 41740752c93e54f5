/**
 * The text of a Compose file as plain values, with the way back from a value to its line.
 *
 * Aliases and merge keys (`<<`) are followed both ways: a problem in a shared block points at the
 * block, where it has to be mended.
 */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import { follow, mergeSources, offsetOf } from './locate.ts';
import { type Finding, type Path, type Problem, renderPath } from './problems.ts';

/** Larger files are refused unread. */
export const FILE_BYTES_MAX = 1 << 20;
/** Values once every alias is written out; a few lines of aliases can stand for billions. */
const VALUES_MAX = 100_000;
/** Uses of one alias, those inside others multiplied. */
const ALIAS_USES_MAX = 1_000;

const YAML = {
  merge: true,
  stringKeys: true,
  intAsBigInt: true,
  prettyErrors: false,
  // Anything quieter hides a second document.
  logLevel: 'error',
} as const;

export type ComposeDocument = {
  /** Calls `change` once for each text the file holds as a value. */
  readonly mapTexts: (change: (text: string, at: (finding: Finding) => Problem) => string) => void;
  /** The whole as plain values, after `mapTexts`. */
  readonly read: () => Outcome<unknown>;
  /** Where a path is written; the nearest thing above it if it is not. */
  readonly locate: (finding: Finding) => Problem;
  /** A number as it was typed: `1.10` where the value is 1.1. */
  readonly typed: (path: Path) => string | undefined;
};

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parseCompose(text: string, file: string): Outcome<ComposeDocument> {
  const lines = new LineCounter();
  const at = (offset: number, finding: Finding): Problem => {
    const { line, col } = lines.linePos(offset);
    const { path, on: _on, ...complaint } = finding;
    // An empty file has no line 1 to count from.
    const position = { line: Math.max(1, line), column: Math.max(1, col) };
    return { file, ...position, path: renderPath(path), ...complaint };
  };
  const refuse = (...complaints: readonly Positioned[]): Outcome<never> => {
    const problems = complaints.map(([offset, message]) =>
      at(offset, { path: [], on: 'value', message }),
    );
    return { ok: false, problems };
  };
  if (Buffer.byteLength(text) > FILE_BYTES_MAX)
    return refuse([0, `the file is too large, at most ${FILE_BYTES_MAX >> 20} MiB are read`]);
  const document = parseDocument(text, { ...YAML, lineCounter: lines });
  const complaints = [...syntaxComplaints(document), ...structureComplaints(document)];
  if (complaints.length > 0) return refuse(...complaints);
  const value: ComposeDocument = {
    mapTexts: (change) => {
      visitTexts(document, (scalar, path) => {
        const where = scalar.range?.[0] ?? 0;
        scalar.value = change(scalar.value, (finding) => at(where, { ...finding, path }));
      });
    },
    read: () => {
      const plain = readPlain(document);
      return plain.ok ? plain : refuse([0, plain.error]);
    },
    locate: (finding) => at(offsetOf(document, finding.path, finding.on), finding),
    typed: (path) => {
      const node = follow(document, path)?.node;
      return isScalar(node) ? node.source : undefined;
    },
  };
  return { ok: true, value };
}

type Positioned = readonly [offset: number, message: string];

function syntaxComplaints({ errors, warnings }: Document.Parsed): readonly Positioned[] {
  return [...errors, ...warnings].map(({ code, pos, message }) => {
    if (code === 'DUPLICATE_KEY') return [pos[0], 'the key is there twice'];
    if (code === 'TAB_AS_INDENT') return [pos[0], 'a tab indents; YAML takes spaces only'];
    if (code === 'MULTIPLE_DOCS') return [pos[0], 'a second document; a Compose file is one'];
    if (code === 'NON_STRING_KEY') return [pos[0], 'a key must be text'];
    if (code === 'RESOURCE_EXHAUSTION') return [pos[0], 'nested too deeply'];
    if (code === 'TAG_RESOLVE_FAILED') return [pos[0], `${message}; tags are not supported`];
    return [pos[0], message.replace(/\.$/, '')];
  });
}

/** What the parser leaves to whoever reads the values, and then tells without a position. */
function structureComplaints(document: Document.Parsed): readonly Positioned[] {
  const found: Positioned[] = [];
  if (document.errors.length > 0) return found;
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (target === undefined) found.push([offset, `the alias *${alias.source} has no anchor`]);
      else if (ancestors.includes(target))
        found.push([offset, `the alias *${alias.source} holds itself`]);
    },
    Pair(_, { key, value }) {
      if (!isScalar(key)) return;
      const offset = key.range?.[0] ?? 0;
      // An object with this key would get another prototype somewhere on the way.
      if (key.value === '__proto__') found.push([offset, 'the key __proto__ is not allowed']);
      if (key.value === '<<' && mergeSources(document, value).some((source) => !isMap(source)))
        found.push([offset, '<< merges mappings only']);
    },
  });
  return found;
}

/** Paths are those of the text: what an alias stands for has the path of its anchor. */
function visitTexts(
  document: Document.Parsed,
  change: (scalar: Scalar<string>, path: Path) => void,
): void {
  visit(document, {
    Scalar(key, scalar, ancestors) {
      if (key === 'key') return;
      if (typeof scalar.value === 'string')
        change(scalar as Scalar<string>, pathOf(ancestors, scalar));
      // Exact as long as it is exact; beyond that the digits themselves.
      else if (typeof scalar.value === 'bigint') {
        const number = Number(scalar.value);
        scalar.value = Number.isSafeInteger(number) ? number : String(scalar.value);
      }
    },
  });
}

function pathOf(ancestors: readonly (Node | Pair | Document)[], leaf: Node): Path {
  const path: (string | number)[] = [];
  const chain = [...ancestors, leaf];
  for (const [index, parent] of chain.entries()) {
    const child = chain[index + 1];
    if (isSeq(parent)) path.push(parent.items.indexOf(child));
    else if (isScalar((parent as Pair).key)) path.push(String((parent as Pair<Scalar>).key.value));
  }
  return path;
}

function readPlain(document: Document.Parsed): Result<unknown, string> {
  const tooMuch = `aliases make it over ${VALUES_MAX} values`;
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_USES_MAX });
    return countValues(value, new Map()) > VALUES_MAX ? fail(tooMuch) : ok(value);
  } catch (cause) {
    if (cause instanceof ReferenceError) return fail(tooMuch);
    return fail(cause instanceof Error ? cause.message : String(cause));
  }
}

/** What an alias stands for is one object in many places: counted once, added each time. */
function countValues(value: unknown, counted: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 1;
  const known = counted.get(value);
  if (known !== undefined) return known;
  let count = 1;
  for (const inner of Object.values(value)) count += countValues(inner, counted);
  counted.set(value, count);
  return count;
}
