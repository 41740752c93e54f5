/** What simulated instances print, kept as lines and read as an engine gives them out. */
import { Readable } from 'node:stream';

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
  options: { readonly follow: boolean; readonly tail?: number },
  signal: AbortSignal,
): Readable {
  signal.addEventListener('abort', () => wake(print), { once: true });
  return Readable.from(drain(print, options, signal), { encoding: 'utf8' });
}

async function* drain(
  print: Print,
  { follow, tail = Number.POSITIVE_INFINITY }: { readonly follow: boolean; readonly tail?: number },
  signal: AbortSignal,
): AsyncGenerator<string> {
  let at = Math.max(0, print.lines.length - tail);
  for (;;) {
    for (; at < print.lines.length; at++) yield `${print.lines[at]}\n`;
    if (!follow || print.hasEnded || signal.aborted) return;
    await print.changed.promise;
  }
}

function wake(print: Print): void {
  print.changed.resolve();
  print.changed = Promise.withResolvers();
}
