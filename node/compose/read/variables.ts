/** Where the variables of a file come from: the environment, then files of `KEY=value`. */
import { join, resolve } from 'node:path';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Path, Problem } from '../problems.ts';
import { parseDotenv, parseRaw } from './dotenv.ts';
import { readText } from './file.ts';
import { type Lookup, notSet } from './interpolate.ts';
import { problemAt, type Source, type Spot } from './tree.ts';

/** A file of variables, as problems call it and where it is. */
export type VariablesFile = {
  readonly file: string;
  readonly path: string;
  /** Where a file asks for it. */
  readonly asked?: { readonly at: Spot; readonly path: Path };
  /** A user has named it. With neither it need not be there. */
  readonly named?: boolean;
};

export function environmentLookup(env: Readonly<Record<string, string | undefined>>): Lookup {
  return (name) => (Object.hasOwn(env, name) ? env[name] : undefined);
}

/** The file `.env` of a folder; that there is none is fine. */
export function dotenvOf({ dir, shownDir }: Pick<Source, 'dir' | 'shownDir'>): VariablesFile {
  return { file: join(shownDir, '.env'), path: join(dir, '.env') };
}

/** Those that a user has named, from where the command is called, else `.env` of the folder. */
export const variablesFiles = (
  named: readonly string[] | undefined,
  place: Pick<Source, 'dir' | 'shownDir'>,
): readonly VariablesFile[] =>
  named?.map((file) => ({ file, path: resolve(file), named: true })) ?? [dotenvOf(place)];

export type Variables = {
  readonly lookup: Lookup;
  /** Of variables that the files ask for and nobody has set. */
  readonly warnings: readonly Problem[];
};

/** What `outer` has wins; a later file wins over an earlier one, and may ask for what that has. */
export function withVariables(
  outer: Lookup,
  files: readonly VariablesFile[],
): Result<Variables, Problem> {
  const values = new Map<string, string>();
  const lookup: Lookup = (name) => outer(name) ?? values.get(name);
  const warnings: Problem[] = [];
  for (const file of files) {
    const read = readVariables(file, lookup, 'quoted');
    if (!read.ok) return read;
    for (const [name, value] of read.value.values) values.set(name, value);
    warnings.push(...read.value.warnings);
  }
  return ok({ lookup, warnings });
}

/** `raw`: values are what stands behind the sign, quotes and dollars included. */
export type Format = 'quoted' | 'raw';

export type ReadVariables = Pick<Variables, 'warnings'> & {
  readonly values: ReadonlyMap<string, string>;
};

export function readVariables(
  { file, path, asked, named = false }: VariablesFile,
  outer: Lookup,
  format: Format,
): Result<ReadVariables, Problem> {
  const text = readText(path);
  if (!text.ok) {
    const { absent, message, ...rest } = text.error;
    if (absent && asked === undefined && !named) return ok({ values: new Map(), warnings: [] });
    if (asked === undefined) return fail({ file, line: 1, column: 1, path: '', message, ...rest });
    const next = 'mend the path; it starts at the folder of the file that names it';
    const complaint = { message: `${file}: ${message}`, next, ...rest };
    return fail(problemAt(asked.at, { path: asked.path, on: 'value', ...complaint }));
  }
  const read = format === 'raw' ? parseRaw(text.value) : parseDotenv(text.value, outer);
  const at = (line: number) => ({ file, line, column: 1, path: '' });
  if (!read.ok) return fail({ ...at(read.line), ...read.complaint });
  const { values, unset } = read;
  return ok({
    values,
    warnings: unset.map(({ name, line }) => ({ ...at(line), message: notSet(name) })),
  });
}
