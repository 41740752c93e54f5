/** What of a folder is sent to builders, and that the same files are the same bytes everywhere. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { bundleOf, digest, openBundle } from '../../../node/build/bundle.ts';
import {
  CONTEXT_BYTES_MAX,
  ContextError,
  type Dockerfile,
  readContext,
} from '../../../node/build/context.ts';
import { readIgnore } from '../../../node/build/ignore.ts';
import type { Recipe } from '../../../node/build/recipe.ts';

const RECIPE: Recipe = {
  dockerfile: 'Dockerfile',
  args: {},
  labels: {},
  tags: [],
  noCache: false,
  pull: false,
};
const USUAL: Dockerfile = { kind: 'file', file: 'Dockerfile' };

type Files = Readonly<Record<string, string>>;

function folderOf(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), 0o644);
  }
  return folder;
}

const pathsIn = async (folder: string, dockerfile = USUAL): Promise<readonly string[]> =>
  (await readContext(folder, dockerfile)).entries.map(({ path }) => path);

async function hashOf(folder: string, recipe: Recipe = RECIPE): Promise<string> {
  const { entries } = await readContext(folder, USUAL);
  return (await digest(bundleOf(recipe, entries))).hash;
}

/** As the builder finds it. */
async function unpacked(folder: string, dockerfile = USUAL) {
  const { entries, dockerfile: place } = await readContext(folder, dockerfile);
  const bytes = await buffer(Readable.from(bundleOf({ ...RECIPE, dockerfile: place }, entries)));
  const { recipe, context } = await openBundle(Readable.from([bytes]));
  const found: Record<string, readonly [type: string, mode: number, content: string]> = {};
  const entriesOf = context.pipe(extract());
  for await (const entry of entriesOf) {
    const { name, type, mode, linkname, mtime, uid, gid } = entry.header;
    expect([mtime.getTime(), uid, gid]).toEqual([499_162_500_000, 0, 0]);
    const text = (await buffer(entry)).toString();
    found[name] = [type, mode, type === 'symlink' ? linkname : text];
  }
  return { recipe, found };
}

it('sends all but what is ignored, and always the Dockerfile and .dockerignore', async () => {
  const folder = folderOf({
    '.dockerignore': '# all\n*\n!src\n**/*.log\n!d/e/kept\n',
    Dockerfile: 'FROM scratch',
    'secret.env': 'x',
    'src/a.ts': 'a',
    'src/a.log': 'x',
    'd/e/kept': 'k',
    'd/other': 'x',
    'f/g': 'x',
  });
  expect(await pathsIn(folder)).toEqual([
    '.dockerignore',
    'Dockerfile',
    'd',
    'd/e',
    'd/e/kept',
    'src',
    'src/a.ts',
  ]);
});

it('sends a Dockerfile that lies in an ignored folder', async () => {
  const folder = folderOf({
    '.dockerignore': 'docker',
    'docker/Dockerfile': 'FROM a',
    'docker/b': '',
  });
  const paths = await pathsIn(folder, { kind: 'file', file: 'docker/Dockerfile' });
  expect(paths).toEqual(['.dockerignore', 'docker', 'docker/Dockerfile']);
});

it('asks the ignore file of its Dockerfile before that of the context', async () => {
  const folder = folderOf({
    '.dockerignore': 'a',
    'Dockerfile.dev': 'FROM a',
    'Dockerfile.dev.dockerignore': 'b',
    a: '',
    b: '',
  });
  const dev: Dockerfile = { kind: 'file', file: 'Dockerfile.dev' };
  expect(await pathsIn(folder, dev)).toContain('a');
  expect(await pathsIn(folder, dev)).not.toContain('b');
});

