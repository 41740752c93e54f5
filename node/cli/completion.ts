import { Argument, Command } from 'commander';
import { offersOf } from './completion/offers.ts';
import { completionScript, type Shell, SHELLS } from './completion/scripts.ts';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import { print } from './terminal.ts';

export function completionCommand(perform: Perform): Command {
  return new Command('completion')
    .description('a script that makes a shell complete the words of agentctl')
    .addArgument(new Argument('<shell>', 'whose it is').choices(SHELLS))
    .action((shell: Shell, _: object, command: Command) =>
      perform(command, async (cli) => {
        print(cli, completionScript(shell, offersOf(rootOf(command))).trimEnd());
        return EXIT.ok;
      }),
    );
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
