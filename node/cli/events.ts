import { Command } from 'commander';
import { durationOption } from './duration-option.ts';
import { eventLine } from './event-lines.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, note, print, printJson } from './terminal.ts';

type EventOptions = { readonly follow?: boolean; readonly since: number };

export function eventsCommand(perform: Perform): Command {
  return new Command('events')
    .description('what happened and what was decided, oldest first')
    .option('-f, --follow', 'go on as more happens')
    .addOption(durationOption('--since <time>', 'how far to look back', '5m'))
    .action((options: EventOptions, command: Command) =>
      perform(command, (cli) => events(cli, options)),
    );
}

async function events(cli: Cli, { follow, since }: EventOptions): Promise<number> {
  // For the names of the hosts; one that joins later shows by its id.
  const { cluster } = (await cli.client.status(cli.signal)).data;
  let seen = 0;
  for await (const event of cli.client.events(
    { sinceMs: since, follow: follow === true },
    cli.signal,
  )) {
    seen += 1;
    if (cli.json) printJson(cli, event);
    else print(cli, eventLine(cluster, event));
  }
  if (follow === true) throw agentWent();
  if (seen === 0 && !cli.json) note(cli, 'nothing happened in this time');
  return EXIT.ok;
}

function agentWent(): Failure {
  return new Failure({
    code: 'no-agent',
    what: 'the agent has ended, and with it this stream',
    why: 'it was stopped or restarted; the instances run on without it',
    next: typed('events -f'),
    exit: EXIT.noAgent,
  });
}
