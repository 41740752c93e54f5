import { Command } from 'commander';
import { EXIT } from './failure.ts';
import { listLocal, localLines } from './local-engine.ts';
import type { Perform } from './perform.ts';
import { seatsOf, seatTable } from './subject-screen.ts';
import { type Cli, note, print, printJson, widthOf } from './terminal.ts';

export function psCommand(perform: Perform): Command {
  return new Command('ps')
    .description('every instance: where it is, how it is, what it publishes')
    .option('--local', "ask this host's engine itself; works with the agent dead")
    .action((options: { readonly local?: boolean }, command: Command) =>
      perform(command, options.local === true ? local : all),
    );
}

async function all(cli: Cli): Promise<number> {
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const seats = seatsOf(data.cluster);
  if (cli.json) {
    const instances = seats.map(({ component, slot }) => ({ component: component.id, ...slot }));
    printJson(cli, { schema: 'millrace/ps/1', generated_at, view, data: { instances } });
  } else if (seats.length === 0) {
    note(cli, 'no instances');
  } else {
    print(cli, ...seatTable(data.cluster, seats, { width: widthOf(cli.stdout), paint: cli.paint }));
  }
  return EXIT.ok;
}

async function local(cli: Cli): Promise<number> {
  const { host, instances } = await listLocal(cli);
  if (cli.json) {
    printJson(cli, {
      schema: 'millrace/ps-local/1',
      generated_at: new Date().toISOString(),
      data: { host, instances },
    });
  } else if (instances.length === 0) {
    note(cli, `no instances on ${host}`);
  } else {
    print(cli, ...localLines(instances, { width: widthOf(cli.stdout), paint: cli.paint }));
  }
  return EXIT.ok;
}