it.each<[string | undefined, string | undefined, readonly string[], string]>([
  ['a', undefined, ['.dockerignore', 'b'], 'that of the context where it has none'],
  ['a', 'b', ['.dockerignore', 'a'], 'its own before that of the context'],
  ['a', 'b\n.dockerignore', ['a'], 'its own, which hides the other'],
  [undefined, 'b', ['a'], 'its own alone'],
  [undefined, '', ['a', 'b'], 'its own, though it is empty'],
] as const)(
  'of a Dockerfile outside (.dockerignore %j, its own %j) takes %j: %s',
  async (whole, own, copied) => {
    const root = folderOf({
      'x/Dockerfile.dev': 'FROM a',
      ...(own !== undefined && { 'x/Dockerfile.dev.dockerignore': own }),
      ...(whole !== undefined && { 'c/.dockerignore': whole }),
      'c/a': '',
      'c/b': '',
    });
    const dockerfile: Dockerfile = { kind: 'file', file: '../x/Dockerfile.dev' };
    const { recipe, found } = await unpacked(join(root, 'c'), dockerfile);
    // The builder takes out what is ignored of the two that it always gets.
    const hidden = readIgnore(found['.dockerignore']?.[2] ?? '');
    expect(hidden.ignores(recipe.dockerfile)).toBe(true);
    const kept = Object.keys(found).filter(
      (path) => ![recipe.dockerfile, '.dockerignore'].includes(path) || !hidden.ignores(path),
    );
    expect(kept.toSorted()).toEqual(copied);
  },
);

it('says which ignore file of a Dockerfile outside is wrong', async () => {
  const files = { 'x/D': '', 'x/D.dockerignore': '[b', 'c/a': '' };
  const root = folderOf(files);
  const dockerfile: Dockerfile = { kind: 'file', file: join(root, 'x/D') };
  const { message } = await refusalOf(join(root, 'c'), dockerfile);
  expect(message).toBe(`${root}/x/D.dockerignore cannot be read`);
});

it('keeps modes, links and empty folders, and no owner or time', async () => {
  const folder = folderOf({ Dockerfile: 'FROM scratch', run: '#!', shy: '', 'long/x': 'y' });
  chmodSync(join(folder, 'run'), 0o755);
  chmodSync(join(folder, 'shy'), 0o4600);
  symlinkSync('../elsewhere', join(folder, 'link'));
  mkdirSync(join(folder, 'empty'), { mode: 0o755 });
  const deep = `${'d'.repeat(120)}/${'e'.repeat(120)}`;
  mkdirSync(join(folder, dirname(deep)));
  writeFileSync(join(folder, deep), 'ü');
  const { found } = await unpacked(folder);
  expect(found['run']).toEqual(['file', 0o755, '#!']);
  expect(found['shy']).toEqual(['file', 0o4600, '']);
  expect(found['link']).toEqual(['symlink', 0o777, '../elsewhere']);
  expect(found['empty']?.[0] ?? found['empty/']?.[0]).toBe('directory');
  expect(found[deep]?.[2]).toBe('ü');
});

it.each([
  ['inline', { kind: 'inline', text: 'FROM inside' }, 'FROM inside'],
  ['outside the context', { kind: 'file', file: '../outside' }, 'FROM outside'],
] as const)('brings a Dockerfile that is %s, and no COPY finds it', async (_, dockerfile, text) => {
  const root = folderOf({ outside: 'FROM outside', 'c/.dockerignore': 'x', 'c/a': '', 'c/x': '' });
  const { recipe, found } = await unpacked(join(root, 'c'), dockerfile);
  expect(found[recipe.dockerfile]?.[2]).toBe(text);
  expect(found['.dockerignore']?.[2].split('\n')).toEqual(['x', recipe.dockerfile, '']);
  expect(Object.keys(found).toSorted()).toEqual(['.dockerignore', recipe.dockerfile, 'a']);
});

it('is the same for the same files, wherever and whenever they were written', async () => {
  const files = { Dockerfile: 'FROM scratch', b: '1', a: '2', 'd/x': '3' };
  const first = folderOf(files);
  const second = folderOf(Object.fromEntries(Object.entries(files).toReversed()));
  utimesSync(join(second, 'a'), 1, 1);
  utimesSync(join(second, 'd'), 1, 1);
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', '1234:1234', second]);
  const hash = await hashOf(first);
  expect(await hashOf(second)).toBe(hash);
  const swapped = { ...RECIPE, args: { B: '1', A: '2' } };
  const { pull, ...others } = { ...RECIPE, args: { A: '2', B: '1' } };
  expect(await hashOf(first, swapped)).toBe(await hashOf(first, { pull, ...others }));
});

