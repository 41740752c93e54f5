/** `agentctl sim fuzz`: one seed after the other, until all have passed, one fails, or time is up. */
import { optionsUnder, type Plan } from '../../../sim/scenario/plan.ts';
import { simulate } from '../../../sim/run.ts';
import { typed } from '../invocation.ts';
import { type Cli, print, printJson } from '../terminal.ts';
import { exitOf, SIM_EXIT } from './exit.ts';
import { failedBy, type FailedSeed, keepTape, tellFailure } from './failed-seed.ts';
import { addOutcome, createSummary, summaryBody, summaryLines } from './fuzz-summary.ts';
import { readPlan } from './plan-option.ts';
import { runSeeds, seedsFrom } from './pool.ts';
import { createProgress, howFar } from './progress.ts';
import type { SeedRun, Task } from './seeds-worker.ts';

export type FuzzOptions = {
  /** Undefined: as many as the time allows, or a hundred. */
  readonly seeds?: number;
  readonly seed: number;
  readonly jobs: number;
  /** Milliseconds. */
  readonly time?: number;
  readonly profile: string;
  readonly twice?: boolean;
  readonly all?: boolean;
};

const SEEDS = 100;

export async function fuzz(cli: Cli, options: FuzzOptions): Promise<number> {
  const { seed: first, jobs, time = Infinity, twice = false, all = false } = options;
  const plan = readPlan(options.profile, '--profile');
  const count = options.seeds ?? (options.time === undefined ? SEEDS : Infinity);
  const summary = createSummary();
  const progress = createProgress(cli);
  const startedAt = performance.now();
  const passedMs = (): number => performance.now() - startedAt;
  const failures: FailedSeed[] = [];
  let exit: number = SIM_EXIT.passed;
  const task: Task = { what: { kind: 'storm', plan }, mutant: undefined, twice };
  const runs = runSeeds(seedsFrom(first, count), jobs, task);
  for await (const run of runs) {
    cli.signal.throwIfAborted();
    addOutcome(summary, optionsUnder(plan, run.seed), run.outcome);
    const code = codeOf(run);
    if (code !== SIM_EXIT.passed) {
      exit ||= code;
      const failure = failureOf(run, plan, options);
      failures.push(failure);
      progress.end();
      if (!cli.json) print(cli, ...tellFailure(failure));
      if (!all) break;
    }
    if (passedMs() > time) break;
    progress.show(() => `${howFar(summary.seeds, count, passedMs())}, ${failures.length} failed`);
  }
  progress.end();
  if (!cli.json) print(cli, ...summaryLines(summary, passedMs()));
  else
    printJson(cli, {
      schema: 'millrace/sim-fuzz/1',
      profile: options.profile,
      first,
      ...summaryBody(summary, passedMs()),
      failures,
    });
  return exit;
}

function codeOf({ outcome, isUnsteady }: SeedRun): number {
  const code = exitOf(outcome.verdict);
  return code === SIM_EXIT.passed && isUnsteady ? SIM_EXIT.twoWays : code;
}

/** Run once more, to record it. */
function failureOf(
  { seed, outcome }: SeedRun,
  plan: Plan,
  { profile, twice }: FuzzOptions,
): FailedSeed {
  const { verdict, figures } = outcome;
  const tape = simulate(optionsUnder(plan, seed), { recording: true }).tape;
  const rest = {
    seed,
    atMs: figures.simulatedMs,
    tape: tape === undefined ? undefined : keepTape(seed, tape),
    reproduce: typed(
      `sim fuzz --seed ${seed} --seeds 1 --profile ${profile}${twice === true ? ' --twice' : ''}`,
    ),
  };
  if (verdict.kind === 'passed')
    return { ...rest, rule: 'M1', text: 'the same seed went two ways' };
  return failedBy(verdict, rest);
}
