/**
 * The thread that owns the SQLite file. It answers each request, in order, with one reply.
 *
 * WAL with synchronous = FULL: one fsync per transaction, and a transaction that was answered
 * survives a power cut (SQLite, "Write-Ahead Logging", durability). The exclusive locking mode is
 * the lock against a second agent: the kernel drops it with the process, however that ends.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import type { StartupErrorParts } from '../startup-error.ts';

/** An entry as the file holds it; `bytes` undefined deletes. */
export type StoredEntry = { readonly key: string; readonly bytes: Uint8Array | undefined };

export type WorkerRequest =
  | { readonly kind: 'open'; readonly folder: string }
  | { readonly kind: 'load' }
  /** One transaction. */
  | { readonly kind: 'write'; readonly entries: readonly StoredEntry[] }
  | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'loaded'; readonly entries: readonly StoredEntry[] }
  | { readonly kind: 'failed'; readonly parts: StartupErrorParts };

/** Raised when a reader of the older form would misread the file. */
const SCHEMA_VERSION = 1;
const FILE = 'agent.db';
/** Beside the file, for the message of whoever finds it locked. */
const HOLDER_FILE = 'agent.pid';

// SQLite's result codes, https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

let folder = '';
let database: DatabaseSync | undefined;

parentPort?.on('message', (request: WorkerRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  parentPort?.postMessage(answer(request));
});

function answer(request: WorkerRequest): WorkerReply {
  try {
    switch (request.kind) {
      case 'open':
        folder = request.folder;
        database = open(join(folder, FILE));
        return { kind: 'done' };
      case 'load':
        return { kind: 'loaded', entries: loadAll(opened()) };
      case 'write':
        writeAll(opened(), request.entries);
        return { kind: 'done' };
      case 'close':
        database?.close();
        database = undefined;
        return { kind: 'done' };
    }
  } catch (error) {
    return { kind: 'failed', parts: partsOf(error) };
  }
}

function opened(): DatabaseSync {
  if (database === undefined) throw new Error('the store is closed');
  return database;
}

function open(path: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // It holds the cluster's secret. SQLite gives its log file the mode of the file itself.
  if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600, flag: 'a' });
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  try {
    check(db);
    // Nothing was changed up to here, so a file that we do not understand stays as it is.
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    // Only macOS knows the difference; elsewhere these do nothing.
    db.exec('PRAGMA fullfsync = ON');
    db.exec('PRAGMA checkpoint_fullfsync = ON');
    db.exec('BEGIN IMMEDIATE');
    db.exec('CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT');
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    db.close();
    throw error;
  }
  writeFileSync(join(folder, HOLDER_FILE), `${process.pid}\n`, { mode: 0o600 });
  return db;
}

function check(db: DatabaseSync): void {
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  db.exec('BEGIN IMMEDIATE');
  db.exec('COMMIT');
  const found = Number(firstColumn(db, 'PRAGMA user_version'));
  if (found > SCHEMA_VERSION) throw new NewerSchemaError(found);
  const verdict = firstColumn(db, 'PRAGMA quick_check(1)');
  if (verdict !== 'ok') throw new DamagedError(String(verdict));
}

function firstColumn(db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

function loadAll(db: DatabaseSync): readonly StoredEntry[] {
  const rows = db.prepare('SELECT key, bytes FROM entry ORDER BY key').all();
  return rows.map((row) => ({ key: String(row['key']), bytes: row['bytes'] as Uint8Array }));
}

function writeAll(db: DatabaseSync, entries: readonly StoredEntry[]): void {
  const put = db.prepare(
    'INSERT INTO entry VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes',
  );
  const remove = db.prepare('DELETE FROM entry WHERE key = ?');
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const { key, bytes } of entries) {
      if (bytes === undefined) remove.run(key);
      else put.run(key, bytes);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

class NewerSchemaError extends Error {
  readonly found: number;
  constructor(found: number) {
    super(`its version is ${found}, this agent knows ${SCHEMA_VERSION}`);
    this.found = found;
  }
}
class DamagedError extends Error {}

function partsOf(error: unknown): StartupErrorParts {
  const path = join(folder, FILE);
  const why = error instanceof Error ? error.message : String(error);
  const code = resultCode(error);
  if (code === SQLITE_BUSY) {
    return {
      code: 'locked',
      what: `another agent uses ${folder}${holder()}`,
      why: 'one folder is one host: two agents on it would be one host twice',
      next: 'stop that agent, or give this one a folder of its own with --state',
    };
  }
  if (error instanceof NewerSchemaError) {
    const next = 'run the version that wrote it, or a later one; nothing was changed';
    return { code: 'newer', what: `${path} was written by a later version`, why, next };
  }
  if (error instanceof DamagedError || code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    const next =
      `nothing was changed; restore a backup, or move ${folder} away: ` +
      'this host then joins as a new one, its containers are adopted no more';
    return { code: 'damaged', what: `${path} is damaged`, why, next };
  }
  const next =
    'see that the disk has room and that this user may write there, then restart the agent';
  return { code: 'unusable', what: `${path} cannot be used`, why, next };
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  // The low byte is the primary code, whatever the extended one.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

function holder(): string {
  try {
    return ` (process ${readFileSync(join(folder, HOLDER_FILE), 'utf8').trim()})`;
  } catch {
    return '';
  }
}
