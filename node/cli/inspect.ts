import { Command } from 'commander';
import type { InspectBody } from '../http/api.ts';
import { type Answer, askAll } from './pages.ts';
import { EXIT, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { nothingRuns } from './logs.ts';
import type { Perform } from './perform.ts';
import { viewLine } from './status-screen.ts';
import { describe, instanceIds, resolve } from './subject.ts';
import { type Cli, note, print, printJson, writeAll } from './terminal.ts';

export function inspectCommand(perform: Perform): Command {
  return new Command('inspect')
    .description(
      'the whole record of a stack, component, instance or host, and what instances tell of themselves',
    )
    .argument('<subject>', 'a stack, component, instance or host')
    .option('--raw', 'only what the instance tells of itself, as it comes')
    .action((word: string, { raw }: { readonly raw?: true }, command: Command) =>
      perform(command, (cli) => (raw === true ? printRaw(cli, word) : inspect(cli, word))),
    );
}

async function inspect(cli: Cli, word: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['stack', 'component', 'instance', 'host']);
  const body = await cli.client.inspect(subject.id, cli.signal);
  const { instances, endpoint } = body.data;
  const ids = instances.map(({ id }) => id);
  const answers = endpoint === undefined ? [] : await askAll(cli, ids);
  if (cli.json) printJson(cli, endpoint === undefined ? body : withAnswers(body, answers));
  else {
    note(cli, `${describe(subject)}, ${viewLine(cluster)}`);
    await printRecord(cli, body, answers);
  }
  const silent = answers.filter((answer) => answer.kind === 'silent');
  const [first] = silent;
  if (first === undefined) return EXIT.ok;
  if (subject.kind === 'instance') throw first.error;
  for (const { error } of silent) note(cli, `${error.refusal.what}: ${error.refusal.why}`);
  return EXIT.unhealthy;
}

function withAnswers(body: InspectBody, answers: readonly Answer[]): object {
  const told = answers.map((answer) => {
    const { id: instance } = answer;
    if (answer.kind === 'told') return { instance, host: answer.host, body: read(answer.text) };
    const { code, why } = answer.error.refusal;
    return { instance, error: { code, why } };
  });
  return { ...body, data: { ...body.data, told } };
}

async function printRecord(
  cli: Cli,
  { data: { record, instances } }: InspectBody,
  answers: readonly Answer[],
): Promise<void> {
  const { stringify } = await import('yaml');
  const told = answers.flatMap((answer) =>
    answer.kind === 'told' ? [[answer.id, read(answer.text)] as const] : [],
  );
  const parts = { record, instances, ...(told.length > 0 && { told: Object.fromEntries(told) }) };
  print(cli, stringify(parts, { aliasDuplicateObjects: false }).trimEnd());
}

/** JSON as what it says, anything else as text. */
function read(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function printRaw(cli: Cli, word: string): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['component', 'instance']);
  const known = instanceIds(subject);
  const running =
    subject.kind === 'instance'
      ? known
      : subject.component.slots.flatMap(({ instance }) =>
          instance?.state === 'running' ? [instance.id] : [],
        );
  if (running.length > 1) {
    const why = `it has ${running.length} instances that run: ${running.join(', ')}`;
    const next = typed(`inspect ${running[0]} --raw`);
    throw usageFailure(`${subject.id} does not tell one thing`, why, next);
  }
  const id = running[0] ?? known[0];
  if (id === undefined) throw nothingRuns(subject.id);
  const { text } = await cli.client.page(id, cli.signal);
  await writeAll(cli.stdout, text, cli.signal);
  return EXIT.ok;
}
