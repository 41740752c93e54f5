/**
 * Whether the checkers see what they are for: every mutant must be caught by a checker it names, and
 * never by an exception; the code as it is must pass every seed that was needed for it. Those for which
 * a walk of `explore` is named must be found by it too.
 */
import { once } from 'node:events';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import { drawOptions } from '../../../sim/swarm.ts';
import { startThread } from '../../thread.ts';
import { runSeeds, type Seeds, seedsFrom } from './pool.ts';
import type { Walked, WalkTask } from './walk-worker.ts';

export type Caught =
  | {
      readonly kind: 'caught';
      readonly rule: string;
      readonly seed: number;
      /** Seeds run until then, this one included. */
      readonly seedsNeeded: number;
      readonly text: string;
    }
  /** All seeds passed, or what failed is no checker of the mutant's. */
  | { readonly kind: 'missed'; readonly text: string };
export type Trial = {
  readonly mutant: Mutant;
  readonly outcome: Caught;
  /** What the mutant's walk has found, if it names one. */
  readonly walked: Walked;
};

export const isCaught = ({ mutant, outcome, walked }: Trial): boolean =>
  outcome.kind === 'caught' && (mutant.walk === undefined || walked !== undefined);
export type Selftest = {
  readonly trials: readonly Trial[];
  /** Of the code as it is, on the seeds that were needed. */
  readonly unmutated: {
    readonly seeds: number;
    readonly failures: readonly { readonly seed: number; readonly text: string }[];
  };
};

type Init = Seeds & {
  readonly mutants: readonly Mutant[];
  /** Told of each as soon as it is known. */
  readonly onTrial: (trial: Trial) => void;
};

export async function selftest({ mutants, onTrial, ...seeds }: Init): Promise<Selftest> {
  const waiting = [...mutants];
  const trials = new Map<Mutant, Trial>();
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await tryMutant(mutant, seeds);
      const trial: Trial = { mutant, outcome, walked: await walkMutant(mutant) };
      trials.set(mutant, trial);
      onTrial(trial);
    }
  };
  await Promise.all(Array.from({ length: seeds.jobs }, work));
  const inOrder = mutants.flatMap((mutant) => trials.get(mutant) ?? []);
  const needed = new Set<number>();
  for (const { mutant, outcome } of inOrder)
    if (outcome.kind === 'caught')
      for (const seed of seedsFor(mutant, { ...seeds, count: outcome.seedsNeeded }))
        needed.add(seed);
  const failures = await passes(
    [...needed].toSorted((a, b) => a - b),
    seeds.jobs,
  );
  return { trials: inOrder, unmutated: { seeds: needed.size, failures } };
}

/** So many seeds from the first on, of those among which the mutant is sought. */
function* seedsFor({ among }: Mutant, { first, count }: Seeds): Generator<number, void> {
  if (among === undefined) return yield* seedsFrom(first, count);
  let left = count;
  for (const seed of seedsFrom(first, Infinity)) {
    if (left === 0) return;
    const options = drawOptions(seed);
    if ({ ...options, ...options.recurring }[among] === undefined) continue;
    left -= 1;
    yield seed;
  }
}

const SWARM = { kind: 'storm', plan: 'swarm' } as const;

async function tryMutant(mutant: Mutant, seeds: Seeds): Promise<Caught> {
  const runs = runSeeds(seedsFor(mutant, seeds), 1, { what: SWARM, mutant, twice: false });
  let seedsNeeded = 0;
  for await (const { seed, outcome } of runs) {
    const { verdict } = outcome;
    seedsNeeded += 1;
    if (verdict.kind === 'passed') continue;
    const { rule, text } = verdict;
    if (!mutant.rules.includes(rule))
      return { kind: 'missed', text: `seed ${seed} fails by ${rule}: ${text}` };
    return { kind: 'caught', rule, seed, seedsNeeded, text };
  }
  return { kind: 'missed', text: `${seedsNeeded} seeds passed` };
}

async function walkMutant(mutant: Mutant): Promise<Walked> {
  const { walk } = mutant;
  if (walk === undefined) return undefined;
  const workerData: WalkTask = { mutant, walk };
  const worker = startThread(new URL('./walk-worker.ts', import.meta.url), { workerData });
  const [walked] = (await once(worker, 'message')) as [Walked];
  await worker.terminate();
  return walked;
}

async function passes(
  seeds: readonly number[],
  jobs: number,
): Promise<Selftest['unmutated']['failures']> {
  const failures: { readonly seed: number; readonly text: string }[] = [];
  for await (const { seed, outcome } of runSeeds(seeds, jobs, {
    what: SWARM,
    mutant: undefined,
    twice: false,
  })) {
    const { verdict } = outcome;
    if (verdict.kind !== 'passed')
      failures.push({ seed, text: `${verdict.rule}: ${verdict.text}` });
  }
  return failures;
}
