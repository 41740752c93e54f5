/** Reads the files of one load, with what is wrong with them, within bounds that hold for all of them. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Complaint, Path, Problem } from '../problems.ts';
import { readText } from './file.ts';
import { interpolate, type Lookup, notSet } from './interpolate.ts';
import { parseTree, TOO_MANY_VALUES, VALUES_MAX } from './parse.ts';
import { problemAt, type Source, type Spot, type Tree } from './tree.ts';

/** Files that one load reads because others name them. */
const FILES_MAX = 100;
/** Characters of all texts once their variables are in. */
const TEXT_CHARS_MAX = 8 << 20;

export type Reader = {
  /** What problems call the files, in the order they were read. */
  readonly files: readonly string[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
  readonly tell: (spot: Spot, path: Path, complaint: Complaint) => void;
  /** `undefined` once its problems are told. */
  readonly parse: (text: string, source: Source) => Tree | undefined;
  /** A file that `asked` names; `undefined` once it is told why not. */
  readonly open: (asked: Asked, source: Source) => Tree | undefined;
  /** Counts values that come to be; false once they are too many, and that is told. */
  readonly grow: (values: number, spot: Spot) => boolean;
};

/** `full`: where the file is; `at` and `path`: where it is named. */
export type Asked = { readonly at: Spot; readonly path: Path; readonly full: string };

export function createReader(): Reader {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const files: string[] = [];
  let values = 0;
  const fill = createFill(problems, warnings);
  const tell = (spot: Spot, path: Path, complaint: Complaint): void => {
    problems.push(problemAt(spot, { path, on: 'value', ...complaint }));
  };
  const parse = (text: string, source: Source): Tree | undefined => {
    files.push(source.file);
    const parsed = parseTree(text, source, (written, at) => fill(source.lookup, written, at));
    if (parsed.ok) return parsed.tree;
    problems.push(...parsed.problems);
    return undefined;
  };
  const open = ({ at, path, full }: Asked, source: Source): Tree | undefined => {
    const text = files.length >= FILES_MAX ? TOO_MANY_FILES : readText(full);
    if (text.ok) return parse(text.value, source);
    const { message, why, next } = text.error;
    tell(at, path, {
      message: `${source.file}: ${message}`,
      ...(why !== undefined && { why }),
      next: next ?? 'mend the path; it starts at the folder of the file that names it',
    });
    return undefined;
  };
  const grow = (count: number, spot: Spot): boolean => {
    const before = values;
    values += count;
    if (values > VALUES_MAX && before <= VALUES_MAX) tell(spot, [], TOO_MANY_VALUES);
    return values <= VALUES_MAX;
  };
  return { files, problems, warnings, tell, parse, open, grow };
}

type At = (complaint: Complaint) => Problem;

/** Fills in variables. Each without a value is told once, where it is used first. */
function createFill(problems: Problem[], warnings: Problem[]) {
  const unset = new Set<string>();
  let chars = 0;
  return (lookup: Lookup, text: string, at: At): string => {
    const filled = interpolate(text, lookup);
    if (!filled.ok) {
      problems.push(at(filled.error));
      return text;
    }
    for (const name of filled.value.unset) {
      if (unset.has(name)) continue;
      unset.add(name);
      warnings.push(at({ message: notSet(name) }));
    }
    const before = chars;
    chars += filled.value.text.length;
    if (chars <= TEXT_CHARS_MAX) return filled.value.text;
    if (before <= TEXT_CHARS_MAX) problems.push(at(TOO_MUCH_TEXT));
    return '';
  };
}

const TOO_MUCH_TEXT: Complaint = {
  message: 'variables make it too large',
  why: `over ${TEXT_CHARS_MAX >> 20} MiB of text once they are in`,
  next: 'use shorter values, or use them less often',
};
const TOO_MANY_FILES = {
  ok: false,
  error: {
    message: 'too many files',
    why: `at most ${FILES_MAX} are read for one stack`,
    next: 'split it into several stacks',
  } as Complaint,
} as const;

/** The source of a file that one of `from` names. */
export function sourceBeside(from: Source, file: string): Source {
  const shown = shownPath(from, file);
  const dir = dirname(fullPath(from, file));
  return { file: shown, dir, shownDir: dirname(shown), lookup: from.lookup };
}

export function shownPath(from: Source, file: string): string {
  const path = fromHome(from, file);
  return isAbsolute(path) ? path : join(from.shownDir, path);
}

/** Where a path leads that is written in `from`. */
export function fullPath(from: Source, file: string): string {
  return resolve(from.dir, fromHome(from, file));
}

/** `~` is the home folder of whoever calls; a name like any other where nobody says which. */
function fromHome({ lookup }: Source, file: string): string {
  const home = /^~(?:\/|$)/.test(file) ? (lookup('HOME') ?? '') : '';
  return isAbsolute(home) ? join(home, file.slice(1)) : file;
}
