/** Bytes to the standard input of what runs. */
import type { Writable } from 'node:stream';

/**
 * Resolves when all of `input` has gone into `target`, which is ended then, or when nobody reads it any
 * more. Rejects with the failure of `input` or the reason of `signal`, and leaves `target` open: its
 * reader must not take a part for the whole.
 */
export async function pour(
  input: AsyncIterable<Uint8Array>,
  target: Writable,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  // Its reader may end before it has read everything, as `head` does.
  target.on('error', () => undefined);
  const closed = new Promise<undefined>((resolve) =>
    target.once('close', () => resolve(undefined)),
  );
  const either = <T>(awaited: Promise<T>): Promise<T | undefined> =>
    Promise.race([awaited, closed, aborted]);
  const chunks = input[Symbol.asyncIterator]();
  try {
    while (target.writable) {
      const chunk = await either(chunks.next());
      if (chunk === undefined) return;
      if (chunk.done === true) break;
      if (!target.write(chunk.value))
        await either(new Promise((resolve) => target.once('drain', resolve)));
    }
    if (target.writable) await either(new Promise((resolve) => target.end(resolve)));
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
