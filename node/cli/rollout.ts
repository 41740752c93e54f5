import { Command } from 'commander';
import { durationOption } from './duration-option.ts';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import { historyOf } from './rollout-history.ts';
import { historyTable, statusLines } from './rollout-screen.ts';
import { pause, resume, type Steered, undo } from './rollout-steer.ts';
import { resolve } from './subject.ts';
import { type Cli, print, printJson, widthOf } from './terminal.ts';

const AGAIN = 'ask again after an unknown outcome: it happens once';

export function rolloutCommand(perform: Perform): Command {
  const rollout = new Command('rollout').description(
    'how a changed spec comes to the instances of a component, and what users say of it',
  );
  const verb = (name: string, description: string): Command =>
    rollout.command(name).description(description).argument('<component>', 'its name, or a prefix');
  verb('status', 'from which revision to which, how far, and what comes next').action(
    (word: string, _: object, command: Command) => perform(command, (cli) => status(cli, word)),
  );
  verb('pause', 'take no more instances until it is told to go on')
    .addOption(durationOption('--timeout <time>', 'how long to wait until it is so', '30s'))
    .option('--deploy-id <id>', AGAIN)
    .action((word: string, options: Omit<Steered, 'wait'>, command: Command) =>
      perform(command, (cli) => pause(cli, word, options)),
    );
  followed(verb('resume', 'go on where it is paused, or try again what was taken back')).action(
    (word: string, options: Steered, command: Command) =>
      perform(command, (cli) => resume(cli, word, options)),
  );
  followed(verb('undo', 'put the revision before back, as rollback_config says')).action(
    (word: string, options: Steered, command: Command) =>
      perform(command, (cli) => undo(cli, word, options)),
  );
  verb('history', 'its newest revisions, and what became of them').action(
    (word: string, _: object, command: Command) => perform(command, (cli) => history(cli, word)),
  );
  return rollout;
}

const followed = (command: Command): Command =>
  command
    .option('--no-wait', 'return once the cluster has accepted it')
    .addOption(durationOption('--timeout <time>', 'how long to wait until all is healthy', '2m'))
    .option('--deploy-id <id>', AGAIN);

async function status(cli: Cli, word: string): Promise<number> {
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const { component } = resolve(data.cluster, word, ['component']);
  const { id, revision, rollout } = component;
  if (cli.json) {
    const told = { component: id, revision, ...(rollout === undefined ? {} : { rollout }) };
    printJson(cli, { schema: 'millrace/rollout/1', generated_at, view, data: told });
  } else print(cli, ...statusLines(data.cluster, component, widthOf(cli.stdout)));
  return EXIT.ok;
}

async function history(cli: Cli, word: string): Promise<number> {
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const { component } = resolve(data.cluster, word, ['component']);
  const { history: all } = await historyOf(cli, component.id);
  if (cli.json) {
    const revisions = all.map(({ spec, ...past }) => ({ ...past, kept: spec !== undefined }));
    const told = { component: component.id, revisions };
    printJson(cli, { schema: 'millrace/rollout-history/1', generated_at, view, data: told });
  } else
    print(cli, ...historyTable(component, all, { width: widthOf(cli.stdout), paint: cli.paint }));
  return EXIT.ok;
}
