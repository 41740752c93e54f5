/** What one host tells of its own instances, on the embedded engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Engine, EngineInstance, LogLine } from '../../../node/engine/engine.ts';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import type { LogBody } from '../../../node/http/api.ts';
import { createLastWords, type LastWords } from '../../../node/logs/last-words.ts';
import { type LogRequest, ownLogs } from '../../../node/logs/own.ts';
import { LOG_LINE_CHARS_MAX, LOG_SOURCES_MAX } from '../../../node/network/limits.ts';
import { Ground, patience, printed, start } from '../../compliance/engine/ground.ts';
import { processWorkloads } from '../../compliance/engine/process-workloads.ts';

let folder = '';
let ground: Ground;
let engine: Engine;
let lastWords: LastWords;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'own-'));
  ground = new Ground((scope) => createProcessEngine(scope, { stateDir: folder }));
  engine = await ground.engine();
  lastWords = createLastWords(engine);
});
afterEach(async () => {
  await ground[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const ASKED: LogRequest = { subject: 'shop', follow: false, previous: false };

async function told(asked: Partial<LogRequest> = {}): Promise<readonly string[]> {
  const all = await Array.fromAsync(
    ownLogs({ engine, lastWords }, { ...ASKED, ...asked }, patience()),
  );
  return all.flat().map(textOf).sort();
}
const textOf = (body: LogBody): string =>
  'failed' in body ? `! ${body.failed}` : `${body.instance} #${body.attempt} ${body.line}`;

/** An instance that has printed these lines. */
async function prints(
  name: string,
  slot: number,
  lines: readonly string[],
  attempt = 1,
): Promise<string> {
  const { id } = await start(engine, processWorkloads.printLines(lines), {
    component: name,
    slot,
    attempt,
  });
  await printed(engine, id, lines.at(-1) ?? '');
  return id;
}

it('tells of a stack, a component or a slot, and of nothing that only begins like it', async () => {
  await prints('shop.web', 1, ['one']);
  await prints('shop.web', 11, ['eleven']);
  await prints('shop.webs', 1, ['other']);
  await prints('shopping.web', 1, ['far']);
  const web = ['shop.web.1 #1 one', 'shop.web.11 #1 eleven'];
  expect(await told()).toEqual([...web, 'shop.webs.1 #1 other']);
  expect(await told({ subject: 'shop.web' })).toEqual(web);
  expect(await told({ subject: 'shop.web.1' })).toEqual(web.slice(0, 1));
  expect(await told({ subject: 'shop.web.2' })).toEqual([]);
});

it('takes the last lines of each instance', async () => {
  await prints('shop.web', 1, ['a', 'b', 'c']);
  await prints('shop.web', 2, ['d']);
  expect(await told({ tail: 2 })).toEqual([
    'shop.web.1 #1 b',
    'shop.web.1 #1 c',
    'shop.web.2 #1 d',
  ]);
});

it('tells what has ended until its successor is there, and then only as the previous one', async () => {
  const first = await prints('shop.web', 1, ['old 1', 'old 2']);
  await engine.stop(first, 0, patience());
  expect(await told()).toEqual(['shop.web.1 #1 old 1', 'shop.web.1 #1 old 2']);
  expect(await told({ previous: true })).toEqual([]);
  await prints('shop.web', 1, ['new'], 2);
  const old = ['shop.web.1 #1 old 1', 'shop.web.1 #1 old 2'];
  expect(await told()).toEqual(['shop.web.1 #2 new']);
  expect(await told({ previous: true })).toEqual(old);
  await lastWords.keep(first);
  await engine.remove(first, patience());
  expect(await told({ previous: true })).toEqual(old);
  expect(await told({ previous: true, tail: 1 })).toEqual(old.slice(1));
  expect(await told({ previous: true, tail: 0 })).toEqual([]);
  expect(await told({ previous: true, subject: 'shop.db' })).toEqual([]);
});

it('keeps no more last words than are bounded', async () => {
  const long = 'x'.repeat(1_000);
  const id = await prints('shop.web', 1, [...Array.from({ length: 200 }, () => long), 'end']);
  await lastWords.keep(id);
  const kept: readonly LogLine[] = lastWords.of('shop.web', 1)?.lines ?? [];
  expect(kept.at(-1)?.text).toBe('end');
  expect(kept.length).toBeGreaterThan(60);
  expect(kept.length).toBeLessThan(70);
  await lastWords.keep('unknown');
});

it('follows what starts later, and ends with its reader', async () => {
  const first = await prints('shop.web', 1, ['one']);
  const reader = new AbortController();
  const seen: string[] = [];
  for await (const lines of ownLogs(
    { engine, lastWords },
    { ...ASKED, follow: true },
    AbortSignal.any([reader.signal, patience()]),
  )) {
    seen.push(...lines.map(textOf));
    if (seen.length === 1) {
      await engine.stop(first, 0, patience());
      await prints('other.web', 1, ['not meant']);
      await prints('shop.web', 1, ['two'], 2);
    }
    if (seen.length === 2) await prints('shop.db', 1, ['three']);
    if (seen.length === 3) reader.abort();
  }
  expect(seen).toEqual(['shop.web.1 #1 one', 'shop.web.1 #2 two', 'shop.db.1 #1 three']);
});

it('cuts a line that is too long for a reader into pieces, and loses nothing of it', async () => {
  const long = 'x'.repeat(LOG_LINE_CHARS_MAX + 1);
  await prints('shop.web', 1, ['a', long, 'b']);
  const all = (await Array.fromAsync(ownLogs({ engine, lastWords }, ASKED, patience()))).flat();
  const lines = all.map((body) => ('line' in body ? body.line : ''));
  expect(lines.map(({ length }) => length)).toEqual([1, LOG_LINE_CHARS_MAX, 1, 1]);
  expect(lines.slice(1, 3).join('')).toBe(long);
});

it('reads no more instances at once than are bounded, and says which it leaves out', async () => {
  const instances = Array.from({ length: LOG_SOURCES_MAX + 2 }, (_, index): EngineInstance => {
    const labels = { component: 'shop.web', slot: index + 1, attempt: 1, revision: 'r', term: 1 };
    return { id: `i${index}`, name: '', labels, state: 'running', health: 'none', ports: [] };
  });
  const released = Promise.withResolvers<void>();
  let open = 0;
  async function* hanging(): AsyncGenerator<readonly LogLine[]> {
    open += 1;
    await released.promise;
    yield [{ output: 'stdout', text: 'x' }];
  }
  const crowded: Pick<Engine, 'list' | 'logs'> = {
    list: async () => instances,
    logs: async () => hanging(),
  };
  const seen: string[] = [];
  const own = { engine: { ...engine, ...crowded }, lastWords };
  for await (const bodies of ownLogs(own, ASKED, patience())) {
    seen.push(...bodies.map(textOf));
    if (seen.length === 2) {
      expect(open).toBe(LOG_SOURCES_MAX);
      released.resolve();
    }
  }
  const left = seen.filter((text) => text.startsWith('!'));
  expect(left.map((text) => text.replace(/ is left out.*/, ''))).toEqual(
    [1, 2].map((more) => `! shop.web.${LOG_SOURCES_MAX + more}`),
  );
  expect(seen).toHaveLength(LOG_SOURCES_MAX + 2);
});
