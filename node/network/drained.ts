/** Waits until a stream takes more. */
import type { Stream } from '@libp2p/interface';

/**
 * Not the stream's own `onDrain`: its promise is made once and stays resolved after the first
 * drain (`@libp2p/utils` 7.4), so that from then on it waits for nothing and the whole backlog
 * piles up in the stream. Rejects when the stream closes or with the reason of `signal`.
 */
export async function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  while (stream.writableNeedsDrain) {
    signal.throwIfAborted();
    if (stream.writeStatus === 'closed') throw new Error('the stream is closed');
    await nextEvent(stream, signal);
  }
}

function nextEvent(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.removeEventListener('drain', finish);
      stream.removeEventListener('close', finish);
      signal.removeEventListener('abort', finish);
      // The stream sends its own backlog in a microtask, and may be full again after it.
      setImmediate(resolve);
    };
    stream.addEventListener('drain', finish);
    stream.addEventListener('close', finish);
    signal.addEventListener('abort', finish);
  });
}