it.each([
  ['a byte', (folder: string) => writeFileSync(join(folder, 'a'), '9')],
  ['a mode', (folder: string) => chmodSync(join(folder, 'a'), 0o755)],
  ['a name', (folder: string) => writeFileSync(join(folder, 'b'), '')],
  ['a link', (folder: string) => symlinkSync('a', join(folder, 'l'))],
  ['the Dockerfile', (folder: string) => writeFileSync(join(folder, 'Dockerfile'), 'FROM b')],
])('is another one where %s differs', async (_, change) => {
  const folder = folderOf({ Dockerfile: 'FROM a', a: '1' });
  const before = await hashOf(folder);
  change(folder);
  expect(await hashOf(folder)).not.toBe(before);
});

it.each([
  ['args', { args: { A: '1' } }],
  ['labels', { labels: { a: '1' } }],
  ['the stage', { target: 'dev' }],
  ['tags', { tags: ['web:1'] }],
  ['the cache', { noCache: true }],
])('is another one where %s of the recipe differ', async (_, more) => {
  const folder = folderOf({ Dockerfile: 'FROM a' });
  expect(await hashOf(folder, { ...RECIPE, ...more })).not.toBe(await hashOf(folder));
});

const refusalOf = async (folder: string, dockerfile = USUAL): Promise<ContextError> => {
  const told = await readContext(folder, dockerfile).catch((error: unknown) => error);
  expect(told).toBeInstanceOf(ContextError);
  return told as ContextError;
};

it('refuses what an image cannot hold, unless it is ignored', async () => {
  const folder = folderOf({ Dockerfile: 'FROM a' });
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(join(folder, 'socket'), resolve));
  const { message, why, next } = await refusalOf(folder);
  expect(message).toBe(`${folder}/socket cannot be part of a build`);
  expect(why).toContain('a socket, a pipe or a device');
  expect(next).toBe('remove it, or name it in .dockerignore');
  writeFileSync(join(folder, '.dockerignore'), 'socket');
  expect(await pathsIn(folder)).toEqual(['.dockerignore', 'Dockerfile']);
});

it.each([
  ['no folder', {}, 'nowhere', USUAL, 'the context', 'there is no such file or folder'],
  ['a file for a folder', { a: '' }, 'a', USUAL, 'the context', 'it is no folder'],
  ['no Dockerfile', { a: '' }, '.', USUAL, 'the Dockerfile Dockerfile', 'there is no such file'],
  ['a folder for it', { 'Dockerfile/a': '' }, '.', USUAL, 'the Dockerfile', 'it is a folder'],
  [
    'no pattern',
    { '.dockerignore': 'a\n[b', Dockerfile: '' },
    '.',
    USUAL,
    '.dockerignore',
    '"[b" has a [ without its end',
  ],
] as const)('says what is wrong: %s', async (_, files, place, dockerfile, what, why) => {
  const refusal = await refusalOf(join(folderOf(files), place), dockerfile);
  expect(refusal.message).toContain(what);
  expect(refusal.why).toContain(why);
  expect(refusal.next).not.toBe('');
});

it('refuses what is too large before it reads any of it', async () => {
  const folder = folderOf({ Dockerfile: 'FROM a' });
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), CONTEXT_BYTES_MAX + 1);
  const { message, why, next } = await refusalOf(folder);
  expect(message).toBe(`the context ${folder} is too large`);
  expect(why).toContain('more than 256 MiB of files');
  expect(next).toContain('.dockerignore');
});

it('tells of a file that changes while it is read', async () => {
  const folder = folderOf({ Dockerfile: 'FROM a', a: 'x'.repeat(10) });
  const { entries } = await readContext(folder, USUAL);
  for (const length of [5, 15]) {
    writeFileSync(join(folder, 'a'), 'x'.repeat(length));
    await expect(digest(bundleOf(RECIPE, entries))).rejects.toThrow(
      'a cannot be read, or has changed',
    );
  }
  rmSync(join(folder, 'a'));
  await expect(digest(bundleOf(RECIPE, entries))).rejects.toThrow(ContextError);
});

it.each<[string, string, boolean]>([
  ['that was not read', `${JSON.stringify({ ...RECIPE, dockerfile: 'Dockerfile' })}\ntar`, true],
  ['without a recipe that can be read', 'no recipe\ntar', false],
])('closes the file of a context %s', async (_, text, opens) => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from(text);
      yield Buffer.from('more');
    } finally {
      closed = true;
    }
  }
  const opened = openBundle(source());
  if (opens) (await opened).context.destroy();
  else await expect(opened).rejects.toThrow();
  await vi.waitUntil(() => closed);
});
