/**
 * One lane to one peer: a long-lived stream of length-prefixed frames, opened when there is
 * something to send and the peer is connected, opened again with backoff after it broke.
 *
 * A lane of its own stream each: what is urgent waits for no bulk. Within a connection the muxer
 * lets at most one window of bulk go ahead.
 */
import type { Stream } from '@libp2p/interface';
import { encode } from 'it-length-prefixed';
import { pipe } from 'it-pipe';
import { backoffMs, pause } from './backoff.ts';
import type { Counters } from './counters.ts';
import { drained } from './drained.ts';
import { createFrameQueue } from './frame-queue.ts';
import type { LaneLimits } from './limits.ts';

export interface OutgoingLane {
  /** Never blocks, never throws. */
  push(frame: Uint8Array): void;
  /** The peer is connected (again): go on at once. */
  wake(): void;
  close(): void;
}

export type OutgoingLaneInit = {
  /** `undefined`: not connected; `wake` will be called when that changes. */
  readonly open: (signal: AbortSignal) => Promise<Stream | undefined>;
  readonly limits: LaneLimits;
  readonly counters: Counters;
};

type Chunk = Parameters<Stream['send']>[0];

const REOPEN_BACKOFF = { minMs: 50, maxMs: 2_000 };
const OPEN_TIMEOUT_MS = 3_000;

export function createOutgoingLane(init: OutgoingLaneInit): OutgoingLane {
  const { counters } = init;
  const queue = createFrameQueue(init.limits);
  const closed = new AbortController();
  let changed = Promise.withResolvers<void>();
  let running = false;

  function signalChange(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  async function* frames(broken: AbortSignal): AsyncGenerator<Uint8Array> {
    while (!broken.aborted) {
      const frame = queue.shift();
      if (frame === undefined) {
        await changed.promise;
        continue;
      }
      counters.framesOut += 1;
      counters.bytesOut += frame.byteLength;
      yield frame;
    }
  }

  async function sendOn(stream: Stream): Promise<void> {
    const broken = new AbortController();
    const onClose = (): void => {
      broken.abort();
      signalChange();
    };
    stream.addEventListener('close', onClose);
    closed.signal.addEventListener('abort', onClose);
    try {
      await pipe(frames(broken.signal), prefixed, (source) =>
        writeAll(source, stream, broken.signal),
      );
    } finally {
      closed.signal.removeEventListener('abort', onClose);
      stream.removeEventListener('close', onClose);
      if (stream.status === 'open') stream.abort(new Error('the lane is closed'));
    }
  }

  /** Runs while there is something to send; ends when the peer is not connected. */
  async function run(): Promise<void> {
    let failures = 0;
    while (queue.length > 0 && !closed.signal.aborted) {
      try {
        const limit = AbortSignal.any([closed.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
        const stream = await init.open(limit);
        if (stream === undefined) break;
        failures = 0;
        await sendOn(stream);
      } catch {
        // A frame on its way when the stream broke may be lost: that is what datagrams are, too.
        await pause(backoffMs(failures, REOPEN_BACKOFF), closed.signal);
        failures += 1;
      }
    }
    // In the same turn as the check of the queue, or a frame pushed just now would be left lying.
    running = false;
  }

  function start(): void {
    signalChange();
    if (running || closed.signal.aborted) return;
    running = true;
    void run();
  }

  return {
    push(frame) {
      if (closed.signal.aborted) return;
      counters.dropped += queue.push(frame);
      start();
    },
    wake() {
      if (queue.length > 0) start();
    },
    close() {
      counters.dropped += queue.length;
      closed.abort();
    },
  };
}

/** Length and frame in one piece: one packet for a small frame. */
async function* prefixed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Chunk> {
  for await (const frame of source) yield encode.single(frame);
}

/** While the stream is full the frames stay in our queue, which is bounded. */
async function writeAll(
  source: AsyncIterable<Chunk>,
  stream: Stream,
  broken: AbortSignal,
): Promise<void> {
  for await (const chunk of source) {
    if (!stream.send(chunk)) await drained(stream, broken);
  }
}
