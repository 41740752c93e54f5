/** What a verb needs of the outside: the agent, two outputs, the user's interrupt. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { type Client, createClient } from '../http/client.ts';
import { findSocket } from '../paths.ts';
import { usageFailure } from './failure.ts';

export type Format = Parameters<typeof styleText>[0];
/** Colors repeat what the letters say; where there are none the text comes back as it is. */
export type Paint = (format: Format, text: string) => string;
/** How a screen is laid out: at most `width` columns. */
export type ScreenStyle = { readonly width: number; readonly paint: Paint };
export type ColorChoice = 'auto' | 'always' | 'never';

export type GlobalOptions = {
  readonly socket?: string;
  readonly color: ColorChoice;
  readonly json?: boolean;
};

export type Cli = {
  readonly client: Client;
  readonly json: boolean;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  readonly paint: Paint;
  readonly paintNote: Paint;
  /** What goes on in the cluster if the user interrupts now; nothing is said without it. */
  continues?: string;
};

export const WIDTH_MAX = 100;
const WIDTH_MIN = 40;

export function createCli(options: GlobalOptions, signal: AbortSignal): Cli {
  const { stdout, stderr, stdin } = process;
  return {
    client: createClient(options.socket ?? findSocket()),
    json: options.json === true,
    signal,
    stdout,
    stderr,
    stdin,
    paint: createPaint(options.color, stdout),
    paintNote: createPaint(options.color, stderr),
  };
}

/** `auto` is a terminal that wants colors: NO_COLOR, FORCE_COLOR and TERM=dumb are heard. */
export function createPaint(choice: ColorChoice, stream: NodeJS.WritableStream): Paint {
  if (choice === 'never') return (_, text) => text;
  if (choice === 'always')
    return (format, text) => styleText(format, text, { validateStream: false });
  return (format, text) => styleText(format, text, { stream });
}

/** Columns of this output, at most 100; 100 where it is not a terminal. */
export function widthOf(stream: NodeJS.WriteStream): number {
  const columns = stream.isTTY ? stream.columns : WIDTH_MAX;
  return Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, columns));
}

/** Data, to standard output. */
export function print(cli: Cli, ...lines: readonly string[]): void {
  cli.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** As fast as it is read, however much there is: nothing piles up in us. */
export async function writeAll(
  stream: NodeJS.WriteStream,
  data: string | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (!stream.write(data)) await once(stream, 'drain', { signal });
}

/** Narration, progress and warnings, to standard error. */
export function note(cli: Cli, ...lines: readonly string[]): void {
  cli.stderr.write(lines.map((line) => `${line}\n`).join(''));
}

/** One line of JSON: an object of its own, or one of a stream. */
export function printJson(cli: Cli, body: unknown): void {
  print(cli, JSON.stringify(body));
}

/** Asks before something is lost. Off a terminal it never waits: exit 2 says what to add. */
export async function confirm(cli: Cli, question: string, flag: string): Promise<boolean> {
  if (!cli.stdin.isTTY || !cli.stderr.isTTY) {
    throw usageFailure(
      `not done without a yes: ${question}`,
      'there is no terminal to ask on',
      `type it again and add ${flag}`,
    );
  }
  const lines = createInterface({ input: cli.stdin, output: cli.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: cli.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
