/** Which files a command reads when it is told some, or none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, expect, it } from 'vitest';
import { readComposeFiles } from '../../../node/cli/compose-files.ts';
import { Failure } from '../../../node/cli/failure.ts';
import { loadCompose } from '../../../node/compose/load.ts';

const start = process.cwd();
const top = mkdtempSync(join(tmpdir(), 'millrace-files-'));
let count = 0;
afterEach(() => process.chdir(start));
afterAll(() => rmSync(top, { recursive: true }));

/** The paths that are read in a folder with these files; each holds its own name. */
async function pathsIn(
  present: readonly string[],
  { cwd = '.', files, env = {}, stdin = '' }: Given = {},
): Promise<readonly string[]> {
  count += 1;
  const folder = join(top, String(count));
  mkdirSync(join(folder, cwd), { recursive: true });
  for (const file of present) writeFileSync(join(folder, file), file);
  process.chdir(join(folder, cwd));
  const read = await readComposeFiles({ files, env, stdin: Readable.from([Buffer.from(stdin)]) });
  return [read, ...read.overrides].map(({ path, text }) =>
    path === text ? path : `${path}=${text}`,
  );
}
type Given = {
  readonly cwd?: string;
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

const both = ['compose.yaml', 'compose.override.yaml'];
it.each<[readonly string[], Given, readonly string[], string]>([
  [['compose.yaml', 'docker-compose.yml'], {}, ['compose.yaml'], 'the first of the usual names'],
  [['docker-compose.yml'], {}, ['docker-compose.yml'], 'the old name'],
  [both, {}, both, 'with the override beside it'],
  [
    ['compose.yml', 'compose.override.yml'],
    {},
    ['compose.yml', 'compose.override.yml'],
    'whatever its ending',
  ],
  [
    ['docker-compose.yml', 'compose.override.yml'],
    {},
    ['docker-compose.yml', 'compose.override.yml'],
    'whatever its name, as docker compose does',
  ],
  [
    ['compose.yaml', 'docker-compose.override.yaml', 'docker-compose.override.yml'],
    {},
    ['compose.yaml', 'docker-compose.override.yml'],
    'the first of the usual overrides',
  ],
  [both, { files: ['compose.yaml'] }, ['compose.yaml'], 'no override where files are named'],
  [['a', 'b'], { files: ['b', 'a'] }, ['b', 'a'], 'in the order they are named'],
  [['a', 'b', 'compose.yaml'], { env: { COMPOSE_FILE: 'a:b' } }, ['a', 'b'], 'COMPOSE_FILE'],
  [
    ['a', 'b'],
    { env: { COMPOSE_FILE: 'a,b', COMPOSE_PATH_SEPARATOR: ',' } },
    ['a', 'b'],
    'another separator',
  ],
  [
    ['a', 'b'],
    { files: ['b'], env: { COMPOSE_FILE: 'a' } },
    ['b'],
    'named files win over COMPOSE_FILE',
  ],
  [['a'], { files: ['-', 'a'], stdin: 'hello' }, ['standard input=hello', 'a'], 'standard input'],
])('of %j with %j it reads %j: %s', async (present, given, wanted) => {
  expect(await pathsIn(present, given)).toEqual(wanted);
});

it('looks in the folders above', async () => {
  const read = pathsIn(both, { cwd: 'sub/deeper' });
  await expect(read).resolves.toEqual(both.map((name) => `../../${name}=${name}`));
});

const stack = 'services: {web: {image: "${A}-${B}-${C}-${D:-}"}}';
it.each<[Given & { readonly envFiles?: readonly string[] }, string, string]>([
  [{ env: { COMPOSE_FILE: 'sub/c.yaml', C: '3' } }, '1-1-3-11', 'both, this folder wins'],
  [{ files: ['sub/c.yaml'], env: { C: '3' } }, '-2-3-2', 'that of the file that is named'],
  [{ env: { COMPOSE_FILE: 'sub/c.yaml' }, envFiles: ['x.env'] }, 'x-x--', 'only those named'],
  [{ cwd: 'sub/deeper' }, '-deep-2-deep', 'also where the file is in a folder above'],
])('fills in with the variables of .env for %j: %s: %s', async (given, wanted) => {
  count += 1;
  const folder = join(top, String(count));
  mkdirSync(join(folder, 'sub/deeper'), { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write('sub/c.yaml', stack);
  write('sub/compose.yaml', stack);
  write('.env', 'A=1\nB=1\n');
  write('x.env', 'A=x\nB=x\n');
  write('sub/.env', 'B=2\nC=2\nD=${A:-}$B\n');
  write('sub/deeper/.env', 'B=deep\n');
  process.chdir(join(folder, given.cwd ?? '.'));
  const { files, env = {}, envFiles } = given;
  const read = await readComposeFiles({ files, env, envFiles, stdin: Readable.from([]) });
  const loaded = loadCompose(read.text, { ...read, env, ...(envFiles && { envFiles }), name: 'n' });
  expect(loaded.ok ? loaded.stack.components[0]?.image : loaded.problems).toBe(wanted);
});

it.each<[readonly string[], Given, string, string]>([
  [[], { files: ['gone.yaml'] }, 'gone.yaml cannot be read', 'there is no such file'],
  [[], { files: ['.'] }, '. cannot be read', 'it is a folder'],
  [
    [],
    { files: ['/dev/zero'] },
    '/dev/zero cannot be read',
    'the file is too large: at most 1 MiB are read',
  ],
  [
    [],
    { files: ['-'], stdin: 'x'.repeat(2 << 20) },
    'standard input cannot be read',
    'the file is too large: at most 1 MiB are read',
  ],
])('with %j and %j it says %s: %s', async (present, given, what, why) => {
  const outcome = await pathsIn(present, given).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(Failure);
  expect((outcome as Failure).parts).toMatchObject({ code: 'no-file', what, why, exit: 2 });
});
