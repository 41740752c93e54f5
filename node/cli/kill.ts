import { constants } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from './failure.ts';
import { asTyped } from './invocation.ts';
import { nothingRuns } from './logs.ts';
import type { Perform } from './perform.ts';
import { instanceIds, resolve } from './subject.ts';
import { type Cli, print, printJson } from './terminal.ts';

export function killCommand(perform: Perform): Command {
  return new Command('kill')
    .description('send a signal to an instance, or to all of a component; the cluster heals it')
    .argument('<subject>', 'an instance or a component')
    .option('--signal <name>', 'for example SIGTERM', signalName, 'SIGKILL')
    .action((word: string, options: { readonly signal: string }, command: Command) =>
      perform(command, (cli) => kill(cli, word, options.signal)),
    );
}

/** In slot order, one after the other: an error leaves the later ones alone. */
async function kill(cli: Cli, word: string, signal: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['instance', 'component']);
  const ids = instanceIds(subject);
  if (ids.length === 0) throw nothingRuns(subject.id);
  for (const id of ids) {
    cli.continues = `${id} was asked for and may still happen; the ones after it were not`;
    const body = await cli.client.kill(id, signal, cli.signal);
    if (cli.json) printJson(cli, body);
    else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  }
  return EXIT.ok;
}

/** `term`, `TERM` and `SIGTERM` are the same. */
function signalName(text: string): string {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  if (Object.hasOwn(constants.signals, name)) return name;
  throw new InvalidArgumentError('Give it by its name, such as SIGHUP.');
}
