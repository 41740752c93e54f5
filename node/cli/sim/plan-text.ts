/** Files that say what is to happen, a scenario or a plan: how they are read, and refused. */
import { readFileSync } from 'node:fs';
import { type Problem, renderProblem } from '../../compose/problems.ts';
import { counted } from '../counted.ts';
import { EXIT, Failure } from '../failure.ts';
import { type Cli, note } from '../terminal.ts';

/** `next`: what to type instead. */
export function readText(file: string, next: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `${file} cannot be read`;
    throw new Failure({ code: 'no-file', what, why, next, exit: EXIT.usage }, { cause });
  }
}

/** Tells all of them, and returns the failure that names the first; `guide` has the language. */
export function problemsIn(
  cli: Cli,
  file: string,
  problems: readonly Problem[],
  { code, guide }: { readonly code: string; readonly guide: string },
): Failure {
  const told = problems.map(renderProblem);
  if (!cli.json) note(cli, ...told);
  return new Failure({
    code,
    what: `${file} cannot be run: ${counted(told.length, 'problem')}`,
    why: told[0] ?? '',
    next: `mend ${file}; ${guide} has the language`,
    exit: EXIT.usage,
  });
}
