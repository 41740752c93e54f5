import { Command } from 'commander';
import { actOnInstances } from './instance-action.ts';
import type { Perform } from './perform.ts';

export function restartCommand(perform: Perform): Command {
  return new Command('restart')
    .description('replace an instance, or each instance of a component, by a new one')
    .argument('<subject>', 'an instance or a component')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) =>
        actOnInstances(cli, word, (id) => cli.client.restart(id, cli.signal)),
      ),
    );
}
