/**
 * `npm run sim -- --seeds 1000`: whole clusters of the real core under faults, one per seed.
 *
 * Exit code 0: all passed, 10: a safety rule was broken, 11: no convergence after the faults, 12: the
 * same seed went two ways, 13: the simulator itself failed.
 */
import { parseArgs } from 'node:util';
import { drawOptions, faultsOf } from './options.ts';
import { narrator } from './narrate.ts';
import { type Outcome, simulate } from './run.ts';
import { addOutcome, createSummary, showSummary } from './summary.ts';

const EXIT = { unsafe: 10, stuck: 11, twoWays: 12, broken: 13 } as const;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    /** Run each seed twice and compare. */
    twice: { type: 'boolean', default: false },
    /** Do not stop at the first failure. */
    all: { type: 'boolean', default: false },
  },
});

try {
  process.exitCode = main(wholeNumber('seed', values.seed), wholeNumber('seeds', values.seeds));
} catch (error) {
  console.error(error);
  process.exitCode = EXIT.broken;
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new Error(
    `--${name} ${text} cannot be used: it must be a whole number from 1. Try --${name} 100.`,
  );
}

function main(first: number, count: number): number {
  const summary = createSummary();
  const startedAt = performance.now();
  let exitCode = 0;
  for (let seed = first; seed < first + count; seed++) {
    const code = runSeed(seed, (outcome) => addOutcome(summary, drawOptions(seed), outcome));
    exitCode ||= code;
    if (code !== 0 && !values.all) break;
  }
  console.log(showSummary(summary, performance.now() - startedAt));
  return exitCode;
}

function runSeed(seed: number, count: (outcome: Outcome) => void): number {
  const options = drawOptions(seed);
  const how = values.verbose ? { narrate: narrator(console.log) } : {};
  if (values.verbose) console.log(JSON.stringify(options));
  const outcome = simulate(options, values.twice ? { everyWord: true } : how);
  count(outcome);
  const { verdict, hash } = outcome;
  if (verdict.kind === 'passed') {
    if (!values.twice || simulate(options, { everyWord: true }).hash === hash) return 0;
    console.log(`seed ${seed} went two ways (M1)`);
    return EXIT.twoWays;
  }
  const { rule } = verdict;
  console.log(`seed ${seed} ${rule} at ${outcome.figures.simulatedMs} ms: ${verdict.text}`);
  console.log(`  faults     ${faultsOf(options).join(', ') || 'none'}`);
  console.log(`  reproduce  npm run sim -- --seed ${seed} --seeds 1 --verbose`);
  return EXIT[verdict.kind];
}
