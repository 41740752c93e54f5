/** A Compose file to a stack, with its problems told on standard error, one per line. */
import type { StackSpec } from '../../protocol/component/spec.ts';
import { loadCompose } from '../compose/load.ts';
import type { BuildSource } from '../compose/service/build.ts';
import { renderProblem } from '../compose/problems.ts';
import { counted } from './counted.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import { type Cli, note } from './terminal.ts';

export type ComposeText = {
  readonly text: string;
  /** As the user named it. */
  readonly path: string;
  /** Laid over it, in this order. */
  readonly overrides?: readonly { readonly path: string; readonly text: string }[];
  /** Relative paths in the files start here. */
  readonly dir: string;
  /** A folder whose `.env` wins over that of `dir`. */
  readonly callerDir?: string;
  readonly name?: string;
  readonly profiles?: readonly string[];
  readonly envFiles?: readonly string[];
  /** Warnings are errors. */
  readonly strict: boolean;
};

/** `warnings`: as they were told, one a line. */
export type Loaded = {
  readonly stack: StackSpec;
  /** What is in its secrets, by name, in base64. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Of the images that are built, which have no tag yet. */
  readonly builds: ReadonlyMap<string, BuildSource>;
};

/** Throws a `Failure` with exit 2 where the file cannot be deployed as it is. */
export function loadStack(cli: Cli, { strict, text, ...source }: ComposeText): Loaded {
  const result = loadCompose(text, { ...source, env: process.env });
  if (!result.ok) {
    if (!cli.json) note(cli, ...result.problems.map(renderProblem));
    throw refused(source.path, result.problems.map(renderProblem), 'problem');
  }
  const warnings = result.warnings.map(renderProblem);
  if (strict && warnings.length > 0) {
    if (!cli.json) note(cli, ...warnings);
    throw refused(source.path, warnings, 'warning');
  }
  if (!cli.json) note(cli, ...warnings.map((warning) => `warning: ${warning}`));
  const secrets = [...result.secrets].map(([name, content]) => [name, base64(content)]);
  const { stack, builds } = result;
  return { stack, secrets: Object.fromEntries(secrets), builds, warnings };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function refused(path: string, told: readonly string[], what: 'problem' | 'warning'): Failure {
  const count = counted(told.length, what);
  return new Failure({
    code: 'bad-compose',
    what: `${path} cannot be deployed: ${count}`,
    why: what === 'warning' ? `--strict, and: ${told[0] ?? ''}` : (told[0] ?? ''),
    next: `mend ${path} and run again: ${typed(`deploy -f ${path}`)}`,
    exit: EXIT.usage,
  });
}
