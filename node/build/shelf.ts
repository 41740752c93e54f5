/**
 * The bundles that this host keeps, each a file named after its hash, in the state folder.
 *
 * The agent that a user has given one keeps it, and so do all voters, who have the records of what is
 * deployed as well: whichever host is to run a slot next finds what its image is made from. A host that is
 * to build fetches it from them, and keeps it too. One that no record has named for an hour is removed;
 * where the room is short, those first of which nothing is deployed any more.
 */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { HostId } from '../../protocol/base/ids.ts';
import type { CommittedRecords } from '../../protocol/record/committed.ts';
import type { Logger } from '../log.ts';
import { digest } from './bundle.ts';
import { namedBy } from './named.ts';
import { isHash } from './recipe.ts';

export const BUNDLE_REQUEST = 'bundle';
/** Kept at once, and their bytes together. */
export const BUNDLES_MAX = 64;
export const SHELF_BYTES_MAX = 4 * 1024 * 1024 * 1024;
const LOOK_MS = 2_000;
const UNNAMED_MS = 3_600_000;
/** What came not longer ago gives way to nothing: the images of its deploy may be under way. */
const FRESH_MS = 1_800_000;
/** What nobody has is asked for again after so long, unless an instance waits for it. */
const ASK_AGAIN_MS = 30_000;
/** One member may take so long for a whole one. */
const FETCH_MS = 10 * 60_000;
const SUFFIX = '.bundle';

/** No room, or not the bytes that it was said to be. */
export class ShelfError extends Error {
  override readonly name = 'ShelfError';
}

