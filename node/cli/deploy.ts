import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { Expected } from '../../protocol/record/record.ts';
import type { StackView } from '../../protocol/view/view.ts';
import type { DeployBody, DeployRequest } from '../http/api.ts';
import { type ComposeOptions, composeOptions, readStack, typedOptions } from './compose-options.ts';
import { counted } from './counted.ts';
import { durationOption } from './duration-option.ts';
import { expectOption, typedExpect } from './expect-option.ts';
import { EXIT, isUnknown, unknownOutcome } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { settle } from './settle.ts';
import { type Cli, confirm, note, print, printJson } from './terminal.ts';

type DeployOptions = ComposeOptions &
  Following & {
    readonly yes?: boolean;
    readonly deployId?: string;
    readonly expect?: Expected;
  };

export function deployCommand(perform: Perform): Command {
  return composeOptions(new Command('deploy'))
    .description('make the cluster run what a Compose file says; only what differs is touched')
    .option('-y, --yes', 'do not ask before components are removed')
    .option('--no-wait', 'return once the cluster has accepted it')
    .addOption(durationOption('--timeout <time>', 'how long to wait until all is healthy', '2m'))
    .option('--deploy-id <id>', 'ask again after an unknown outcome: the same deploy happens once')
    .addOption(expectOption('only if nothing was deployed after this; none: only a new stack'))
    .action((options: DeployOptions, command: Command) =>
      perform(command, (cli) => deploy(cli, options)),
    );
}

async function deploy(cli: Cli, options: DeployOptions): Promise<number> {
  const { stack, secrets, packed } = await readStack(cli, options);
  const before = (await cli.client.status(cli.signal)).data.cluster;
  const old = before.stacks.find(({ name }) => name === stack.name);
  if (!(await mayRemove(cli, stack, old, options))) {
    note(cli, 'nothing was changed');
    return EXIT.ok;
  }
  if (packed.length > 0) {
    const { buildImages } = await import('./build.ts');
    await buildImages(cli, stack, packed, secrets);
  }
  const body = await submit(cli, stack, { ...options, secrets }, (id) => askAgain(options, id));
  return follow(cli, stack, body, options);
}

/** What is awaited of a deploy. */
export type Following = { readonly wait: boolean; readonly timeout: number };

/** Says that it was accepted, and waits until it is so. */
export async function follow(
  cli: Cli,
  stack: StackSpec,
  body: DeployBody,
  { wait, timeout }: Following,
): Promise<number> {
  const count = counted(stack.components.length, 'component');
  note(
    cli,
    `${stack.name} revision ${body.revision}: ${body.changed ? `accepted, ${count}` : 'was so already'}`,
  );
  if (cli.json) printJson(cli, body);
  if (!wait) return EXIT.ok;
  cli.continues = `${stack.name} is accepted and goes on in the cluster; see ${typed(`status ${stack.name}`)}`;
  const wanted = { stack: stack.name, components: stack.components.map(({ name }) => name) };
  await settle(cli, { ...wanted, revision: body.revision, timeoutMs: timeout });
  if (!cli.json) print(cli, `${stack.name} is as wanted and healthy`);
  return EXIT.ok;
}

/** Removing components ends instances: it wants a yes. Everything else a deploy does is repairable. */
async function mayRemove(
  cli: Cli,
  stack: StackSpec,
  old: StackView | undefined,
  options: DeployOptions,
): Promise<boolean> {
  const kept = new Set(stack.components.map(({ name }) => `${stack.name}.${name}`));
  const removed = old?.components.filter(({ id }) => !kept.has(id)) ?? [];
  if (removed.length === 0 || options.yes === true) return true;
  const instances = removed.reduce((sum, { running }) => sum + running, 0);
  const names = removed.map(({ id }) => id).join(', ');
  return confirm(cli, `Remove ${names} with ${counted(instances, 'running instance')}?`, '--yes');
}

type Submission = Pick<DeployRequest, 'secrets' | 'expect'> & { readonly deployId?: string };

/** `repeat`: what is typed to ask for the deploy of this id again. */
export async function submit(
  cli: Cli,
  stack: StackSpec,
  { deployId, expect, secrets }: Submission,
  repeat: (id: string) => string,
): Promise<DeployBody> {
  const id = deployId ?? randomUUID().replaceAll('-', '');
  const again = repeat(id);
  cli.continues = `the deploy was sent and may have happened; ask again with: ${again}`;
  try {
    return await cli.client.deploy(
      {
        stack,
        deploy_id: id,
        ...(secrets === undefined ? {} : { secrets }),
        ...(expect === undefined ? {} : { expect }),
      },
      cli.signal,
    );
  } catch (error) {
    throw isUnknown(error)
      ? unknownOutcome(`the deploy of ${stack.name}`, id, again, error)
      : error;
  }
}

function askAgain(options: DeployOptions, id: string): string {
  const { expect } = options;
  return typed(`deploy${typedOptions(options)}${typedExpect(expect)} --yes --deploy-id ${id}`);
}
