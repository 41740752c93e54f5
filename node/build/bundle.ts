/**
 * A recipe and its context as one run of bytes: a line of JSON, then a tar. The hash of all of it names it.
 *
 *     {"dockerfile":"Dockerfile", …}\n  tar
 *
 * The same recipe and files give the same bytes: keys of the recipe in one order, entries in the order of
 * their paths, no owner, and one time for all. That time is not 1970, which zip archives cannot say.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack as packTar } from 'tar-stream';
import { type Entry, ContextError, CONTEXT_BYTES_MAX } from './context.ts';
import { RECIPE, type Recipe } from './recipe.ts';

/** The context, what a tar adds for each entry, and the recipe. */
export const BUNDLE_BYTES_MAX = CONTEXT_BYTES_MAX + 128 * 1024 * 1024;
const RECIPE_BYTES_MAX = 1024 * 1024;
const HASH_CHARS = 32;
const NEWLINE = 10;
/** When files are said to have been written: 26 October 1985, as in packages of npm. */
const WRITTEN = new Date(499_162_500_000);

/** Read once; ends in a `ContextError` where a file is not as it was listed. */
export async function* bundleOf(recipe: Recipe, entries: readonly Entry[]): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(inOrder(recipe))}\n`);
  const pack = packTar();
  let failure: unknown;
  const filling = fill(pack, entries).catch((error: unknown) => {
    failure ??= error;
    pack.destroy(new Error(String(error)));
  });
  try {
    yield* pack as AsyncIterable<Buffer>;
  } catch (error) {
    await filling;
    throw failure ?? error;
  } finally {
    pack.destroy(new Error('nobody reads it any more'));
  }
}

async function fill(pack: Pack, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) {
    const header = { name: entry.path, mode: entry.mode, mtime: WRITTEN, uid: 0, gid: 0 };
    if (entry.kind === 'folder') pack.entry({ ...header, type: 'directory' });
    else if (entry.kind === 'link')
      pack.entry({ ...header, type: 'symlink', linkname: entry.target });
    else if (typeof entry.source !== 'string') pack.entry(header, entry.source);
    else await fillFile(pack, { ...header, size: entry.size }, entry.source);
  }
  pack.finalize();
}

async function fillFile(
  pack: Pack,
  header: Pick<Header, 'name' | 'size'>,
  source: string,
): Promise<void> {
  const { promise: packed, resolve, reject } = Promise.withResolvers<void>();
  packed.catch(() => undefined); // told where it is awaited
  const sink = pack.entry(header, (error) => (error ? reject(error) : resolve()));
  sink.on('error', reject);
  try {
    // One byte more would tell of a file that has grown.
    for await (const chunk of createReadStream(source, { end: header.size }))
      if (!sink.write(chunk)) await Promise.race([drained(sink), packed]);
    sink.end(null);
    await packed;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const what = `${header.name} cannot be read, or has changed while it was read`;
    throw new ContextError(what, why, 'try again once nothing writes to the context');
  }
}

const drained = (sink: ReturnType<Pack['entry']>): Promise<void> =>
  new Promise((resolve) => void sink.once('drain', () => resolve()));

/** Whoever listed its names otherwise means the same. */
function inOrder(recipe: Recipe): Recipe {
  const sorted = (named: Recipe['args']): Recipe['args'] =>
    Object.fromEntries(Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const ordered = { ...recipe, args: sorted(recipe.args), labels: sorted(recipe.labels) };
  return Object.fromEntries(
    Object.entries(ordered).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ) as Recipe;
}

export type Digest = { readonly hash: string; readonly bytes: number };

/** Of all that comes; `each` is given it meanwhile. Throws where it is more than a bundle may be. */
export async function digest(
  source: AsyncIterable<Uint8Array>,
  each: (chunk: Uint8Array) => Promise<void> = () => Promise.resolve(),
): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > BUNDLE_BYTES_MAX) throw new Error(`it has more than ${BUNDLE_BYTES_MAX} bytes`);
    hash.update(chunk);
    await each(chunk);
  }
  return { hash: hash.digest('hex').slice(0, HASH_CHARS), bytes };
}

/** The recipe, and the tar as it comes. Throws where it does not begin with a recipe. */
export async function openBundle(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly recipe: Recipe; readonly context: Readable }> {
  const chunks = source[Symbol.asyncIterator]();
  // One that was not read to its end would keep its file open.
  const close = (): void => void chunks.return?.().catch(() => undefined);
  try {
    const { recipe, read } = await readRecipe(chunks);
    async function* rest(): AsyncGenerator<Uint8Array> {
      if (read.length > 0) yield read;
      yield* { [Symbol.asyncIterator]: () => chunks };
    }
    const context = Readable.from(rest(), { objectMode: false });
    context.once('close', close);
    return { recipe, context };
  } catch (error) {
    close();
    throw error;
  }
}

/** `read`: what came behind the recipe in the same chunk. */
async function readRecipe(
  chunks: AsyncIterator<Uint8Array>,
): Promise<{ readonly recipe: Recipe; readonly read: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  for (let end = -1; end < 0; end = head.indexOf(NEWLINE)) {
    const { done, value } = await chunks.next();
    if (done === true || head.length > RECIPE_BYTES_MAX)
      throw new Error('there is no recipe in it');
    head = Buffer.concat([head, value]);
  }
  const end = head.indexOf(NEWLINE);
  const recipe = RECIPE.parse(JSON.parse(head.subarray(0, end).toString('utf8')));
  return { recipe, read: head.subarray(end + 1) };
}
