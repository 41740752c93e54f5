/** How `agentctl` can be typed here, also when `agentd` says so: by its name, or `npx agentctl` from a clone. */
import { basename } from 'node:path';
import { isSea } from 'node:sea';

export type Invocation = {
  readonly script: string | undefined;
  /** The one executable, which needs no clone. */
  readonly isWhole: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** `rest` is what follows the name: `typed('status -w')`. */
export function typed(rest?: string): string {
  const name = commandName({ script: process.argv[1], isWhole: isSea(), env: process.env });
  return rest === undefined ? name : `${name} ${rest}`;
}

/** Advice that was written without knowing how we were started, as it can be typed here. */
export function asTyped(advice: string): string {
  return advice.replace(/(?<![\w/-])(?:npx )?agentctl(?= )/g, typed());
}

/**
 * Installed, it is the one executable, or the script is a link on the PATH with the name of the program. From a clone it is
 * `main.ts`, or npm started it (`npx agentctl`, `npm run agentctl`), and npx is what works there.
 */
export function commandName({ script, isWhole, env }: Invocation): 'agentctl' | 'npx agentctl' {
  if (isWhole) return 'agentctl';
  if (env['npm_execpath'] !== undefined || env['npm_lifecycle_event'] !== undefined)
    return 'npx agentctl';
  const installed = script !== undefined && PROGRAMS.has(basename(script));
  return installed && !script.includes('/node_modules/.bin/') ? 'agentctl' : 'npx agentctl';
}

const PROGRAMS: ReadonlySet<string> = new Set(['agentctl', 'agentd']);
