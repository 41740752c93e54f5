import { Command } from 'commander';
import type { HostId } from '../../protocol/base/ids.ts';
import type { ClusterView } from '../../protocol/view/view.ts';
import { showEpoch } from '../../protocol/roster/fork.ts';
import { EXIT } from './failure.ts';
import { asTyped } from './invocation.ts';
import type { Perform } from './perform.ts';
import { hostTable, rivalLines } from './status-screen.ts';
import {
  type Cli,
  confirm,
  note,
  print,
  printJson,
  type ScreenStyle,
  widthOf,
} from './terminal.ts';

export function votersCommand(perform: Perform): Command {
  const voters = new Command('voters').description('whose votes decide in this cluster');
  voters
    .command('show')
    .description('the voters, and how many of them may be lost')
    .action((_: object, command: Command) => perform(command, show));
  voters
    .command('force')
    .description('when most voters are gone for good: make this host the only one')
    .option('-y, --yes', 'do not ask: the lost voters are stopped')
    .action((options: { readonly yes?: boolean }, command: Command) =>
      perform(command, (cli) => force(cli, options.yes === true)),
    );
  return voters;
}

async function force(cli: Cli, yes: boolean): Promise<number> {
  const { data } = await cli.client.status(cli.signal);
  note(cli, ...priceLines(data.cluster));
  const name = nameIn(data.cluster, data.cluster.from);
  if (!yes && !(await confirm(cli, `Make ${name} the only voter?`, '--yes'))) {
    note(cli, 'nothing was changed');
    return EXIT.ok;
  }
  const body = await cli.client.forceVoters(cli.signal);
  if (cli.json) printJson(cli, body);
  else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  return EXIT.ok;
}

/** What a user gives up by it. */
export function priceLines(view: ClusterView): readonly string[] {
  const { voters, next = [] } = view.roster;
  const all = [...new Set([...voters, ...next])];
  const self = nameIn(view, view.from);
  const others = all.filter((id) => id !== view.from).map((id) => nameIn(view, id));
  return [
    `${self} becomes the only voter, instead of ${all.map((id) => nameIn(view, id)).join(' ')}`,
    `  deploys that were acknowledged and have not reached ${self} are lost`,
    ...(others.length === 0
      ? []
      : [
          `  ${others.join(' ')} must be stopped until they can hear ${self}: where they hear only`,
          '  each other they go on deciding, and what should run once runs twice',
        ]),
  ];
}

async function show(cli: Cli): Promise<number> {
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const { roster, quorum } = data.cluster;
  if (cli.json)
    printJson(cli, {
      schema: 'millrace/voters/1',
      generated_at,
      view,
      data: { ...roster, quorum },
    });
  else print(cli, ...voterLines(data.cluster, { width: widthOf(cli.stdout), paint: cli.paint }));
  return EXIT.ok;
}

/** What this host believes of the voters. */
export function voterLines(view: ClusterView, style: ScreenStyle): readonly string[] {
  const { epoch, voters, next } = view.roster;
  const all = [...voters, ...(next ?? []).filter((id) => !voters.includes(id))];
  const hosts = view.hosts.filter(({ id }) => all.includes(id));
  const change =
    next === undefined ? [] : [`on the way to  ${next.map((id) => nameIn(view, id)).join(' ')}`];
  return [
    `epoch  ${showEpoch(epoch)}`,
    ...change,
    ...rivalLines(view),
    '',
    ...hostTable(view, hosts, style),
    '',
    sentence(view, voters),
  ];
}

const nameIn = (view: ClusterView, id: HostId): string =>
  view.hosts.find((host) => host.id === id)?.name ?? id;

function sentence({ hosts, quorum }: ClusterView, voters: readonly HostId[]): string {
  const up = voters.filter((id) => hosts.find((host) => host.id === id)?.state === 'alive').length;
  const spare = up - (Math.floor(voters.length / 2) + 1);
  const seen = `${up} of ${voters.length} ${voters.length === 1 ? 'voter' : 'voters'} alive`;
  if (!quorum) return `${seen}: no majority is heard here, so nothing can be decided`;
  return spare > 0
    ? `${seen}: ${spare} more may be lost`
    : `${seen}: if one more is lost nothing can be decided until it is back`;
}
