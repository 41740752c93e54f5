import { Command } from 'commander';
import type { ClusterView } from '../../protocol/view/view.ts';
import { EXIT, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { resolve } from './subject.ts';
import { type Cli, note, print, printJson } from './terminal.ts';

type LeadOptions = { readonly to?: string; readonly force?: boolean };

export function leadCommand(perform: Perform): Command {
  return new Command('lead')
    .description('let another host decide for a component, a stack or the roster')
    .argument('<subject>', 'a component, a stack, or the word roster')
    .option('--to <host>', 'who shall lead it; with --force it may be left out: this host')
    .option('--force', 'take it from its leader without asking; within the length of a lease')
    .action((word: string, options: LeadOptions, command: Command) =>
      perform(command, (cli) => lead(cli, word, options)),
    );
}

async function lead(cli: Cli, word: string, { to, force = false }: LeadOptions): Promise<number> {
  if (to === undefined && !force)
    throw usageFailure(
      `who shall lead ${word}?`,
      'neither --to nor --force was given',
      `${typed(`lead ${word} --to HOST`)}      or take it to this host: ${typed(`lead ${word} --force`)}`,
    );
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const key = keyOf(cluster, word);
  const heir = to === undefined ? undefined : resolve(cluster, to, ['host']);
  if (force && !cli.json)
    note(
      cli,
      `taking ${key} from whoever leads it: until its lease has ended, a few seconds at`,
      'most, nobody can decide for it; what runs runs on',
    );
  cli.continues = `it was asked for and may still happen; see ${typed('status')}`;
  const body = await cli.client.lead(
    { key, ...(heir === undefined ? {} : { to: heir.id }), force },
    cli.signal,
  );
  if (cli.json) printJson(cli, body);
  else print(cli, `${body.host_name} leads ${key} now, under term ${body.term}`);
  if (!cli.json && heir !== undefined && heir.id !== body.host)
    note(cli, `it was quicker than ${heir.host.name}; ${typed(`lead ${word} --to ${to}`)} asks it`);
  return EXIT.ok;
}

function keyOf(view: ClusterView, word: string): string {
  if (word === 'roster') return 'sys/roster';
  const subject = resolve(view, word, ['component', 'stack']);
  return `${subject.kind}/${subject.id}`;
}
