/** `agentctl chaos`: breaks the links of a cluster on purpose. The plans are the simulator's. */
import { Command } from 'commander';
import { durationOption } from './duration-option.ts';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import type { ChaosOptions } from './sim/chaos.ts';
import { type Cli, note, print, printJson } from './terminal.ts';

export function chaosCommand(perform: Perform): Command {
  const chaos = new Command('chaos').description('break links between agents on purpose');
  chaos
    .command('run')
    .description('do what the timeline of a plan says; all of it ends by itself')
    .argument('<plan>', 'a file as the simulator takes it: name, for, timeline')
    .addOption(durationOption('--max <time>', 'the longest that it may go on', '60s'))
    .option('-y, --yes', 'do not ask')
    .action((file: string, options: ChaosOptions, command: Command) =>
      perform(command, async (cli) =>
        (await import('./sim/chaos.ts')).runChaos(cli, file, options),
      ),
    );
  chaos
    .command('stop')
    .description('end all faults, on all hosts that answer, now')
    .action((_: object, command: Command) => perform(command, stop));
  return chaos;
}

async function stop(cli: Cli): Promise<number> {
  const body = await cli.client.chaos({ kind: 'end' }, cli.signal);
  if (cli.json) printJson(cli, body);
  else {
    print(cli, `all faults have ended on ${body.told.join(' ')}`);
    if (body.silent.length > 0)
      note(cli, `${body.silent.join(' ')} did not answer: there they end by themselves`);
  }
  return EXIT.ok;
}
