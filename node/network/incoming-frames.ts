/** Frames that a peer sends us on a lane. A frame too large is refused at its length prefix. */
import type { Stream } from '@libp2p/interface';
import { decode } from 'it-length-prefixed';
import { pipe } from 'it-pipe';
import type { Counters } from './counters.ts';

export type IncomingFramesInit = {
  readonly frameBytesMax: number;
  readonly counters: Counters;
  readonly onFrame: (bytes: Uint8Array) => void;
  readonly onRejected: (reason: Error) => void;
};

/** Call it in the very turn the stream arrives: what comes before a listener is attached piles up. */
export async function receiveFrames(stream: Stream, init: IncomingFramesInit): Promise<void> {
  const { counters } = init;
  try {
    const frames = pipe(stream, (source) => decode(source, { maxDataLength: init.frameBytesMax }));
    for await (const frame of frames) {
      counters.framesIn += 1;
      counters.bytesIn += frame.byteLength;
      init.onFrame(frame.subarray());
    }
    await stream.close({ signal: AbortSignal.timeout(1_000) });
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    // Anything but the stream's own end is the peer's doing.
    if (FRAMING_ERRORS.has(reason.name)) {
      counters.rejectedStreams += 1;
      init.onRejected(reason);
    }
    stream.abort(reason);
  }
}

const FRAMING_ERRORS: ReadonlySet<string> = new Set([
  'InvalidMessageLengthError',
  'InvalidDataLengthError',
  'InvalidDataLengthLengthError',
]);
