import { Command, InvalidArgumentError } from 'commander';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { instanceIds, resolve } from './subject.ts';
import { type Cli, print, printJson } from './terminal.ts';

type LogOptions = { readonly follow?: boolean; readonly tail?: number };

export function logsCommand(perform: Perform): Command {
  return new Command('logs')
    .description('what an instance has printed; of a component, all of its instances')
    .argument('<subject>', 'an instance or a component')
    .option('-f, --follow', 'go on as more is printed')
    .option('--tail <lines>', 'only the last lines', count)
    .action((word: string, options: LogOptions, command: Command) =>
      perform(command, (cli) => logs(cli, word, options)),
    );
}

async function logs(cli: Cli, word: string, options: LogOptions): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['instance', 'component']);
  const ids = instanceIds(subject);
  if (ids.length === 0) throw nothingRuns(subject.id);
  const named = ids.length > 1;
  await Promise.all(ids.map((id) => copy(cli, id, options, named)));
  return EXIT.ok;
}

/** Whole lines, so that the outputs of several instances never mix within one. */
async function copy(
  cli: Cli,
  id: string,
  { follow, tail }: LogOptions,
  named: boolean,
): Promise<void> {
  const query = { follow: follow === true, ...(tail === undefined ? {} : { tail }) };
  for await (const line of cli.client.logs(id, query, cli.signal)) {
    if (cli.json) printJson(cli, { instance: id, line });
    else print(cli, named ? `${id} | ${line}` : line);
  }
}

/** A component or slot that has no instance now. */
export function nothingRuns(id: string): Failure {
  return new Failure({
    code: 'no-instance',
    what: `${id} has no instance`,
    why: 'nothing has been started for it yet, or its host is not known',
    next: typed(`why ${id}`),
    exit: EXIT.notFound,
  });
}

function count(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 0)
    throw new InvalidArgumentError('it is a whole number, 0 or more');
  return lines;
}
