/**
 * Reads a stream as fast as its consumer, not as fast as its sender: beyond a bound the stream is
 * paused, its window fills and the sender waits. (The stream's own iterator buffers without end.)
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';

type Chunk = StreamMessageEvent['data'];

/** Paused above it. At most a window of the muxer (256 KiB) still follows. */
const BUFFER_BYTES_MAX = 1_048_576;

/** Listens from this call on, so that nothing is missed before the first `next`. */
export function pacedChunks(stream: Stream, signal: AbortSignal): AsyncIterable<Chunk> {
  const chunks: Chunk[] = [];
  let bytes = 0;
  let end: { readonly error: Error | undefined } | undefined;
  let changed = Promise.withResolvers<void>();
  const signalChange = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const finish = (error: Error | undefined): void => {
    end ??= { error };
    signalChange();
  };

  const onMessage = (event: StreamMessageEvent): void => {
    chunks.push(event.data);
    bytes += event.data.byteLength;
    if (bytes > BUFFER_BYTES_MAX && stream.readStatus === 'readable') stream.pause();
    signalChange();
  };
  const onAbort = (): void => finish(signal.reason as Error);
  stream.addEventListener('message', onMessage);
  // Only after everything unread was handed out, unlike `remoteCloseWrite`.
  stream.addEventListener('end', () => finish(undefined));
  stream.addEventListener('close', (event: StreamCloseEvent) => {
    // A paused stream still holds what came before its end.
    if (event.error !== undefined || stream.readStatus !== 'paused') finish(event.error);
  });
  signal.addEventListener('abort', onAbort);

  async function* read(): AsyncGenerator<Chunk> {
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          bytes -= chunk.byteLength;
          if (bytes <= BUFFER_BYTES_MAX / 2 && stream.readStatus === 'paused') stream.resume();
          yield chunk;
        } else if (end === undefined) {
          await changed.promise;
        } else if (end.error === undefined) {
          return;
        } else {
          throw end.error;
        }
      }
    } finally {
      stream.removeEventListener('message', onMessage);
      signal.removeEventListener('abort', onAbort);
    }
  }
  return read();
}
