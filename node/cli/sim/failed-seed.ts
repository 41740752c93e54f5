/** What is kept and said of a seed that failed: its tape, and how to see it again. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from '../../../sim/run.ts';
import type { Tape } from '../../../sim/tape.ts';
import { printTape } from '../../../sim/tape-file.ts';
import { typed } from '../invocation.ts';

/** Below the folder the command was typed in. */
export const TAPES_DIR = 'sim-failures';

export type FailedSeed = {
  readonly seed: number;
  readonly rule: string;
  readonly text: string;
  readonly atMs: number;
  /** Undefined: nothing could be recorded. */
  readonly tape: string | undefined;
  /** What to type to see it again. */
  readonly reproduce: string;
  /** Whose expectation it breaks. */
  readonly scenario?: string;
};

/** Returns where it is. */
export function keepTape(seed: number, tape: Tape): string {
  mkdirSync(TAPES_DIR, { recursive: true });
  const file = join(TAPES_DIR, `seed-${seed}.tape.json`);
  writeFileSync(file, printTape(tape));
  return file;
}

export const failedBy = (
  verdict: Exclude<Verdict, { kind: 'passed' }>,
  rest: Omit<FailedSeed, 'rule' | 'text'>,
): FailedSeed => ({ ...rest, rule: verdict.rule, text: verdict.text });

export function tellFailure(failure: FailedSeed): readonly string[] {
  const { seed, rule, text, atMs, tape, reproduce, scenario } = failure;
  const by = scenario === undefined ? '' : ` --scenario ${scenario}`;
  return [
    `seed ${seed} breaks ${rule} at ${(atMs / 1000).toFixed(3)} s: ${text}`,
    `  reproduce  ${reproduce}`,
    ...(tape === undefined
      ? []
      : [
          `  replay     ${typed(`sim replay ${tape}${by}`)}`,
          `  story      ${typed(`sim shrink ${tape}${by}`)}`,
        ]),
  ];
}
