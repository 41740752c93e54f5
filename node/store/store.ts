/**
 * What this host must still know after a power cut: identity key, secret, boot, ceiling, records,
 * addresses. One SQLite file, one writer, in a worker thread, so that an fsync never blocks a beat.
 *
 * Invariants, each proved in test/node/store/store.test.ts:
 *  1. A resolved `write` is durable; the entries of one `write` are there all or none.
 *  2. Writes become durable in the order in which they were asked for.
 *  3. After one failed write nothing is accepted any more: what the disk holds is not known
 *     (a failed fsync may have dropped pages), only a fresh start reads the truth.
 *  4. At most one process has the folder open.
 */
import { extname } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { decode, encode } from 'cborg';
import { StartupError } from '../startup-error.ts';
import { startThread } from '../thread.ts';
import type { StoredEntry, WorkerReply, WorkerRequest } from './store-worker.ts';

/** `value` undefined deletes. Values are what CBOR can carry: plain data and `Uint8Array`. */
export type StoreEntry = { readonly key: string; readonly value: unknown };

export interface Store {
  /** Everything, decoded anew at each call. */
  load(): Promise<ReadonlyMap<string, unknown>>;
  /** One transaction; resolves once it is durable, rejects with `StartupError`. */
  write(entries: readonly StoreEntry[]): Promise<void>;
  /** Finishes what was asked for, then gives the folder free. */
  close(): Promise<void>;
}

/** Entries waiting for the disk; a write beyond it is refused and breaks the store (invariant 3). */
const PENDING_ENTRIES_MAX = 50_000;
/** Beside this file, in the sources as in a bundle. */
const WORKER_FILE = `store-worker${extname(import.meta.url)}`;
/** One batch of entries at a time passes through it; Node's defaults are those of a whole program. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
/** Longer than any healthy disk takes; then it is treated as failed. */
const DISK_TIMEOUT_MS = 30_000;

type Settle = { readonly resolve: () => void; readonly reject: (error: Error) => void };
type PendingWrite = Settle & { readonly entries: readonly StoredEntry[] };
type Ask = (request: WorkerRequest) => Promise<WorkerReply>;

/**
 * Opens `folder`, making it (mode 0700) if it is not there. Rejects with a `StartupError`: `locked`
 * (another agent has it open), `damaged`, `newer` (written by a later version), `unusable`.
 */
export async function openStore(folder: string): Promise<Store> {
  const worker = startThread(new URL(WORKER_FILE, import.meta.url), {
    name: 'store',
    resourceLimits: WORKER_LIMITS,
  });
  const ask = askWorker(worker, folder);
  try {
    await ask({ kind: 'open', folder });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  // The agent ends when its own work ends; an idle disk is no reason to go on.
  worker.unref();
  return storeOn(ask, worker, folder);
}

function storeOn(ask: Ask, worker: Worker, folder: string): Store {
  const writes = writeQueue(ask, folder);
  return {
    async load() {
      const reply = await ask({ kind: 'load' });
      return decodeAll(reply.kind === 'loaded' ? reply.entries : [], folder);
    },
    // What cannot be encoded is the caller's mistake: it rejects and breaks nothing.
    write: async (entries) => await writes.add(entries.map(encodeEntry)),
    async close() {
      await writes.drained();
      await ask({ kind: 'close' }).catch(() => undefined);
      await worker.terminate();
    },
  };
}

/** While one transaction is on its way to the disk the next collects all that is asked meanwhile. */
function writeQueue(ask: Ask, folder: string) {
  let pending: PendingWrite[] = [];
  let pendingCount = 0;
  let running: Promise<void> | undefined;
  let broken: Error | undefined;

  async function run(): Promise<void> {
    while (pending.length > 0) {
      const batch = pending;
      pending = [];
      pendingCount = 0;
      try {
        if (broken !== undefined) throw broken;
        await ask({ kind: 'write', entries: batch.flatMap((write) => write.entries) });
        for (const write of batch) write.resolve();
      } catch (error) {
        broken ??= error instanceof Error ? error : new Error(String(error));
        for (const write of batch) write.reject(broken);
      }
    }
    running = undefined;
  }

  return {
    add(entries: readonly StoredEntry[]): Promise<void> {
      pendingCount += entries.length;
      if (pendingCount > PENDING_ENTRIES_MAX) broken ??= tooSlow(folder);
      return new Promise((resolve, reject) => {
        pending.push({ entries, resolve, reject });
        running ??= run();
      });
    },
    async drained(): Promise<void> {
      await running;
    },
  };
}

/** Requests are answered in order, so the oldest open one is the one that is answered. */
function askWorker(worker: Worker, folder: string): Ask {
  const open: { resolve: (reply: WorkerReply) => void; reject: (error: Error) => void }[] = [];
  let gone: Error | undefined;
  const fail = (error: Error): void => {
    gone ??= error;
    for (const request of open.splice(0)) request.reject(gone);
    worker.unref();
  };
  worker.on('message', (reply: WorkerReply) => {
    const request = open.shift();
    if (open.length === 0) worker.unref();
    if (reply.kind === 'failed') request?.reject(new StartupError(reply.parts));
    else request?.resolve(reply);
  });
  worker.on('error', (error: Error) => fail(unusable(folder, error.message, error)));
  worker.on('exit', () => fail(unusable(folder, 'the store is closed')));
  return async (request) => {
    if (gone !== undefined) throw gone;
    const late = setTimeout(() => fail(hangs(folder)), DISK_TIMEOUT_MS);
    try {
      return await new Promise<WorkerReply>((resolve, reject) => {
        open.push({ resolve, reject });
        worker.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
        worker.postMessage(request);
      });
    } finally {
      clearTimeout(late);
    }
  };
}

function encodeEntry(entry: StoreEntry): StoredEntry {
  return { key: entry.key, bytes: entry.value === undefined ? undefined : encode(entry.value) };
}

function decodeAll(entries: readonly StoredEntry[], folder: string): ReadonlyMap<string, unknown> {
  const decoded = new Map<string, unknown>();
  for (const { key, bytes } of entries) {
    if (bytes === undefined) continue;
    try {
      decoded.set(key, decode(bytes));
    } catch (error) {
      throw unreadable(folder, key, error);
    }
  }
  return decoded;
}

function unreadable(folder: string, key: string, cause: unknown): StartupError {
  const parts = {
    code: 'damaged',
    what: `the entry ${key} in ${folder} cannot be read`,
    why: cause instanceof Error ? cause.message : String(cause),
    next: `keep a copy of ${folder}, then restore a backup or move it away: this host then joins anew`,
  };
  return new StartupError(parts, { cause });
}

function unusable(folder: string, why: string, cause?: unknown): StartupError {
  const next = `look at the disk of ${folder} and restart the agent`;
  return new StartupError(
    { code: 'unusable', what: `the store in ${folder} failed`, why, next },
    { cause },
  );
}

function hangs(folder: string): StartupError {
  return unusable(folder, `the disk has not answered for ${DISK_TIMEOUT_MS / 1000} s`);
}

function tooSlow(folder: string): StartupError {
  return unusable(folder, `more than ${PENDING_ENTRIES_MAX} entries wait for the disk`);
}
