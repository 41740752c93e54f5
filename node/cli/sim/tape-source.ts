/** A tape named on the command line, and the expectations it was recorded under. */
import { readFileSync } from 'node:fs';
import type { Expectation } from '../../../sim/scenario/expect.ts';
import type { Tape } from '../../../sim/tape.ts';
import { parseTape } from '../../../sim/tape-file.ts';
import { EXIT, Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import type { Cli } from '../terminal.ts';
import { loadExpectations } from './scenario-source.ts';

export type Recorded = { readonly tape: Tape; readonly expect: readonly Expectation[] };

export function loadTape(cli: Cli, file: string, scenario: string | undefined): Recorded {
  const read = parseTape(readText(file));
  if (!read.ok) {
    const { what, why, next } = read.error;
    throw new Failure({ code: 'bad-tape', what: `${file}: ${what}`, why, next, exit: EXIT.usage });
  }
  const tape = read.value;
  const expect = scenario === undefined ? [] : loadExpectations(cli, scenario, tape.options);
  return { tape, expect };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const next = `name a tape, as a failing seed leaves it: ${typed('sim replay FILE')}`;
    const what = `${file} cannot be read`;
    throw new Failure({ code: 'no-file', what, why, next, exit: EXIT.usage }, { cause });
  }
}
