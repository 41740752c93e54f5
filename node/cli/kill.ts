import { constants } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { actOnInstances } from './instance-action.ts';
import type { Perform } from './perform.ts';

export function killCommand(perform: Perform): Command {
  return new Command('kill')
    .description('send a signal to an instance, or to all of a component; the cluster heals it')
    .argument('<subject>', 'an instance or a component')
    .option('--signal <name>', 'for example SIGTERM', signalName, 'SIGKILL')
    .action((word: string, options: { readonly signal: string }, command: Command) =>
      perform(command, (cli) =>
        actOnInstances(cli, word, (id) => cli.client.kill(id, options.signal, cli.signal)),
      ),
    );
}

/** `term`, `TERM` and `SIGTERM` are the same. */
function signalName(text: string): string {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  if (Object.hasOwn(constants.signals, name)) return name;
  throw new InvalidArgumentError('Give it by its name, such as SIGHUP.');
}
