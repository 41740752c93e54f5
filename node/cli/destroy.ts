import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { Expected } from '../../protocol/record/record.ts';
import type { ClusterView, StackView } from '../../protocol/view/view.ts';
import type { DeployBody } from '../http/api.ts';
import { counted } from './counted.ts';
import { durationOption } from './duration-option.ts';
import { expectOption, typedExpect } from './expect-option.ts';
import { asFailure, EXIT, Failure, isUnknown, unknownOutcome, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { listLocal, removeLocal } from './local-engine.ts';
import type { Perform } from './perform.ts';
import { resolve } from './subject.ts';
import { type Cli, confirm, note, print, printJson } from './terminal.ts';
import { changes, facts, sinceStart, statuses } from './watch.ts';

type DestroyOptions = {
  readonly yes?: boolean;
  readonly local?: boolean;
  readonly timeout: number;
  readonly deployId?: string;
  readonly expect?: Expected;
};

export function destroyCommand(perform: Perform): Command {
  return new Command('destroy')
    .description('end a stack and remove its instances everywhere; named volumes stay')
    .argument('[stack]', 'may be left out where there is only one')
    .option('-y, --yes', 'do not ask')
    .option(
      '--local',
      "remove our instances from this host's engine; works with the agent dead only",
    )
    .addOption(durationOption('--timeout <time>', 'how long to wait until all is gone', '1m'))
    .option('--deploy-id <id>', 'ask again after an unknown outcome: it happens once')
    .addOption(expectOption('only if nothing was deployed after this revision'))
    .action((word: string | undefined, options: DestroyOptions, command: Command) =>
      perform(command, (cli) =>
        options.local === true ? local(cli, word, options) : destroy(cli, word, options),
      ),
    );
}

async function destroy(
  cli: Cli,
  word: string | undefined,
  options: DestroyOptions,
): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const stack = stackOf(cluster, word);
  if (options.yes !== true && !(await confirm(cli, question(stack), '--yes'))) {
    note(cli, 'nothing was changed');
    return EXIT.ok;
  }
  const body = await submit(cli, stack.name, options);
  if (cli.json) printJson(cli, body);
  cli.continues = `${stack.name} goes on ending in the cluster; see ${typed('status')}`;
  await gone(cli, stack.name, options.timeout);
  if (!cli.json) print(cli, `${stack.name} is gone`);
  return EXIT.ok;
}

function stackOf(view: ClusterView, word: string | undefined): StackView {
  if (word !== undefined) return resolve(view, word, ['stack']).stack;
  const [only, ...more] = view.stacks;
  if (only === undefined) {
    throw new Failure({
      code: 'not-found',
      what: 'there is nothing to destroy',
      why: 'this cluster has no stack',
      next: typed('status'),
      exit: EXIT.notFound,
    });
  }
  if (more.length === 0) return only;
  const names = view.stacks.map(({ name }) => name).join(', ');
  throw usageFailure(
    'which stack is meant?',
    `this cluster has ${names}`,
    typed(`destroy ${only.name}`),
  );
}

function question(stack: StackView): string {
  const instances = stack.components
    .flatMap(({ slots }) => slots)
    .flatMap(({ instance }) => (instance === undefined ? [] : [instance]));
  const hosts = new Set(instances.map(({ host }) => host)).size;
  return `Remove ${stack.name}: ${counted(instances.length, 'instance')} on ${counted(hosts, 'host')}?`;
}

async function submit(cli: Cli, stack: string, options: DestroyOptions): Promise<DeployBody> {
  const id = options.deployId ?? randomUUID().replaceAll('-', '');
  const { expect } = options;
  const again = typed(`destroy ${stack}${typedExpect(expect)} --yes --deploy-id ${id}`);
  cli.continues = `it was asked for and may have happened; ask again with: ${again}`;
  try {
    return await cli.client.destroy(
      { stack, deploy_id: id, ...(expect === undefined ? {} : { expect }) },
      cli.signal,
    );
  } catch (error) {
    throw isUnknown(error) ? unknownOutcome(`the destroy of ${stack}`, id, again, error) : error;
  }
}

async function gone(cli: Cli, stack: string, timeoutMs: number): Promise<void> {
  const startedAt = Date.now();
  let before: ReadonlyMap<string, string> = new Map();
  for await (const body of statuses(cli, { until: startedAt + timeoutMs })) {
    const { cluster } = body.data;
    const ours = new Map([...facts(cluster)].filter(([id]) => id.startsWith(`${stack}.`)));
    if (!cli.json) note(cli, ...changes(before, ours).map((line) => sinceStart(startedAt, line)));
    if (cluster.stacks.every(({ name }) => name !== stack)) return;
    before = ours;
  }
  throw new Failure({
    code: 'not-gone',
    what: `${stack} is not gone yet; the cluster goes on ending it`,
    why: before.size === 0 ? 'this host still lists it' : [...before.values()].join('; '),
    next: typed(`status ${stack}`),
    exit: EXIT.unknown,
  });
}

/** Beside a living agent this would be in vain: it starts what is missing. */
async function local(cli: Cli, word: string | undefined, options: DestroyOptions): Promise<number> {
  await refuseBesideAgent(cli);
  const { host, instances } = await listLocal(cli);
  const ours = instances.filter(
    ({ labels }) => word === undefined || labels.component.startsWith(`${word}.`),
  );
  const ask = `Remove ${counted(ours.length, 'instance')} from ${host}?`;
  if (ours.length > 0 && options.yes !== true && !(await confirm(cli, ask, '--yes'))) {
    note(cli, 'nothing was changed');
    return EXIT.ok;
  }
  await removeLocal(
    cli,
    ours.map(({ id }) => id),
  );
  const removed = ours.map(({ name }) => name);
  if (cli.json) printJson(cli, { schema: 'millrace/destroy-local/1', data: { host, removed } });
  else
    print(
      cli,
      ...removed.map((name) => `removed ${name}`),
      `${counted(removed.length, 'instance')} removed from ${host}`,
    );
  return EXIT.ok;
}

async function refuseBesideAgent(cli: Cli): Promise<void> {
  try {
    await cli.client.status(cli.signal);
  } catch (error) {
    if (asFailure(error).parts.code === 'no-agent') return;
    // Any other answer is an agent's, too.
    if (cli.signal.aborted) throw error;
  }
  throw new Failure({
    code: 'agent-runs',
    what: 'the agent of this host runs: it would start them again',
    why: '--local is for a host whose agent is dead',
    next: `${typed('destroy')}, or first: ${typed('agent stop')}`,
    exit: EXIT.refused,
  });
}
