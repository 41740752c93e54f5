/**
 * What a task prints, each line once: followed while it runs, and read to its end when it is over. A stream
 * that breaks is opened again from the beginning, and what was printed is left out.
 */
import type { LinePrinter, LogLine } from './log-lines.ts';
import type { Cli } from './terminal.ts';

export interface RunOutput {
  /** From `host`, unless it is read already. */
  follow(host: string): void;
  /** What is left, once it is over. Resolves to why something of it is missing, if so. */
  finish(host: string | undefined): Promise<string | undefined>;
}

/** `id`: of the instance. */
export function createRunOutput(cli: Cli, id: string, printer: LinePrinter): RunOutput {
  /** Lines printed, by attempt. */
  const printed = new Map<number, number>();
  const stop = new AbortController();
  const signal = AbortSignal.any([cli.signal, stop.signal]);
  let following: { readonly host: string; readonly done: Promise<void> } | undefined;

  async function read(host: string, follow: boolean): Promise<string | undefined> {
    const seen = new Map<number, number>();
    const asked = { subject: id, previous: false, follow };
    for await (const bodies of cli.client.logs(host, asked, follow ? signal : cli.signal)) {
      const lines: LogLine[] = [];
      for (const body of bodies) {
        if ('failed' in body) return body.failed;
        const count = (seen.get(body.attempt) ?? 0) + 1;
        seen.set(body.attempt, count);
        if (count <= (printed.get(body.attempt) ?? 0)) continue;
        printed.set(body.attempt, count);
        lines.push({ ...body, host });
      }
      await printer.print(lines);
    }
    return undefined;
  }

  async function keepReading(host: string, before: Promise<void> | undefined): Promise<void> {
    // One after the other, or both would print the same line.
    await before;
    await read(host, true).catch(() => undefined);
    following = undefined;
  }

  return {
    follow(host) {
      if (following?.host === host) return;
      following = { host, done: keepReading(host, following?.done) };
    },
    async finish(host) {
      const { done } = following ?? {};
      stop.abort();
      await done;
      if (host === undefined) return 'the host that ran it is not known';
      return read(host, false).catch((error: unknown) => {
        if (cli.signal.aborted) throw error;
        return error instanceof Error ? error.message : String(error);
      });
    },
  };
}
