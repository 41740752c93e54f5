/**
 * The files of a build, as they are on the machine of the user: a list in the order of their names that
 * says all of an image that the builder may see of them.
 *
 * Nobody's clock, account or file system shows: times, owners and the order in a folder are left out, so
 * that the same files are the same context wherever they lie.
 */
import { type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix, relative, resolve, sep } from 'node:path';
import { type Ignore, readIgnore } from './ignore.ts';

export const CONTEXT_BYTES_MAX = 256 * 1024 * 1024;
const ENTRIES_MAX = 100_000;
const IGNORE_FILE = '.dockerignore';
/** In the context, of a Dockerfile that is not. */
const OUTSIDE = '.millrace.dockerfile';

/** `path`: relative, with slashes. `mode`: permission bits. */
export type Entry = { readonly path: string; readonly mode: number } & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'file'; readonly size: number; readonly source: string | Buffer }
);

export type Context = {
  /** Where the Dockerfile is in it. */
  readonly dockerfile: string;
  readonly entries: readonly Entry[];
};

/** `file`: absolute, or relative to the context. */
export type Dockerfile =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'inline'; readonly text: string };

/** A context that cannot be built from: what, why, what next. */
export class ContextError extends Error {
  override readonly name = 'ContextError';
  readonly why: string;
  readonly next: string;
  constructor(what: string, why: string, next: string) {
    super(what);
    this.why = why;
    this.next = next;
  }
}

/** Throws a `ContextError`. */
export async function readContext(folder: string, dockerfile: Dockerfile): Promise<Context> {
  await requireFolder(folder);
  const own = dockerfile.kind === 'file' ? placeIn(folder, dockerfile.file) : undefined;
  const text = own === undefined ? await outsideText(folder, dockerfile) : undefined;
  if (own !== undefined) await requireFile(join(folder, own), own);
  const ignoring = await ignoreOf(folder, dockerfile);
  const forced = new Set([IGNORE_FILE, ...(own === undefined ? [] : [own])]);
  const entries = await entriesOf(folder, ignoring.ignore, forced);
  if (own !== undefined) return { dockerfile: own, entries };
  const added = [file(OUTSIDE, text ?? ''), file(IGNORE_FILE, listOf(ignoring))];
  const others = entries.filter(({ path }) => !added.some((one) => one.path === path));
  return { dockerfile: OUTSIDE, entries: [...others, ...added].toSorted(byPath) };
}

/** The builder takes out what is ignored of the two that are added, so that no COPY finds them. */
function listOf({ ignore, whole }: Ignoring): string {
  const hidesItself = whole === undefined || ignore.ignores(IGNORE_FILE);
  return [
    ...(whole === undefined ? [] : [whole]),
    ...(hidesItself ? [IGNORE_FILE] : []),
    OUTSIDE,
    '',
  ].join('\n');
}

const file = (path: string, text: string): Entry => {
  const source = Buffer.from(text);
  return { kind: 'file', path, mode: 0o644, size: source.length, source };
};

/** Undefined: it is not in the context. */
function placeIn(folder: string, named: string): string | undefined {
  const place = relative(folder, resolve(folder, named)).split(sep).join('/');
  return place === '..' || place.startsWith('../') ? undefined : place;
}

async function outsideText(folder: string, dockerfile: Dockerfile): Promise<string> {
  if (dockerfile.kind === 'inline') return dockerfile.text;
  const path = resolve(folder, dockerfile.file);
  await requireFile(path, dockerfile.file);
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(dockerfile.file, error);
  });
}

/** `whole`: what is written in that of the context. */
type Ignoring = { readonly ignore: Ignore; readonly whole: string | undefined };

