/** `agentctl sim run`: a scenario, or a user's own stack under faults, over many seeds. */
import { EXPECTATION, play } from '../../../sim/scenario/play.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import { counted } from '../counted.ts';
import { typed } from '../invocation.ts';
import { type Column, table } from '../table.ts';
import { type Cli, print, printJson, widthOf } from '../terminal.ts';
import { exitOf, SIM_EXIT } from './exit.ts';
import { failedBy, type FailedSeed, keepTape, tellFailure } from './failed-seed.ts';
import { runSeeds, seedsFrom } from './pool.ts';
import { createProgress, howFar } from './progress.ts';
import {
  type ComponentFigures,
  exceeded,
  figuresOf,
  type Lengths,
  messagesPerHost,
  percent,
  type Totals,
} from './run-figures.ts';
import { loadSource, type Source, type SourceOptions } from './scenario-source.ts';
import type { SeedRun } from './seeds-worker.ts';

export type RunVerbOptions = SourceOptions & {
  readonly seed?: number;
  readonly runs?: number;
  readonly jobs: number;
};

export async function run(cli: Cli, file: string, options: RunVerbOptions): Promise<number> {
  const source = loadSource(cli, file, options);
  const { scenario } = source;
  const first = options.seed ?? source.seed;
  const count = options.runs ?? source.runs;
  const failures: FailedSeed[] = [];
  const totals = { runs: [] as SeedRun['measures'][], messages: 0, simulatedMs: 0 };
  const progress = createProgress(cli);
  const startedAt = performance.now();
  let exit: number = SIM_EXIT.passed;
  const task = { what: { kind: 'scenario', scenario }, mutant: undefined, twice: false } as const;
  for await (const one of runSeeds(seedsFrom(first, count), options.jobs, task)) {
    cli.signal.throwIfAborted();
    totals.runs.push(one.measures);
    totals.messages += one.outcome.figures.messages;
    totals.simulatedMs += one.outcome.figures.simulatedMs;
    const code = exitOf(one.outcome.verdict);
    exit = worse(exit, code);
    if (code !== SIM_EXIT.passed)
      failures.push(
        failureOf(one, {
          source,
          command: again(file, options),
          isKept: failures.length < TAPES_MAX,
        }),
      );
    const passedMs = performance.now() - startedAt;
    progress.show(
      () => `${howFar(totals.runs.length, count, passedMs)}, ${failures.length} failed`,
    );
  }
  progress.end();
  const over = exceeded(scenario.limits, totals, scenario.hostCount);
  if (over.length > 0) exit = worse(exit, SIM_EXIT.stuck);
  const report = { scenario, first, count, totals, over, failures };
  if (cli.json) printJson(cli, bodyOf(report));
  else tell(cli, report);
  return exit;
}

/** What was broken says more than what was late. */
const worse = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));

/** Seeds that fail alike are many: the first ones are kept. */
const TAPES_MAX = 10;

type Failing = {
  readonly source: Source;
  /** What was typed, without seeds. */
  readonly command: string;
  readonly isKept: boolean;
};

function failureOf({ seed, outcome }: SeedRun, { source, command, isKept }: Failing): FailedSeed {
  const { verdict, figures } = outcome;
  const { scenario, file } = source;
  if (verdict.kind === 'passed') throw new Error(`seed ${seed} has passed`);
  const tape = isKept ? play(scenario, seed, { recording: true }).outcome.tape : undefined;
  return failedBy(verdict, {
    seed,
    atMs: figures.simulatedMs,
    tape: tape === undefined ? undefined : keepTape(seed, tape),
    reproduce: `${command} --seed ${seed} --runs 1`,
    ...(verdict.rule === EXPECTATION ? { scenario: file } : {}),
  });
}

function again(file: string, { hosts, faults, for: forMs }: RunVerbOptions): string {
  const words = [
    `sim run ${file}`,
    ...(hosts === undefined ? [] : [`--hosts ${hosts}`]),
    ...(faults === undefined ? [] : [`--faults ${faults}`]),
    ...(forMs === undefined ? [] : [`--for ${forMs}ms`]),
  ];
  return typed(words.join(' '));
}

type Report = {
  readonly scenario: Scenario;
  readonly first: number;
  readonly count: number;
  readonly totals: Totals;
  readonly over: readonly string[];
  readonly failures: readonly FailedSeed[];
};

function tell(cli: Cli, { scenario, first, count, totals, over, failures }: Report): void {
  const { name, hostCount, faults, forMs, expect } = scenario;
  const plan = typeof faults === 'string' ? faults : faults.join(', ');
  const seeds = count === 1 ? `seed ${first}` : `seeds ${first} to ${first + count - 1}`;
  print(cli, `${name}: ${hostCount} hosts, ${forMs / 1000} s, random faults ${plan}, ${seeds}`, '');
  const style = { width: widthOf(cli.stdout), heading: (text: string) => cli.paint('dim', text) };
  const figures = figuresOf(totals);
  print(cli, ...table(figures, COLUMNS, style), '');
  for (const { component, neverUp } of figures)
    if (neverUp > 0) print(cli, `${component} never was complete in ${counted(neverUp, 'run')}`);
  for (const failure of failures.slice(0, TOLD_MAX)) print(cli, ...tellFailure(failure));
  if (failures.length > TOLD_MAX) print(cli, `and ${failures.length - TOLD_MAX} more seeds`);
  for (const sentence of over) print(cli, `limit: ${sentence}`);
  const held = expect.length === 0 ? '' : `, ${counted(expect.length, 'expectation')} each`;
  print(
    cli,
    `${count - failures.length} of ${count} runs passed${held}; ${messagesPerHost(totals, hostCount)} messages a second and host`,
  );
}

const TOLD_MAX = 3;

const COLUMNS: readonly Column<ComponentFigures>[] = [
  { title: 'COMPONENT', cell: ({ component }) => component },
  { title: 'THERE', cell: ({ available }) => percent(available), right: true },
  { title: 'COMPLETE', cell: ({ complete }) => percent(complete), right: true },
  { title: 'DOUBLE', cell: (one) => length(one.longestDoubleMs), right: true },
  ...lengthColumns('FAILOVERS', ({ failovers }) => failovers),
  ...lengthColumns('RESTARTS', ({ restarts }) => restarts),
];

const length = (ms: number | undefined): string =>
  ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`;

function lengthColumns(
  title: string,
  of: (figures: ComponentFigures) => Lengths,
): readonly Column<ComponentFigures>[] {
  return [
    { title, cell: (one) => `${of(one).count}`, right: true },
    { title: 'P50', cell: (one) => length(of(one).p50Ms), right: true },
    { title: 'P99', cell: (one) => length(of(one).p99Ms), right: true },
  ];
}

function bodyOf({ scenario, first, count, totals, over, failures }: Report): object {
  return {
    schema: 'millrace/sim-run/1',
    name: scenario.name,
    hosts: scenario.hostCount,
    faults: scenario.faults,
    first,
    runs: count,
    simulated_ms: totals.simulatedMs,
    messages_per_host: messagesPerHost(totals, scenario.hostCount),
    components: figuresOf(totals).map((one) => ({
      component: one.component,
      available: one.available,
      complete: one.complete,
      longest_double_ms: one.longestDoubleMs,
      failovers: lengthsBody(one.failovers),
      restarts: lengthsBody(one.restarts),
      missing: one.missing,
      never_up: one.neverUp,
    })),
    exceeded: over,
    failures,
  };
}

const lengthsBody = ({ count, p50Ms, p99Ms }: Lengths): object => ({
  count,
  p50_ms: p50Ms,
  p99_ms: p99Ms,
});
