import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { Expected } from '../../protocol/record/record.ts';
import type { ClusterView, HostView, StackView } from '../../protocol/view/view.ts';
import type { DeployBody } from '../http/api.ts';
import { counted } from './counted.ts';
import { durationOption } from './duration-option.ts';
import { expectOption, typedExpect } from './expect-option.ts';
import { inNames } from './event-lines.ts';
import { asFailure, EXIT, Failure, isUnknown, unknownOutcome, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { listLocal, removeLocal } from './local-engine.ts';
import type { Perform } from './perform.ts';
import { hostsOf, isLost, lostText, remainsOn, remainText } from './remains.ts';
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
  await gone(cli, stack.name, hostsOf(cluster, stack.name), options.timeout);
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

/** `hosts`: that had something of it. Resolves once those that live have nothing of it any more. */
async function gone(
  cli: Cli,
  stack: string,
  hosts: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const startedAt = Date.now();
  let before: ReadonlyMap<string, string> = new Map();
  for await (const { data } of statuses(cli, { until: startedAt + timeoutMs })) {
    const had = data.cluster.hosts.filter(({ id }) => hosts.includes(id));
    const left = await leftOf(
      cli,
      stack,
      data.cluster,
      had.filter((host) => !isLost(host)),
    );
    if (left === undefined) continue;
    if (!cli.json) note(cli, ...changes(before, left).map((line) => sinceStart(startedAt, line)));
    before = left;
    if (left.size > 0 || data.cluster.stacks.some(({ name }) => name === stack)) continue;
    const lost = had.filter(isLost);
    if (!cli.json) note(cli, ...lost.map((host) => lostText(stack, host)));
    return;
  }
  throw new Failure({
    code: 'not-gone',
    what: `${stack} is not gone yet; the cluster goes on ending it`,
    why: before.size === 0 ? 'this host still lists it' : [...before.values()].join('; '),
    next: typed('status'),
    exit: EXIT.unknown,
  });
}

/** One line for each thing of it, by its id; undefined: the agent is away, and nobody knows. */
async function leftOf(
  cli: Cli,
  stack: string,
  view: ClusterView,
  hosts: readonly HostView[],
): Promise<ReadonlyMap<string, string> | undefined> {
  if (view.stacks.some(({ name }) => name === stack))
    return new Map([...facts(view)].filter(([id]) => id.startsWith(`${stack}.`)));
  try {
    const remains = await remainsOn(cli, stack, hosts);
    return new Map(remains.map((one) => [one.id, inNames(view, remainText(one))]));
  } catch (error) {
    if (cli.signal.aborted || asFailure(error).parts.exit !== EXIT.noAgent) throw error;
    return undefined;
  }
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
