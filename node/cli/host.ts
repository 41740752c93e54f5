import { Command } from 'commander';
import { LABEL_NAME, LABEL_VALUE } from '../../protocol/component/label.ts';
import type { ActionBody, AvailabilityRequest, LabelsRequest } from '../http/api.ts';
import { drainCommand } from './drain.ts';
import { EXIT, usageFailure } from './failure.ts';
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
  host
    .command('label')
    .description('what tells it from other hosts, for components that ask: node.labels.NAME')
    .argument('<host>', 'its name or id, or a prefix')
    .argument('<label...>', 'NAME=VALUE sets it, NAME= takes it away')
    .action((word: string, labels: readonly string[], _: object, command: Command) =>
      perform(command, (cli) => label(cli, word, labels)),
    );
  host
    .command('cordon')
    .description('give it nothing new; what it runs stays')
    .argument('<host>', 'its name or id, or a prefix')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => setAvailability(cli, word, 'cordoned')),
    );
  host
    .command('uncordon')
    .description('take back a cordon or a drain')
    .argument('<host>', 'its name or id, or a prefix')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => setAvailability(cli, word, 'active')),
    );
  host.addCommand(drainCommand(perform));
  return host;
}

async function label(cli: Cli, word: string, words: readonly string[]): Promise<number> {
  const request = parseLabels(words);
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { id } = resolve(cluster, word, ['host']);
  cli.continues = `it was asked for and may still happen; see ${typed('host ls')}`;
  tellDone(cli, await cli.client.hostLabels(id, request, cli.signal));
  return EXIT.ok;
}

/** Of one that is named twice the last counts. */
function parseLabels(words: readonly string[]): LabelsRequest {
  const pairs = new Map(
    words.map((word): [string, string] => {
      const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
      if (LABEL_NAME.test(name) && LABEL_VALUE.test(value)) return [name, value];
      throw usageFailure(
        `${JSON.stringify(word)} is no label`,
        'it is NAME=VALUE, or NAME= to take it away; a name is letters, digits, _ . - and /, at most 63',
        typed('host label HOST disk=ssd'),
      );
    }),
  );
  const all = [...pairs];
  return {
    set: Object.fromEntries(all.filter(([, value]) => value !== '')),
    unset: all.filter(([, value]) => value === '').map(([name]) => name),
  };
}

async function setAvailability(
  cli: Cli,
  word: string,
  to: AvailabilityRequest['to'],
): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { id } = resolve(cluster, word, ['host']);
  cli.continues = `it was asked for and may still happen; see ${typed('host ls')}`;
  tellDone(cli, await cli.client.hostAvailability(id, { to }, cli.signal));
  return EXIT.ok;
}

function tellDone(cli: Cli, body: ActionBody): void {
  if (cli.json) printJson(cli, body);
  else print(cli, body.done, `  next  ${asTyped(body.next)}`);
}

async function forget(cli: Cli, word: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { id } = resolve(cluster, word, ['host']);
  cli.continues = `it was asked for and may still happen; see ${typed('host ls')}`;
  tellDone(cli, await cli.client.hostForget(id, cli.signal));
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
