/** Which Compose files a command is about: those named, else those of COMPOSE_FILE, else the usual ones. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Complaint } from '../compose/problems.ts';
import { readText, UNREADABLE } from '../compose/read/file.ts';
import { FILE_BYTES_MAX, TOO_LARGE } from '../compose/read/scan.ts';
import { environmentLookup, variablesFiles, withVariables } from '../compose/read/variables.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';

export type ComposeFiles = {
  readonly path: string;
  readonly text: string;
  readonly overrides: readonly { readonly path: string; readonly text: string }[];
  readonly dir: string;
  /** Where the command is called: a folder besides, whose `.env` counts too. */
  readonly callerDir?: string;
};

const USUAL = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const USUAL_OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];
const STDIN = 'standard input';

export type Wanted = {
  /** As named on the command line, `-` for standard input. */
  readonly files: readonly string[] | undefined;
  readonly stdin: Readable;
  readonly env: NodeJS.ProcessEnv;
  /** In place of `.env`. */
  readonly envFiles?: readonly string[] | undefined;
};

/** Throws a `Failure` where one of them cannot be read. */
export async function readComposeFiles({
  files,
  stdin,
  env,
  envFiles,
}: Wanted): Promise<ComposeFiles> {
  const [first, ...others] =
    files ?? filesOfEnvironment(env, envFiles) ?? usualFiles(process.cwd());
  if (first === undefined) throw noneFound();
  const read = async (file: string) =>
    file === '-'
      ? { path: STDIN, text: await readStdin(stdin) }
      : { path: file, text: readFile(file) };
  const cwd = process.cwd();
  const dir = first === '-' ? cwd : dirname(resolve(first));
  const { path, text } = await read(first);
  const overrides = [];
  for (const file of others) overrides.push(await read(file));
  const isElsewhere = files === undefined && dir !== cwd;
  return { path, text, overrides, dir, ...(isElsewhere && { callerDir: cwd }) };
}

/** COMPOSE_FILE may also stand in `.env` of this folder. */
function filesOfEnvironment(
  env: NodeJS.ProcessEnv,
  envFiles: readonly string[] | undefined,
): readonly string[] | undefined {
  const outer = environmentLookup(env);
  const variables = withVariables(
    outer,
    variablesFiles(envFiles, { dir: process.cwd(), shownDir: '.' }),
  );
  // What is wrong with it is told by those who need it.
  const lookup = variables.ok ? variables.value.lookup : outer;
  const files = lookup('COMPOSE_FILE')?.split(lookup('COMPOSE_PATH_SEPARATOR') || ':') ?? [];
  const named = files.filter((file) => file !== '');
  return named.length > 0 ? named : undefined;
}

/** Of this folder, else of the nearest one above it, with the override beside it. */
function usualFiles(cwd: string): readonly string[] {
  for (let dir = cwd, shown = ''; ; dir = dirname(dir), shown = join(shown, '..')) {
    const isHere = (name: string): boolean => existsSync(join(dir, name));
    const file = USUAL.find(isHere);
    if (file !== undefined) {
      const override = USUAL_OVERRIDES.find(isHere);
      return [file, ...(override === undefined ? [] : [override])].map((name) => join(shown, name));
    }
    if (dirname(dir) === dir) return [];
  }
}

function readFile(file: string): string {
  const text = readText(file);
  if (text.ok) return text.value;
  throw unreadable(file, text.error);
}

async function readStdin(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    length += bytes.length;
    if (length > FILE_BYTES_MAX) throw unreadable(STDIN, TOO_LARGE);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreadable(file: string, { message, why, next }: Complaint): Failure {
  return new Failure({
    code: 'no-file',
    what: `${file} cannot be read`,
    why: why === undefined ? message : message === UNREADABLE ? why : `${message}: ${why}`,
    next: next ?? `name the Compose file: ${typed('deploy -f FILE')}`,
    exit: EXIT.usage,
  });
}

function noneFound(): Failure {
  return new Failure({
    code: 'no-file',
    what: 'there is no Compose file here',
    why: `neither this folder nor one above it has a ${USUAL.join(', ')}`,
    next: `name it: ${typed('deploy -f FILE')}`,
    exit: EXIT.usage,
  });
}