/** One beside the Dockerfile, named after it, is asked before that of the context. */
async function ignoreOf(folder: string, dockerfile: Dockerfile): Promise<Ignoring> {
  const whole = await textOf(join(folder, IGNORE_FILE));
  const beside =
    dockerfile.kind === 'file' ? `${resolve(folder, dockerfile.file)}${IGNORE_FILE}` : undefined;
  const special = beside === undefined ? undefined : await textOf(beside);
  try {
    return { ignore: readIgnore(special ?? whole ?? ''), whole };
  } catch (error) {
    throw new ContextError(
      `${special === undefined ? join(folder, IGNORE_FILE) : beside} cannot be read`,
      error instanceof Error ? error.message : String(error),
      'correct that line: docs/compose.md says what patterns are',
    );
  }
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  });
}

async function entriesOf(
  folder: string,
  ignore: Ignore,
  forced: ReadonlySet<string>,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let bytes = 0;

  function take(entry: Entry): void {
    if (found.length >= ENTRIES_MAX) throw tooMuch(`more than ${ENTRIES_MAX} files`, folder);
    bytes += entry.kind === 'file' ? entry.size : 0;
    if (bytes > CONTEXT_BYTES_MAX)
      throw tooMuch(`more than ${CONTEXT_BYTES_MAX / 1024 / 1024} MiB of files`, folder);
    found.push(entry);
  }

  /** What is in an ignored folder may be wanted nevertheless; then the folder is there, too. */
  async function walk(place: string): Promise<void> {
    const names = await readdir(join(folder, place)).catch((error: unknown) => {
      throw unreadable(join(folder, place), error);
    });
    for (const name of names) {
      const path = posix.join(place, name);
      const stats = await lstat(join(folder, path));
      const isIgnored = !forced.has(path) && ignore.ignores(path);
      if (!stats.isDirectory()) {
        if (!isIgnored) take(await entryOf(folder, path, stats));
        continue;
      }
      if (!isIgnored) take({ kind: 'folder', path, mode: modeOf(stats) });
      else if (!ignore.takesBack && ![...forced].some((one) => one.startsWith(`${path}/`)))
        continue;
      const before = found.length;
      await walk(path);
      if (isIgnored && found.length > before) take({ kind: 'folder', path, mode: modeOf(stats) });
    }
  }

  await walk('');
  return found.toSorted(byPath);
}

async function entryOf(folder: string, path: string, stats: Stats): Promise<Entry> {
  const source = join(folder, path);
  if (stats.isSymbolicLink())
    return { kind: 'link', path, mode: 0o777, target: await readlink(source) };
  if (stats.isFile()) return { kind: 'file', path, mode: modeOf(stats), size: stats.size, source };
  throw new ContextError(
    `${source} cannot be part of a build`,
    'it is a socket, a pipe or a device, and an image has none',
    `remove it, or name it in ${IGNORE_FILE}`,
  );
}

const modeOf = ({ mode }: Stats): number => mode & 0o7777;

/** A folder before what is in it. */
const byPath = (a: Entry, b: Entry): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

async function requireFolder(folder: string): Promise<void> {
  const entries = readdir(folder);
  await entries.catch((error: unknown) => {
    const why = codeOf(error) === 'ENOTDIR' ? 'it is no folder' : whyOf(error);
    throw new ContextError(`the context ${folder} cannot be read`, why, 'correct build.context');
  });
}

async function requireFile(path: string, shown: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    throw new ContextError(`the Dockerfile ${shown} cannot be read`, whyOf(error), MEND);
  });
  if (!found.isDirectory()) return;
  throw new ContextError(`the Dockerfile ${shown} cannot be read`, 'it is a folder', MEND);
}
const MEND = 'name it with build.dockerfile, from the folder that is the context';

const tooMuch = (what: string, folder: string): ContextError =>
  new ContextError(
    `the context ${folder} is too large`,
    `it has ${what}, and every host that builds gets all of them`,
    `name in ${IGNORE_FILE} what the image does not need`,
  );

const unreadable = (path: string, error: unknown): ContextError =>
  new ContextError(`${path} cannot be read`, whyOf(error), 'let this user read it, or ignore it');

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

function whyOf(error: unknown): string {
  if (codeOf(error) === 'ENOENT') return 'there is no such file or folder';
  return error instanceof Error ? error.message : String(error);
}
