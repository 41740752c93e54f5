/** What simulated instances print, kept as lines and read as an engine gives them out. */
import type { LogLine, LogOptions } from '../../../node/engine/engine.ts';

export type Print = {
  readonly lines: string[];
  hasEnded: boolean;
  /** Resolved and renewed by every change. */
  changed: PromiseWithResolvers<void>;
};

export const createPrint = (): Print => ({
  lines: [],
  hasEnded: false,
  changed: Promise.withResolvers(),
});

export function printLine(print: Print, line: string): void {
  print.lines.push(line);
  wake(print);
}

export function endPrint(print: Print): void {
  print.hasEnded = true;
  wake(print);
}

export function readPrint(
  print: Print,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[]> {
  signal.addEventListener('abort', () => wake(print), { once: true });
  return drain(print, options, signal);
}

async function* drain(
  print: Print,
  { follow, tail = Number.POSITIVE_INFINITY }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[]> {
  let at = Math.max(0, print.lines.length - tail);
  for (;;) {
    const lines = print.lines.slice(at);
    at += lines.length;
    if (lines.length > 0) yield lines.map((text) => ({ output: 'stdout', text }));
    if (!follow || print.hasEnded || signal.aborted) return;
    if (at === print.lines.length) await print.changed.promise;
  }
}

function wake(print: Print): void {
  print.changed.resolve();
  print.changed = Promise.withResolvers();
}
