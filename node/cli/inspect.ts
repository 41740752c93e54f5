import { Command } from 'commander';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import { viewLine } from './status-screen.ts';
import { describe, resolve } from './subject.ts';
import { type Cli, note, print, printJson } from './terminal.ts';

export function inspectCommand(perform: Perform): Command {
  return new Command('inspect')
    .description(
      'the whole record of a stack, component, instance or host; with --json as the agent keeps it',
    )
    .argument('<subject>', 'a stack, component, instance or host')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => inspect(cli, word)),
    );
}

async function inspect(cli: Cli, word: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['stack', 'component', 'instance', 'host']);
  const body = await cli.client.inspect(subject.id, cli.signal);
  if (cli.json) {
    printJson(cli, body);
    return EXIT.ok;
  }
  const { stringify } = await import('yaml');
  note(cli, `${describe(subject)}, ${viewLine(cluster)}`);
  print(cli, stringify({ record: body.data.record, instances: body.data.instances }).trimEnd());
  return EXIT.ok;
}
