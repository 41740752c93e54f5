/** The options of commands that are about a Compose file, and the stack that they lead to. */
import type { Command } from 'commander';
import type { Packed } from './build.ts';
import type { Loaded } from './compose-file.ts';
import type { Cli } from './terminal.ts';

export type ComposeOptions = {
  readonly file?: readonly string[];
  readonly profile?: readonly string[];
  readonly name?: string;
  readonly envFile?: readonly string[];
  readonly strict?: boolean;
};

export function composeOptions(command: Command): Command {
  return command
    .option(
      '-f, --file <file>',
      'a Compose file, - for standard input; more are laid over it',
      many,
    )
    .option('--profile <name>', 'also the services with this profile, * for all of them', many)
    .option('--env-file <file>', 'variables, in place of .env; a later one wins', many)
    .option('-n, --name <name>', "the stack's name in place of the file's")
    .option('--strict', 'warnings are errors');
}

/** An option that may be given more than once. */
function many(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

export type Read = Omit<Loaded, 'builds'> & { readonly packed: readonly Packed[] };

/** The libraries that read it are loaded by those who need them. */
export async function readStack(cli: Cli, options: ComposeOptions): Promise<Read> {
  const { file, name, profile, envFile, strict = false } = options;
  const { loadStack } = await import('./compose-file.ts');
  const { readComposeFiles } = await import('./compose-files.ts');
  const envFiles = envFile ?? process.env['COMPOSE_ENV_FILES']?.split(',').filter(Boolean);
  const named = { files: file, stdin: cli.stdin, env: process.env, envFiles };
  const files = await readComposeFiles(named);
  const { builds, ...loaded } = loadStack(cli, {
    ...files,
    ...(envFiles !== undefined && { envFiles }),
    ...(name !== undefined && { name }),
    ...(profile !== undefined && { profiles: profile }),
    strict,
  });
  if (builds.size === 0) return { ...loaded, packed: [] };
  const { packBuilds } = await import('./build.ts');
  return { ...loaded, ...(await packBuilds(loaded.stack, builds)) };
}

/** As they would be typed again, each with a space before it. */
export function typedOptions({
  file = [],
  profile = [],
  envFile = [],
  name,
  strict,
}: ComposeOptions): string {
  return [
    ...file.map((path) => ` -f ${path}`),
    ...envFile.map((path) => ` --env-file ${path}`),
    ...profile.map((one) => ` --profile '${one}'`),
    name === undefined ? '' : ` -n ${name}`,
    strict === true ? ' --strict' : '',
  ].join('');
}
