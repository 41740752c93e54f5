/**
 * One thread that runs the seeds it is given, one after the other: of the code as it is, or of a mutant
 * of it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import type { Outcome } from '../../../sim/run.ts';
import type { Measures } from '../../../sim/scenario/measure.ts';
import type { Plan } from '../../../sim/scenario/plan.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import { mutateWhenLoaded } from './mutate-when-loaded.ts';

/** As the thread is started. */
export type Task = {
  readonly what:
    | { readonly kind: 'storm'; readonly plan: Plan }
    | { readonly kind: 'scenario'; readonly scenario: Scenario };
  readonly mutant: Mutant | undefined;
  /** Each seed runs twice, and every word of its course is compared (M1). */
  readonly twice: boolean;
};
export type SeedRun = {
  readonly seed: number;
  readonly outcome: Outcome;
  /** Of a scenario. */
  readonly measures: readonly Measures[];
  /** Ran twice, and went two ways. */
  readonly isUnsteady: boolean;
};

const { mutant, twice, what } = workerData as Task;

if (mutant !== undefined) mutateWhenLoaded(mutant);
const { simulate } = await import('../../../sim/run.ts');
const { optionsUnder } = await import('../../../sim/scenario/plan.ts');
const { play } = await import('../../../sim/scenario/play.ts');

parentPort?.on('message', (seed: number) => {
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
    parentPort?.postMessage(runSeed(seed));
  } catch (cause) {
    throw new Error(`the simulator itself failed at seed ${seed}: ${String(cause)}`, { cause });
  }
});

function runSeed(seed: number): SeedRun {
  const first = runOnce(seed);
  // What has passed passes again on the same course; on any other it is unsteady.
  const isUnjudged = first.outcome.verdict.kind === 'passed';
  const isUnsteady = twice && runOnce(seed, isUnjudged).outcome.hash !== first.outcome.hash;
  return { seed, ...first, isUnsteady };
}

function runOnce(seed: number, isUnjudged = false): Pick<SeedRun, 'outcome' | 'measures'> {
  const how = { everyWord: twice, isUnjudged };
  if (what.kind === 'scenario') return play(what.scenario, seed, how);
  return { outcome: simulate(optionsUnder(what.plan, seed), how), measures: [] };
}
