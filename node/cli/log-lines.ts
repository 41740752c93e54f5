/** How lines of logs are printed: each output to ours, the name of its instance before it. */
import type { HostView } from '../../protocol/view/view.ts';
import type { LogBody } from '../http/api.ts';
import { type Cli, type Format, note, writeAll } from './terminal.ts';

export type LogLine = Extract<LogBody, { readonly line: string }> & { readonly host: string };

export interface LinePrinter {
  /** Resolves once the outputs take more. */
  print(lines: readonly LogLine[]): Promise<void>;
  /** Something that the user has to know of what is not there. */
  warn(host: string, text: string): void;
  /** By its name. */
  nameOf(host: string): string;
}

const COLORS: readonly Format[] = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'];

export function createLinePrinter(
  cli: Cli,
  { named, hosts }: { readonly named: boolean; readonly hosts: readonly HostView[] },
): LinePrinter {
  const colors = new Map<string, Format>();
  const names = new Map<string, string>(hosts.map(({ id, name }) => [id, name]));
  const nameOf = (host: string): string => names.get(host) ?? host;

  function textOf({ instance, output, line }: LogLine): string {
    if (!named) return `${line}\n`;
    const color = colors.get(instance) ?? COLORS[colors.size % COLORS.length] ?? 'cyan';
    colors.set(instance, color);
    const paint = output === 'stderr' ? cli.paintNote : cli.paint;
    return `${paint(color, `${instance} |`)} ${line}\n`;
  }

  return {
    nameOf,
    async print(lines) {
      if (cli.json) {
        const told = lines.map((line) => JSON.stringify({ ...line, host: nameOf(line.host) }));
        return writeAll(cli.stdout, told.map((text) => `${text}\n`).join(''), cli.signal);
      }
      // In the order of the lines, as far as one terminal shows both.
      for (const { stream, text } of runs(lines, textOf))
        await writeAll(stream === 'stderr' ? cli.stderr : cli.stdout, text, cli.signal);
    },
    warn: (host, text) => note(cli, `${nameOf(host)}: ${text}`),
  };
}

type Run = { readonly stream: LogLine['output']; text: string };

/** Lines of one output that follow each other, as one text. */
function runs(lines: readonly LogLine[], textOf: (line: LogLine) => string): readonly Run[] {
  const all: Run[] = [];
  for (const line of lines) {
    const last = all.at(-1);
    if (last?.stream === line.output) last.text += textOf(line);
    else all.push({ stream: line.output, text: textOf(line) });
  }
  return all;
}
