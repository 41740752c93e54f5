/**
 * One thread that runs the seeds it is given, one after the other: of the code as it is, or of a mutant
 * of it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import type { Outcome } from '../../../sim/run.ts';
import { mutateWhenLoaded } from './mutate-when-loaded.ts';

/** As the thread is started. */
export type Task = {
  readonly mutant: Mutant | undefined;
  /** Each seed runs twice, and every word of its course is compared (M1). */
  readonly twice: boolean;
};
export type SeedRun = {
  readonly seed: number;
  readonly outcome: Outcome;
  /** Ran twice, and went two ways. */
  readonly isUnsteady: boolean;
};

const { mutant, twice } = workerData as Task;

if (mutant !== undefined) mutateWhenLoaded(mutant);
const { simulate } = await import('../../../sim/run.ts');
const { drawOptions } = await import('../../../sim/options.ts');

parentPort?.on('message', (seed: number) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  parentPort?.postMessage(runSeed(seed));
});

function runSeed(seed: number): SeedRun {
  const options = drawOptions(seed);
  const outcome = simulate(options, { everyWord: twice });
  const isUnsteady = twice && simulate(options, { everyWord: true }).hash !== outcome.hash;
  return { seed, outcome, isUnsteady };
}
