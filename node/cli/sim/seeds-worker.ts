/**
 * One thread that runs the seeds it is given, one after the other: of the code as it is, or of a mutant
 * of it, whose one file is changed while it is loaded. Nothing that leads to that file may be imported
 * before.
 */
import { type LoadFnOutput, registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { mutate, type Mutant } from '../../../sim/mutants/mutant.ts';
import type { Outcome } from '../../../sim/run.ts';

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
const ROOT = new URL('../../../', import.meta.url);

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

function textOf(source: LoadFnOutput['source']): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}

function mutateWhenLoaded(wanted: Mutant): void {
  const target = new URL(wanted.file, ROOT).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target) return loaded;
      const source = mutate(wanted, textOf(loaded.source));
      if (source === undefined) throw new Error(`the place of ${wanted.name} is not in ${url}`);
      return { ...loaded, source };
    },
  });
}
