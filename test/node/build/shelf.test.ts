/** What a host keeps of what images are built from, and where it gets the rest. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished, vi } from 'vitest';
import { digest } from '../../../node/build/bundle.ts';
import { BUNDLES_MAX, openShelf, type ShelfInit } from '../../../node/build/shelf.ts';
import { createLogger } from '../../../node/log.ts';
import { type HostId, stackKey } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { createCommitted, mergeCommitted } from '../../../protocol/record/committed.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';

const HOSTS = ['h1', 'h2', 'h3'] as readonly string[] as readonly HostId[];
const LATER_MS = 3_700_000;
const NEVER = new AbortController().signal;
const bytesOf = (content: string) => Readable.from([Buffer.from(content)]);
const hashOf = async (content: string): Promise<string> => (await digest(bytesOf(content))).hash;

async function shelfWith(more: Partial<ShelfInit> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'shelf-'));
  const committed = createCommitted([]);
  const shelf = await openShelf({
    folder,
    committed,
    isVoter: () => false,
    others: () => [],
    ask: () => Readable.from([]),
    log: createLogger({ level: 'silent' }),
    ...more,
  });
  onTestFinished(() => {
    shelf[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });
  return { shelf, folder, committed };
}

const component = (hash: string): ComponentSpec => ({
  ...nodeSpec(''),
  image: `millrace/shop-web:${hash}`,
});

function stackRecord(seq: number, hash: string | undefined): Committed {
  const spec = hash === undefined ? {} : { spec: { name: 'shop', components: [component(hash)] } };
  const revision = { term: 1, seq };
  const value = { kind: 'stack', life: 1, since: revision, ...spec };
  return { key: stackKey('shop'), revision, value } as unknown as Committed;
}

it('keeps what is what it is said to be, and nothing of what is not', async () => {
  const { shelf, folder } = await shelfWith();
  const hash = await hashOf('content');
  await expect(shelf.keep(hash, bytesOf('other'))).rejects.toThrow(/not of/);
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('con');
    throw new Error('cut off');
  };
  await expect(shelf.keep(hash, broken())).rejects.toThrow('cut off');
  expect([await shelf.has(hash), readdirSync(folder)]).toEqual([false, []]);
  await shelf.keep(hash, bytesOf('content'));
  expect(await shelf.has(hash)).toBe(true);
  expect(await text(Readable.from(shelf.read(hash)))).toBe('content');
  expect(await shelf.has('../../etc/passwd')).toBe(false);
});

it('fetches what is not here from whoever has it, once for all who ask', async () => {
  const asked: string[] = [];
  const hash = await hashOf('content');
  const { shelf } = await shelfWith({
    others: () => HOSTS,
    ask: (host) => {
      asked.push(host);
      return bytesOf(host === 'h2' ? 'content' : 'something else');
    },
  });
  const found = await Promise.all([shelf.find(hash, NEVER), shelf.find(hash, NEVER)]);
  for (const one of found) expect(await text(Readable.from(one ?? []))).toBe('content');
  expect(asked).toEqual(['h1', 'h2']);
  expect(await shelf.find(await hashOf('unknown'), NEVER)).toBe(undefined);
});

it('removes the half of what an agent was in the middle of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shelf-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'x.part'), 'half');
  await shelfWith({ folder });
  expect(readdirSync(folder)).toEqual([]);
});

it('a voter gets what is deployed, before it is needed', async () => {
  const hash = await hashOf('content');
  const { shelf, committed } = await shelfWith({
    isVoter: () => true,
    others: () => HOSTS,
    ask: () => bytesOf('content'),
  });
  expect(await shelf.has(hash)).toBe(false);
  mergeCommitted(committed, stackRecord(1, hash));
  await vi.waitUntil(() => shelf.has(hash), { timeout: 10_000, interval: 20 });
});

it('forgets what no record names any more, after an hour', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { shelf, committed, folder } = await shelfWith();
  const [deployed, former] = [await hashOf('one'), await hashOf('two')];
  await shelf.keep(deployed, bytesOf('one'));
  await shelf.keep(former, bytesOf('two'));
  mergeCommitted(committed, stackRecord(1, deployed));
  vi.setSystemTime(Date.now() + LATER_MS);
  await vi.waitUntil(() => readdirSync(folder).length === 1, { timeout: 10_000, interval: 20 });
  expect([await shelf.has(deployed), await shelf.has(former)]).toEqual([true, false]);
});

it('keeps at most so many: what is not deployed gives way, and what is does not', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { shelf, committed, folder } = await shelfWith();
  const names = Array.from({ length: BUNDLES_MAX + 1 }, (_, index) => `content ${index}`);
  const [first = '', ...others] = names;
  const deployed = await hashOf(first);
  await shelf.keep(deployed, bytesOf(first));
  mergeCommitted(committed, stackRecord(1, deployed));
  const last = others.pop() ?? '';
  for (const one of others) await shelf.keep(await hashOf(one), bytesOf(one));
  // All of them are new, and may be of deploys that are under way.
  await expect(shelf.keep(await hashOf(last), bytesOf(last))).rejects.toThrow('are kept there');
  vi.setSystemTime(Date.now() + LATER_MS / 2);
  await shelf.keep(await hashOf(last), bytesOf(last));
  expect(readdirSync(folder)).toHaveLength(BUNDLES_MAX);
  expect([await shelf.has(deployed), await shelf.has(await hashOf(last))]).toEqual([true, true]);
});