export interface Shelf extends Disposable {
  has(hash: string): Promise<boolean>;
  /** Resolves once it is on the disk; rejects, with nothing left, where the bytes are others. */
  keep(hash: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** From this host, or fetched from members; undefined: none that has it answers. */
  find(hash: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Of this host alone; rejects where it is not here. */
  read(hash: string): AsyncIterable<Uint8Array>;
}

export type ShelfInit = {
  readonly folder: string;
  readonly committed: CommittedRecords;
  readonly isVoter: () => boolean;
  /** Members that live, and not this host; voters first. */
  readonly others: () => readonly HostId[];
  readonly ask: (host: HostId, hash: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly log: Logger;
};

export async function openShelf(init: ShelfInit): Promise<Shelf> {
  const { folder, log } = init;
  const unnamedSince = new Map<string, number>();
  const fetching = new Map<string, Promise<boolean>>();
  const askAt = new Map<string, number>();
  const pathOf = (hash: string): string => join(folder, `${hash}${SUFFIX}`);
  const named = namedBy(init.committed);
  let busy = false;

  const has = async (hash: string): Promise<boolean> =>
    isHash(hash) && (await stat(pathOf(hash)).catch(() => undefined)) !== undefined;

  async function keep(hash: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await makeRoom();
    const half = join(folder, `${randomUUID()}.part`);
    try {
      const found = await write(half, bytes);
      if (found !== hash) throw new ShelfError(`its bytes are those of ${found}, not of ${hash}`);
      await rename(half, pathOf(hash));
      unnamedSince.set(hash, Date.now());
    } finally {
      await rm(half, { force: true });
    }
  }

  async function makeRoom(): Promise<void> {
    const there = await bundlesIn(folder);
    const { deployed } = named();
    const spare = there
      .filter(({ hash }) => !deployed.has(hash) && !isNew(hash))
      .toSorted((a, b) => a.writtenAt - b.writtenAt);
    let bytes = there.reduce((sum, one) => sum + one.bytes, 0);
    for (let count = there.length; count >= BUNDLES_MAX || bytes >= SHELF_BYTES_MAX; count -= 1) {
      const oldest = spare.shift();
      if (oldest === undefined)
        throw new ShelfError(`${there.length} contexts with ${bytes} bytes are kept there already`);
      await remove(oldest.hash);
      bytes -= oldest.bytes;
    }
  }

  const isNew = (hash: string): boolean => Date.now() - (unnamedSince.get(hash) ?? 0) < FRESH_MS;

  async function fetchFrom(hash: string): Promise<boolean> {
    for (const host of init.others()) {
      try {
        await keep(hash, init.ask(host, hash, AbortSignal.timeout(FETCH_MS)));
        return true;
      } catch (error) {
        log.debug({ hash, host, error: String(error) }, 'the context is not had from there');
      }
    }
    return false;
  }

  /** One at a time, whoever asks. */
  async function fetch(hash: string): Promise<boolean> {
    if (await has(hash)) return true;
    const known = fetching.get(hash);
    if (known !== undefined) return known;
    const begun = fetchFrom(hash).finally(() => fetching.delete(hash));
    fetching.set(hash, begun);
    return begun;
  }

  async function remove(hash: string): Promise<void> {
    unnamedSince.delete(hash);
    await rm(pathOf(hash), { force: true });
  }

  async function look(): Promise<void> {
    const { deployed, former } = named();
    for (const { hash } of await bundlesIn(folder)) {
      if (deployed.has(hash) || former.has(hash)) unnamedSince.delete(hash);
      else {
        const since = unnamedSince.get(hash) ?? Date.now();
        unnamedSince.set(hash, since);
        if (Date.now() - since >= UNNAMED_MS) await remove(hash);
      }
    }
    for (const hash of init.isVoter() ? deployed : []) {
      if ((await has(hash)) || Date.now() < (askAt.get(hash) ?? 0)) continue;
      askAt.set(hash, Date.now() + ASK_AGAIN_MS);
      if (await fetch(hash)) askAt.delete(hash);
    }
  }

  function lookAgain(): void {
    if (busy) return;
    busy = true;
    look()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'contexts cannot be kept'))
      .finally(() => (busy = false));
  }

  await removeParts(folder);
  const timer = setInterval(lookAgain, LOOK_MS).unref();
  const read = (hash: string): AsyncIterable<Uint8Array> => createReadStream(pathOf(hash));
  return {
    has,
    keep,
    read,
    async find(hash, signal) {
      const { promise, resolve } = Promise.withResolvers<false>();
      signal.addEventListener('abort', () => resolve(false), { once: true });
      return (await Promise.race([fetch(hash), promise])) ? read(hash) : undefined;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** The hash of what was written. */
async function write(path: string, bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const sink = createWriteStream(path, { mode: 0o600, flush: true });
  const failed = once(sink, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  try {
    const { hash } = await Promise.race([
      failed,
      digest(bytes, async (chunk) => {
        if (!sink.write(chunk)) await Promise.race([once(sink, 'drain'), failed]);
      }),
    ]);
    const written = once(sink, 'close');
    sink.end();
    await Promise.race([written, failed]);
    return hash;
  } finally {
    await closed(sink);
  }
}

/** It may still be about to make its file, which must not be there once it has been removed. */
async function closed(sink: WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (sink.closed) return;
  sink.once('close', resolve);
  sink.destroy();
  await promise;
}

type Kept = { readonly hash: string; readonly bytes: number; readonly writtenAt: number };

async function bundlesIn(folder: string): Promise<readonly Kept[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith(SUFFIX));
  const found = names.map(async (name): Promise<Kept | undefined> => {
    const stats = await stat(join(folder, name)).catch(() => undefined);
    if (stats === undefined) return undefined;
    return { hash: name.slice(0, -SUFFIX.length), bytes: stats.size, writtenAt: stats.mtimeMs };
  });
  return (await Promise.all(found)).filter((one) => one !== undefined);
}

/** There is no folder before the first bundle. */
const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

/** Of an agent that ended in the middle. */
async function removeParts(folder: string): Promise<void> {
  for (const name of await namesIn(folder))
    if (!name.endsWith(SUFFIX)) await rm(join(folder, name), { force: true });
}
