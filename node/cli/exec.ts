import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import type { TerminalSize } from '../engine/engine.ts';
import { beginFrame, type ExecAnswer, inputFrame, readAnswers } from '../exec/frames.ts';
import { EXIT, Failure, usageFailure } from './failure.ts';
import { asTyped, typed } from './invocation.ts';
import { nothingRuns } from './logs.ts';
import type { Perform } from './perform.ts';
import { instanceIds, resolve, type Subject } from './subject.ts';
import { type Cli, note, writeAll } from './terminal.ts';

type ExecOptions = { readonly interactive?: boolean; readonly tty?: boolean };

export function execCommand(perform: Perform): Command {
  return new Command('exec')
    .description('run a command in an instance, wherever it runs; ends with its exit code')
    .argument('<subject>', 'an instance, or a component: the first that is well')
    .argument('<command...>', 'after --, the program and its arguments')
    .option('-i, --interactive', 'give it what comes on standard input')
    .option('-t, --tty', 'give it a terminal; where Docker is')
    .action((word: string, words: readonly string[], options: ExecOptions, command: Command) =>
      perform(command, (cli) => exec(cli, word, words, options)),
    );
}

async function exec(
  cli: Cli,
  word: string,
  words: readonly string[],
  { interactive = false, tty = false }: ExecOptions,
): Promise<number> {
  if (tty && !(cli.stdin.isTTY && cli.stdout.isTTY)) throw noTerminal();
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['instance', 'component']);
  const id = chosen(cli, subject);
  const input = new PassThrough();
  const begin = { command: [...words], stdin: interactive };
  input.write(beginFrame(tty ? { ...begin, terminal: sizeOf(cli.stdout) } : begin));
  const letGo = tty || interactive ? attach(cli, input, { interactive, tty }) : undefined;
  if (letGo === undefined) input.end();
  try {
    return await printed(cli, readAnswers(cli.client.exec(id, input, cli.signal)));
  } finally {
    letGo?.();
    input.destroy();
  }
}

/** Its output to ours, each to its own; resolves to its exit code. */
async function printed(cli: Cli, answers: AsyncIterable<ExecAnswer>): Promise<number> {
  for await (const answer of answers)
    switch (answer.kind) {
      case 'stdout':
      case 'stderr':
        await writeAll(cli[answer.kind], answer.bytes, cli.signal);
        break;
      case 'failed':
        throw new Failure({ ...answer.error, next: asTyped(answer.error.next) });
      case 'exited':
        return answer.exitCode;
    }
  throw brokenOff();
}

/** Standard input and the size of the terminal go to `input`, until the returned is called. */
function attach(
  cli: Cli,
  input: PassThrough,
  { interactive, tty }: { readonly interactive: boolean; readonly tty: boolean },
): () => void {
  const { stdin, stdout } = cli;
  const give = (bytes: Buffer): void => {
    if (input.write(inputFrame({ kind: 'stdin', bytes }))) return;
    stdin.pause();
    input.once('drain', () => stdin.resume());
  };
  const end = (): void => void input.end();
  const resize = (): void => {
    if (input.writable) input.write(inputFrame({ kind: 'resize', size: sizeOf(stdout) }));
  };
  if (interactive) stdin.on('data', give).on('end', end);
  if (interactive && tty) stdin.setRawMode(true);
  if (tty) stdout.on('resize', resize);
  return () => {
    stdin.off('data', give).off('end', end);
    stdout.off('resize', resize);
    if (interactive && tty) stdin.setRawMode(false);
    stdin.pause();
    // What is still open there keeps nobody waiting.
    stdin.unref();
  };
}

const sizeOf = ({ columns, rows }: NodeJS.WriteStream): TerminalSize => ({
  columns: Math.max(1, columns),
  rows: Math.max(1, rows),
});

/** Of a component the first instance that is well, or else that runs. */
function chosen(
  cli: Cli,
  subject: Extract<Subject, { readonly kind: 'instance' | 'component' }>,
): string {
  const [first] = instanceIds(subject);
  if (first === undefined) throw nothingRuns(subject.id);
  if (subject.kind === 'instance') return first;
  const { slots } = subject.component;
  const running = slots.flatMap(({ instance }) =>
    instance?.state === 'running' ? [instance] : [],
  );
  const well = running.find(({ health }) => health === 'healthy' || health === 'none');
  const id = (well ?? running[0])?.id ?? first;
  if (running.length > 1 && cli.stderr.isTTY) note(cli, `in ${id}`);
  return id;
}

function noTerminal(): Failure {
  return usageFailure(
    'there is no terminal to pass on',
    '--tty needs standard input and output to be a terminal, and one of them is a file or a pipe',
    `leave -t out: ${typed('exec -i SUBJECT -- COMMAND')}`,
  );
}

function brokenOff(): Failure {
  return new Failure({
    code: 'broken-off',
    what: 'it is unknown how the command ended',
    why: 'the agent ended before it did',
    next: asTyped('agentctl ps'),
    exit: EXIT.unknown,
  });
}
