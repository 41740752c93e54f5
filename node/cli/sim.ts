/** `agentctl sim …`: the simulator. It is loaded by these commands alone, when they are used. */
import { availableParallelism } from 'node:os';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from './duration.ts';
import { durationOption } from './duration-option.ts';
import type { Perform } from './perform.ts';
import type { FuzzOptions } from './sim/fuzz.ts';
import type { ExploreOptions } from './sim/explore.ts';
import type { ReplayOptions } from './sim/replay.ts';
import type { RunVerbOptions } from './sim/run.ts';
import type { SelftestOptions } from './sim/selftest-report.ts';
import type { ShrinkVerbOptions } from './sim/shrink.ts';
import type { Cli } from './terminal.ts';

export function simCommand(perform: Perform): Command {
  const sim = new Command('sim').description(
    'whole clusters of the very code the agents run, under faults and faster than time',
  );
  const verbs = [
    runCommand,
    fuzzCommand,
    replayCommand,
    shrinkCommand,
    exploreCommand,
    selftestCommand,
    benchCommand,
  ];
  for (const verb of verbs) sim.addCommand(verb(perform));
  return sim;
}

function runCommand(perform: Perform): Command {
  return new Command('run')
    .description('a scenario, or your own Compose file: what its users would notice of faults')
    .argument('<file>', 'a scenario or a Compose file')
    .option('--seed <first>', "the first seed (the scenario's, or 1)", count)
    .option('--runs <n>', "how many seeds (the scenario's, or 1; 20 of a Compose file)", count)
    .option('--hosts <n>', "how many hosts (the scenario's, or 3)", count)
    .option('--faults <plan>', 'swarm, none, kinds joined by commas, or a file with a timeline')
    .option('--for <time>', "how long, faults and all (the scenario's, or 60s)", parseDuration)
    .addOption(jobsOption())
    .action((file: string, options: RunVerbOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/run.ts')).run(cli, file, options),
      ),
    );
}

function fuzzCommand(perform: Perform): Command {
  return new Command('fuzz')
    .description(
      'a cluster and its faults drawn from each seed, every rule checked after each step',
    )
    .option('--seeds <n>', 'how many (100, or as many as --time allows)', count)
    .option('--seed <first>', 'the first of them', count, 1)
    .addOption(jobsOption())
    .option('--time <time>', 'no new seed after this time', parseDuration)
    .option('--profile <faults>', 'swarm, none, or kinds of faults joined by commas', 'swarm')
    .option('--twice', 'run each seed twice, both must take the same course')
    .option('--all', 'go on after a seed that fails')
    .action((options: FuzzOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/fuzz.ts')).fuzz(cli, options),
      ),
    );
}

function replayCommand(perform: Perform): Command {
  return new Command('replay')
    .description('a recorded run again, told as a story')
    .argument('<tape>', 'as a failing seed leaves it')
    .addOption(scenarioOption())
    .option('-v, --verbose', 'every step of every host too')
    .action((file: string, options: ReplayOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/replay.ts')).replay(cli, file, options),
      ),
    );
}

function shrinkCommand(perform: Perform): Command {
  return new Command('shrink')
    .description('the same failure with fewer faults, draws and hosts, in less time')
    .argument('<tape>', 'as a failing seed leaves it')
    .addOption(scenarioOption())
    .option('-o, --output <file>', 'where the smaller tape goes (beside the tape)')
    .addOption(durationOption('--time <time>', 'how long it may take', '1m'))
    .action((file: string, options: ShrinkVerbOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/shrink.ts')).shrink(cli, file, options),
      ),
    );
}

function scenarioOption(): Option {
  return new Option('--scenario <file>', 'whose expectations it was recorded under');
}

function exploreCommand(perform: Perform): Command {
  const which = ['leases', 'records', 'roster'] as const;
  return new Command('explore')
    .description('every order of delivery, loss, crash and expiry of small configurations')
    .addArgument(new Argument('[what...]', 'which of them (all three)').choices(which))
    .addOption(
      new Option('--bound <size>', 'quick takes seconds, full about a minute each')
        .choices(['quick', 'full'])
        .default('quick'),
    )
    .action((what: readonly (typeof which)[number][], options: ExploreOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/explore.ts')).explore(cli, what, options),
      ),
    );
}

function selftestCommand(perform: Perform): Command {
  return new Command('selftest')
    .description('whether the checkers see what they are for: mutants of the protocol')
    .option('--seeds <n>', 'how many a mutant may survive', count, 300)
    .option('--seed <first>', 'the first of them', count, 1)
    .addOption(jobsOption())
    .option('--only <mutant...>', 'these mutants only')
    .action((options: SelftestOptions, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/selftest-report.ts')).reportSelftest(cli, options),
      ),
    );
}

function benchCommand(perform: Perform): Command {
  return new Command('bench')
    .description('how fast the simulator is, and what the protocol costs at many hosts')
    .argument('[bench...]', 'speed, traffic, convergence (all these), or published')
    .action((names: readonly string[], _options: object, command: Command) =>
      simulated(perform, command, async (cli) =>
        (await import('./sim/bench.ts')).bench(cli, names),
      ),
    );
}

function jobsOption(): Option {
  return new Option('--jobs <n>', 'threads')
    .argParser(count)
    .default(availableParallelism(), 'one per processor');
}

/** What goes wrong in a verb of the simulator is no news of the cluster. */
function simulated(
  perform: Perform,
  command: Command,
  verb: (cli: Cli) => Promise<number>,
): Promise<void> {
  return perform(command, async (cli) => {
    try {
      return await verb(cli);
    } catch (error) {
      if (cli.signal.aborted) throw error;
      throw (await import('./sim/exit.ts')).brokenBy(error);
    }
  });
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it is a whole number from 1');
}
