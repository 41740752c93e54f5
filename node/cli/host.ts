import { Command } from 'commander';
import { EXIT } from './failure.ts';
import { asTyped, typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { hostTable } from './status-screen.ts';
import { resolve } from './subject.ts';
import { seatsOn, subjectScreen } from './subject-screen.ts';
import { type Cli, print, printJson, widthOf } from './terminal.ts';

export function hostCommand(perform: Perform): Command {
  const host = new Command('host').description('the hosts of the cluster, as this one believes');
  host
    .command('ls')
    .description('all of them')
    .action((_: object, command: Command) => perform(command, list));
  host
    .command('show')
    .description('one host: what it runs, what it leads, what happened to it')
    .argument('<host>', 'its name or id, or a prefix')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => show(cli, word)),
    );
  host
    .command('forget')
    .description('take a host that is gone and does not come back out of the cluster')
    .argument('<host>', 'its name or id, or a prefix')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => forget(cli, word)),
    );
  return host;
}

async function forget(cli: Cli, word: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { id } = resolve(cluster, word, ['host']);
  cli.continues = `it was asked for and may still happen; see ${typed('host ls')}`;
  const body = await cli.client.hostForget(id, cli.signal);
  if (cli.json) printJson(cli, body);
  else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  return EXIT.ok;
}

async function list(cli: Cli): Promise<number> {
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const { hosts } = data.cluster;
  if (cli.json) printJson(cli, { schema: 'millrace/hosts/1', generated_at, view, data: { hosts } });
  else
    print(cli, ...hostTable(data.cluster, hosts, { width: widthOf(cli.stdout), paint: cli.paint }));
  return EXIT.ok;
}

async function show(cli: Cli, word: string): Promise<number> {
  const body = await cli.client.status(cli.signal);
  const subject = resolve(body.data.cluster, word, ['host']);
  if (cli.json) {
    const { generated_at, view } = body;
    const instances = seatsOn(body.data.cluster, subject.id).map(({ slot }) => slot);
    printJson(cli, {
      schema: 'millrace/host/1',
      generated_at,
      view,
      data: { host: subject.host, instances },
    });
  } else {
    print(cli, ...subjectScreen(body, subject, { width: widthOf(cli.stdout), paint: cli.paint }));
  }
  return EXIT.ok;
}
