import { Command, InvalidArgumentError } from 'commander';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { ClusterView, SlotView } from '../../protocol/view/view.ts';
import { ApiError, UnreachableError } from '../http/client.ts';
import type { Packed } from './build.ts';
import { type ComposeOptions, composeOptions, readStack } from './compose-options.ts';
import { submit } from './deploy.ts';
import { EXIT, Failure, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { createLinePrinter } from './log-lines.ts';
import type { Perform } from './perform.ts';
import { removeRun } from './run-removal.ts';
import { createRunInput, type RunInput } from './run-input.ts';
import { createRunOutput } from './run-output.ts';
import { imageTask, serviceTask, TASK, type Wish } from './run-task.ts';
import { type Cli, note, print, printJson } from './terminal.ts';
import { hostName, slotTrouble } from './verdict.ts';
import { statuses } from './watch.ts';

type RunOptions = ComposeOptions & {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly retries: number;
  readonly deps: boolean;
  readonly detach?: boolean;
  readonly interactive?: boolean;
};

const RETRIES_MAX = 1_000;

export function runCommand(perform: Perform): Command {
  return composeOptions(new Command('run'))
    .description(
      'run a task once, wherever it fits; ends with its exit code, and nothing of it stays',
    )
    .argument('[service]', 'of the Compose file; none with --image')
    .argument('[command...]', "after --, in place of the service's own")
    .option('--image <image>', 'run this image, and no service')
    .option('-i, --interactive', 'give it what comes on standard input')
    .option(
      '-d, --detach',
      'return once the cluster has accepted it, and print the name of its stack',
    )
    .option('-e, --env <name=value>', 'a variable; without a value: from here', many)
    .option('--retries <count>', 'try again so often where it fails', count, 0)
    .option('--no-deps', 'begin although what the service depends on is not there')
    .action(
      (word: string | undefined, words: readonly string[], options: RunOptions, command: Command) =>
        perform(command, (cli) => run(cli, word, words, options)),
    );
}

const many = (value: string, values: readonly string[] = []): readonly string[] => [
  ...values,
  value,
];

function count(text: string): number {
  const times = Number(text);
  if (Number.isInteger(times) && times >= 0 && times <= RETRIES_MAX) return times;
  throw new InvalidArgumentError(`it is a whole number from 0 to ${RETRIES_MAX}`);
}

type Task = {
  readonly stack: StackSpec;
  readonly secrets: Readonly<Record<string, string>>;
  readonly packed: readonly Packed[];
};

async function run(
  cli: Cli,
  word: string | undefined,
  words: readonly string[],
  options: RunOptions,
): Promise<number> {
  requireInput(options);
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const task = await taskOf(cli, word, words, options, cluster);
  await requirePlace(cli, task);
  const { stack, secrets, packed } = task;
  if (packed.length > 0) {
    const { buildImages } = await import('./build.ts');
    await buildImages(cli, stack, packed, secrets);
  }
  try {
    await submit(cli, stack, { secrets }, () => typed(`status ${stack.name}`));
  } catch (error) {
    // Neither a refusal nor a connection that never came about has begun anything.
    const isNothing = error instanceof ApiError || error instanceof UnreachableError;
    if (!isNothing) await removeRun(cli, stack.name);
    throw error;
  }
  if (options.detach === true) return leftAlone(cli, stack.name);
  try {
    using input =
      options.interactive === true ? createRunInput(cli, instanceIn(stack.name)) : undefined;
    return await toItsEnd(cli, stack.name, { cluster, isOnce: options.retries === 0, input });
  } finally {
    await removeRun(cli, stack.name);
  }
}

async function taskOf(
  cli: Cli,
  word: string | undefined,
  words: readonly string[],
  options: RunOptions,
  cluster: ClusterView,
): Promise<Task> {
  const { image, retries, deps, interactive = false } = options;
  const environment = variables(options.env ?? []);
  const wish = { environment, retries, noDeps: !deps, input: interactive };
  if (image !== undefined) {
    const all = word === undefined ? words : [word, ...words];
    return { stack: imageTask(image, { ...wish, words: all }), secrets: {}, packed: [] };
  }
  if (word === undefined) {
    const next = `${typed('run SERVICE')}, or ${typed('run --image IMAGE')}`;
    throw usageFailure(
      'it is not said what to run',
      'neither a service nor an image is named',
      next,
    );
  }
  const { stack, secrets, packed } = await readStack(cli, options);
  const asked: Wish = { ...wish, words };
  return {
    stack: serviceTask(stack, word, cluster, asked),
    secrets,
    packed: packed
      .filter(({ service }) => service === word)
      .map((one) => ({ ...one, service: TASK })),
  };
}

function variables(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.flatMap((text) => {
      const sign = text.indexOf('=');
      const name = sign < 0 ? text : text.slice(0, sign);
      if (name === '')
        throw usageFailure(`"${text}" is no variable`, 'it has no name', 'write -e NAME=VALUE');
      const value = sign < 0 ? process.env[name] : text.slice(sign + 1);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What fits nowhere would be waited for in vain. */
async function requirePlace(cli: Cli, { stack, secrets }: Task): Promise<void> {
  const { components } = await cli.client.plan({ stack, secrets }, cli.signal);
  const decisions = components.flatMap((component) => component.decisions);
  const refused = decisions.find(({ kind }) => kind === 'unplaceable');
  if (refused === undefined) return;
  const each = refused.rejected.map(({ host_name: name, why }) => `${name}: ${why}`).join('; ');
  throw new Failure({
    code: 'no-place',
    what: 'the task fits on no host, and was not begun',
    why: each === '' ? refused.text : each,
    next: typed('host ls'),
    exit: EXIT.refused,
  });
}

/** Standard input is read once, and by one reader. */
function requireInput({ interactive, detach, retries, file = [] }: RunOptions): void {
  if (interactive !== true) return;
  const others = [
    detach === true && ['--detach', 'nobody is left to give it', 'leave one of them out'],
    retries > 0 && ['--retries', 'it cannot be read a second time', 'leave one of them out'],
    file.includes('-') && ['--file -', 'the Compose file comes on it', 'name the file instead'],
  ];
  const [other] = others.filter((one) => one !== false);
  if (other === undefined) return;
  const [option, why = '', next = ''] = other;
  throw usageFailure(`--interactive does not go together with ${option}`, why, next);
}

/** The agents remove it a while after its end. */
function leftAlone(cli: Cli, stack: string): number {
  if (cli.json) printJson(cli, { schema: 'millrace/run/1', data: { stack, state: 'accepted' } });
  else print(cli, stack);
  note(cli, `  next  ${typed(`logs -f ${stack}`)}      end it: ${typed(`destroy ${stack}`)}`);
  return EXIT.ok;
}

type Course = {
  readonly cluster: ClusterView;
  /** It is not tried again where it fails. */
  readonly isOnce: boolean;
  /** Undefined: its standard input is empty. */
  readonly input: RunInput | undefined;
};

const instanceIn = (stack: string): string => `${stack}.${TASK}.1`;

/** Prints what it prints; resolves to its exit code. */
async function toItsEnd(
  cli: Cli,
  stack: string,
  { cluster, isOnce, input }: Course,
): Promise<number> {
  const id = instanceIn(stack);
  const printer = createLinePrinter(cli, { named: false, hosts: cluster.hosts });
  const output = createRunOutput(cli, id, printer);
  let told = '';
  for await (const { data } of statuses(cli, { until: Infinity })) {
    const slot = slotIn(data.cluster, stack);
    if (slot === undefined) continue;
    const { instance, ended } = slot;
    const host = instance?.host ?? slot.host;
    if (ended !== undefined || input?.missing !== undefined) {
      const missing = await output.finish(host);
      if (missing !== undefined) note(cli, `not all that ${id} has printed is here: ${missing}`);
      if (input?.missing !== undefined) throw inputCutOff(id, input.missing);
      return exitOf(cli, id, slot, data.cluster);
    }
    if (instance?.state === 'rejected') throw notBegun(id, slot, data.cluster);
    if (instance?.state === 'running' && host !== undefined) {
      output.follow(host);
      input?.give();
    }
    const trouble = waitsFor(data.cluster, slot, isOnce);
    if (trouble !== undefined && trouble !== told) note(cli, `${id}: ${trouble}`);
    told = trouble ?? told;
  }
  throw new Error('there are statuses for ever');
}

const slotIn = (view: ClusterView, stack: string): SlotView | undefined =>
  view.stacks.find(({ name }) => name === stack)?.components[0]?.slots[0];

/** What a user has to know of a task that does not run; how it comes to be is no news. */
function waitsFor(view: ClusterView, slot: SlotView, isOnce: boolean): string | undefined {
  const { instance, note: about } = slot;
  if (instance?.reason === undefined && about === undefined) return undefined;
  // It is over, and the cluster has yet to write it down.
  if (isOnce && instance?.state === 'failed' && instance.exitCode !== undefined) return undefined;
  return slotTrouble(view, slot);
}

function exitOf(cli: Cli, id: string, { ended, instance }: SlotView, view: ClusterView): number {
  const { exitCode = -1 } = instance ?? {};
  // The embedded engine says -1 of what ended while its agent was away.
  const code = ended === 'complete' ? 0 : exitCode < 0 ? undefined : exitCode;
  if (cli.json) {
    const host = instance === undefined ? {} : { host: hostName(view, instance.host) };
    const data = {
      instance: id,
      ...host,
      state: ended,
      ...(code !== undefined && { exit_code: code }),
    };
    printJson(cli, { schema: 'millrace/run/1', data });
  }
  if (code !== undefined) return code;
  throw new Failure({
    code: 'unknown-outcome',
    what: `it is unknown how ${id} has ended`,
    why:
      instance?.exitCode === undefined
        ? 'its host was lost before it had told'
        : 'it ended while the agent of its host was away, and nobody else has seen it',
    next: 'look at what it was to do; it is not run again by itself',
    exit: EXIT.unknown,
  });
}

function inputCutOff(id: string, why: string): Failure {
  return new Failure({
    code: 'input-cut-off',
    what: `${id} was not given all of its input, and was ended`,
    why,
    next: 'look at what it has done with the part that it was given, and run it again',
    exit: EXIT.unknown,
  });
}

function notBegun(id: string, slot: SlotView, view: ClusterView): Failure {
  return new Failure({
    code: 'not-begun',
    what: `${id} could not be started`,
    why: slot.instance?.reason ?? slotTrouble(view, slot) ?? 'its host has not said why',
    next: 'correct what is wrong with it and run it again: it has not run',
    exit: EXIT.unhealthy,
  });
}
