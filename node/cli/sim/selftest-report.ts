/** `agentctl sim selftest`: each mutant, which checker caught it, and after how many seeds. */
import { isSea } from 'node:sea';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../../sim/mutants/mutants.ts';
import { counted } from '../counted.ts';
import { EXIT, Failure, usageFailure } from '../failure.ts';
import { type Column, table } from '../table.ts';
import { type Cli, note, print, printJson, widthOf } from '../terminal.ts';
import { SIM_EXIT } from './exit.ts';
import { createProgress, howFar } from './progress.ts';
import { isCaught, selftest, type Selftest, type Trial } from './selftest.ts';

export type SelftestOptions = {
  readonly seeds: number;
  readonly seed: number;
  readonly jobs: number;
  readonly only?: readonly string[];
};

export async function reportSelftest(cli: Cli, options: SelftestOptions): Promise<number> {
  if (isSea()) throw needsSources();
  const { seed: first, seeds: count, jobs, only } = options;
  const mutants = only === undefined ? MUTANTS : only.map(mutantNamed);
  const progress = createProgress(cli);
  const startedAt = performance.now();
  let done = 0;
  const result = await selftest({
    first,
    count,
    jobs,
    mutants,
    onTrial({ mutant }) {
      cli.signal.throwIfAborted();
      done += 1;
      const passedMs = performance.now() - startedAt;
      progress.show(() => `${howFar(done, mutants.length, passedMs)}, last ${mutant.name}`);
    },
  });
  progress.end();
  if (cli.json) printJson(cli, bodyOf(result));
  else tell(cli, result);
  if (result.unmutated.failures.length > 0) return SIM_EXIT.unsafe;
  return result.trials.every(isCaught) ? SIM_EXIT.passed : SIM_EXIT.broken;
}

function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant !== undefined) return mutant;
  const names = MUTANTS.map((one) => one.name).join(', ');
  throw usageFailure(`there is no mutant ${name}`, `they are ${names}`, 'name one of them');
}

function needsSources(): Failure {
  return new Failure({
    code: 'needs-sources',
    what: 'this agentctl cannot break the protocol on purpose',
    why: 'a mutant is a change of the sources, and the installed program carries none',
    next: 'in a clone of the repository: npx agentctl sim selftest',
    exit: EXIT.usage,
  });
}

function tell(cli: Cli, { trials, unmutated }: Selftest): void {
  const style = { width: widthOf(cli.stdout), heading: (text: string) => cli.paint('dim', text) };
  print(cli, ...table(trials, COLUMNS, style), '');
  const missed = trials.filter((trial) => !isCaught(trial));
  for (const { mutant, outcome } of missed)
    print(cli, `missed: ${mutant.name}: ${whyMissed(mutant, outcome)}`);
  for (const { seed, text } of unmutated.failures)
    note(cli, `without a mutant seed ${seed} fails: ${text}`);
  const passed = unmutated.failures.length === 0 ? 'passes' : 'does not pass';
  print(
    cli,
    `${trials.length - missed.length} of ${counted(trials.length, 'mutant')} caught; the code as it is ${passed} the same ${counted(unmutated.seeds, 'seed')}`,
  );
}

const whyMissed = ({ walk }: Mutant, outcome: Trial['outcome']): string =>
  outcome.kind === 'missed' ? outcome.text : `the walk of ${walk ?? 'nothing'} finds nothing`;

const COLUMNS: readonly Column<Trial>[] = [
  { title: 'MUTANT', cell: ({ mutant }) => mutant.name },
  { title: 'MACHINE', cell: ({ mutant }) => mutant.machine, drop: 1 },
  { title: 'BY', cell: ({ outcome }) => (outcome.kind === 'caught' ? outcome.rule : 'nobody') },
  {
    title: 'SEED',
    cell: ({ outcome }) => (outcome.kind === 'caught' ? `${outcome.seed}` : '–'),
    right: true,
  },
  {
    title: 'SEEDS',
    cell: ({ outcome }) => (outcome.kind === 'caught' ? `${outcome.seedsNeeded}` : '–'),
    right: true,
  },
  {
    title: 'MOVES',
    cell: ({ mutant, walked }) =>
      walked === undefined ? (mutant.walk === undefined ? '' : '–') : `${walked.schedule.length}`,
    right: true,
  },
  { title: 'WHAT IT DOES', cell: ({ mutant }) => mutant.says },
];

const bodyOf = ({ trials, unmutated }: Selftest): object => ({
  schema: 'millrace/sim-selftest/1',
  mutants: trials.map(({ mutant: { name, machine, says, rules, walk }, outcome, walked }) => ({
    name,
    machine,
    says,
    rules,
    ...(outcome.kind === 'caught'
      ? { caught_by: outcome.rule, seed: outcome.seed, seeds_needed: outcome.seedsNeeded }
      : { missed: outcome.text }),
    ...(walk === undefined ? {} : { walk, walked: walked ?? null }),
  })),
  unmutated,
});
