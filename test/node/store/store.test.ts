import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storeAddressBook } from '../../../node/store/address-book.ts';
import { openStore, type Store } from '../../../node/store/store.ts';
import { forgetfulStore } from './forgetful-store.ts';

const WRITER = new URL('./writing-process.ts', import.meta.url).pathname;
let folder = '';
const open: Store[] = [];
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'millrace-store-')), 'state');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(open.splice(0).map((store) => store.close()));
  rmSync(join(folder, '..'), { recursive: true });
});
async function start(): Promise<Store> {
  const store = await openStore(folder);
  open.push(store);
  return store;
}
const file = (): string => join(folder, 'agent.db');

/** A process of its own, and its output so far by lines. */
function spawnWriter(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let output = '';
  const lines = (): string[] => output.split('\n').slice(0, -1);
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const sawLine = (line: string): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.on('data', () => {
        if (lines().includes(line)) resolve();
      });
    });
  return { child, ended, sawLine, lines };
}

describe('what was written', () => {
  test('is there after closing and opening, value by value', async () => {
    const store = await start();
    const value = { text: 'ä', count: 2 ** 40, nested: [true, null, new Uint8Array([1, 2])] };
    await store.write([
      { key: 'b', value },
      { key: 'a', value: -1 },
    ]);
    await store.close();
    expect([...(await (await start()).load())]).toEqual([
      ['a', -1],
      ['b', value],
    ]);
  });

  test('can be deleted and replaced, in the order asked for, without waiting between', async () => {
    const store = await start();
    const writes = [
      store.write([{ key: 'x', value: 1 }]),
      store.write([{ key: 'x', value: undefined }]),
      store.write([{ key: 'y', value: 1 }]),
      store.write([
        { key: 'y', value: 2 },
        { key: 'x', value: undefined },
        { key: 'z', value: 3 },
      ]),
    ];
    await Promise.all(writes);
    expect(Object.fromEntries(await store.load())).toEqual({ y: 2, z: 3 });
  });

  test('a value that CBOR cannot carry rejects that write alone', async () => {
    const store = await start();
    await expect(store.write([{ key: 'f', value: () => 1 }])).rejects.toThrow();
    await store.write([{ key: 'ok', value: 1 }]);
    expect((await store.load()).size).toBe(1);
  });

  test('close finishes what was asked for before it', async () => {
    const store = await start();
    const writing = store.write([{ key: 'last', value: 1 }]);
    await store.close();
    await writing;
    expect((await (await start()).load()).get('last')).toBe(1);
    await expect(store.write([{ key: 'later', value: 1 }])).rejects.toThrow();
  });

  test('survives SIGKILL as far as it was acknowledged', async () => {
    const writer = spawnWriter(process.execPath, [WRITER, folder]);
    await writer.sawLine('20');
    writer.child.kill('SIGKILL');
    await writer.ended;
    const acknowledged = Number(writer.lines().at(-1));
    expect(acknowledged).toBeGreaterThanOrEqual(20);
    const n = Number((await (await start()).load()).get('n'));
    // One more may have become durable without its writer learning of it.
    expect([acknowledged, acknowledged + 1]).toContain(n);
  });

  test('when the disk is full, the write fails, and no later one is accepted', async () => {
    const limited = `trap '' XFSZ; ulimit -f 400; exec "$0" "$@"`;
    const args = ['-c', limited, process.execPath, WRITER, folder, '20000'];
    const writer = spawnWriter('/bin/bash', args);
    await writer.ended;
    const [acknowledged, then, failure] = writer.lines().slice(-3);
    expect(then).toBe('then refused');
    expect(failure).toMatch(/^write \{"code":"unusable"/);
    const loaded = await (await start()).load();
    expect(loaded.get('n')).toBe(Number(acknowledged));
    expect(loaded.has(`padding/${acknowledged}`)).toBe(true);
  });

  test('is readable by its owner alone', async () => {
    await (await start()).write([{ key: 'secret', value: 1 }]);
    const modes = [folder, file(), `${file()}-wal`].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });
});

describe('a folder', () => {
  test('that is open is locked, against this process and others, until it is closed', async () => {
    const store = await start();
    await expect(openStore(folder)).rejects.toMatchObject({ parts: { code: 'locked' } });
    const other = spawnWriter(process.execPath, [WRITER, folder]);
    await other.ended;
    expect(other.lines()).toEqual([expect.stringMatching(/^open \{"code":"locked"/)]);
    expect(other.lines()[0]).toContain(`process ${process.pid}`);
    await store.write([{ key: 'still', value: 'ours' }]);
    await store.close();
    expect((await (await start()).load()).get('still')).toBe('ours');
  });

  test('whose holder was killed is free again', async () => {
    const writer = spawnWriter(process.execPath, [WRITER, folder]);
    await writer.sawLine('1');
    await expect(openStore(folder)).rejects.toMatchObject({ parts: { code: 'locked' } });
    writer.child.kill('SIGKILL');
    await writer.ended;
    expect((await (await start()).load()).size).toBeGreaterThan(0);
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['no database at all', () => Buffer.from('not a database, but long enough to be read as one')],
    ['a page overwritten', (bytes) => bytes.fill(0xff, 4096, 8192)],
    ['cut off', (bytes) => bytes.subarray(0, 6000)],
  ])('with a damaged file (%s) is refused and not changed', async (_, damage) => {
    const store = await start();
    await store.write(
      Array.from({ length: 50 }, (__, i) => ({ key: `k${i}`, value: 'v'.repeat(400) })),
    );
    await store.close();
    const damaged = damage(readFileSync(file()));
    writeFileSync(file(), damaged);
    await expect(openStore(folder)).rejects.toMatchObject({
      parts: { code: 'damaged', next: expect.stringContaining('nothing was changed') },
    });
    expect(readFileSync(file()).equals(damaged)).toBe(true);
  });

  test('of a later version is refused and not changed', async () => {
    await (await start()).close();
    const database = new DatabaseSync(file());
    database.exec('PRAGMA user_version = 99');
    database.close();
    const before = readFileSync(file());
    await expect(openStore(folder)).rejects.toMatchObject({ parts: { code: 'newer' } });
    expect(readFileSync(file()).equals(before)).toBe(true);
  });

  test('that cannot be made is an error in three parts', async () => {
    writeFileSync(join(folder, '..', 'state'), 'a file');
    await expect(openStore(folder)).rejects.toMatchObject({
      parts: { code: 'unusable', why: expect.stringContaining('EEXIST') },
    });
  });
});

test('the address book lies beside everything else, and what is not understood is left out', async () => {
  const store = await start();
  const book = storeAddressBook(store);
  await store.write([
    { key: 'records/x', value: 1 },
    { key: 'address/odd', value: { not: 'a list' } },
  ]);
  await book.save(
    new Map([
      ['peer', ['/ip4/192.0.2.7/tcp/7400']],
      ['gone', ['/ip4/192.0.2.8/tcp/1']],
    ]),
  );
  await book.save(new Map([['gone', undefined]]));
  expect([...(await book.load())]).toEqual([['peer', ['/ip4/192.0.2.7/tcp/7400']]]);
  expect((await store.load()).get('records/x')).toBe(1);
});

test('the forgetful store loses exactly what it had not acknowledged', async () => {
  const durable = await start();
  const store = forgetfulStore(durable);
  const acknowledged: string[] = [];
  const write = (key: string): void =>
    void store.write([{ key, value: 1 }]).then(() => acknowledged.push(key));
  write('a');
  write('b');
  await store.sync();
  write('c');
  expect(store.unsyncedCount()).toBe(1);
  store.crash();
  write('d');
  await store.sync();
  await durable.close();
  expect(acknowledged).toEqual(['a', 'b']);
  expect([...(await (await start()).load()).keys()]).toEqual(['a', 'b']);
});
