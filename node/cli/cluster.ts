import { Command } from 'commander';
import type { ClusterBody } from '../http/api.ts';
import { EXIT } from './failure.ts';
import { typed } from './invocation.ts';
import { leaveCommand } from './leave.ts';
import type { Perform } from './perform.ts';
import { table } from './table.ts';
import { votersCommand } from './voters.ts';
import { byName } from './verdict.ts';
import { type Cli, note, print, printJson, widthOf } from './terminal.ts';

export function clusterCommand(perform: Perform): Command {
  const cluster = new Command('cluster').description(
    'make a cluster, join one, leave it, show this one',
  );
  cluster
    .command('init')
    .description('make a new cluster of this host; prints the line to run on the others')
    .action((_: object, command: Command) => perform(command, init));
  cluster
    .command('join')
    .description('join the cluster of this token; it is found by mDNS')
    .argument('<token>', 'as printed by cluster init')
    .option('--peer <address...>', 'HOST:PORT or multiaddr, where multicast does not reach')
    .action((token: string, options: { readonly peer?: readonly string[] }, command: Command) =>
      perform(command, (cli) => join(cli, token, options.peer ?? [])),
    );
  cluster.addCommand(leaveCommand(perform));
  cluster
    .command('show')
    .description('id, members, voters, addresses and the join token')
    .action((_: object, command: Command) => perform(command, show));
  cluster.addCommand(votersCommand(perform));
  return cluster;
}

async function init(cli: Cli): Promise<number> {
  const body = await cli.client.clusterInit(cli.signal);
  if (cli.json) {
    printJson(cli, body);
    return EXIT.ok;
  }
  note(cli, `cluster ${body.cluster} is made, ${body.name} is its first host`);
  note(cli, 'run this on every other host (the token is a secret):', '');
  print(cli, typed(`cluster join ${body.token}`));
  return EXIT.ok;
}

async function join(cli: Cli, token: string, peers: readonly string[]): Promise<number> {
  cli.continues = `the agent may still join; see ${typed('cluster show')}`;
  note(
    cli,
    peers.length === 0 ? 'looking for the cluster on the local network' : 'dialing the peers',
  );
  const body = await cli.client.clusterJoin({ token, peers }, cli.signal);
  if (cli.json) printJson(cli, body);
  else
    print(cli, `${body.name} has joined cluster ${body.cluster}, now ${body.members.length} hosts`);
  return EXIT.ok;
}

async function show(cli: Cli): Promise<number> {
  const body = await cli.client.cluster(cli.signal);
  if (cli.json) printJson(cli, body);
  else print(cli, ...clusterLines(cli, body));
  return EXIT.ok;
}

function clusterLines(cli: Cli, body: ClusterBody): readonly string[] {
  type Member = ClusterBody['members'][number];
  const members = table<Member>(
    byName(body.members),
    [
      {
        title: 'HOST',
        cell: (member) => (member.id === body.host ? `${member.name} *` : member.name),
      },
      { title: 'VOTES', cell: (member) => (body.voters.includes(member.id) ? 'yes' : '-') },
      { title: 'ID', cell: (member) => member.id },
      { title: 'PEER', cell: (member) => member.peer_id },
    ],
    { width: widthOf(cli.stdout), heading: (text) => cli.paint('bold', text) },
  );
  return [
    `cluster    ${body.cluster}`,
    `host       ${body.name} (${body.host})`,
    `announced  ${body.service_type}`,
    `addresses  ${body.addresses.join(' ') || 'none'}`,
    '',
    ...members,
    '',
    'other hosts join with (the token is a secret):',
    `  ${typed(`cluster join ${body.token}`)}`,
  ];
}
