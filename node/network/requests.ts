/**
 * Requests to another agent, each on a stream of its own: one frame asks, a sequence of frames
 * answers, and another may go on with what is asked meanwhile. Every frame but the first begins with its
 * kind; what has no `end` was cut off.
 *
 *     asker ──request, (data)*, end──▶ peer
 *     asker ◀── accepted, (data | keepalive)*, end | failed ── peer
 *
 * Each direction is read as fast as its reader reads: a slow one holds its sender up, and nobody else.
 */
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { decode, encode } from 'it-length-prefixed';
import { pipe } from 'it-pipe';
import { drained } from './drained.ts';
import type { NetworkLimits } from './limits.ts';
import { pacedChunks } from './paced-chunks.ts';
import { createSemaphore, type Semaphore } from './semaphore.ts';

/**
 * What it throws is told to the asker as text. `signal`: the asker is gone or has had enough. `input`:
 * what follows the request, if the asker sends anything; it throws where that is cut off.
 */
export type RequestHandler = (
  from: string,
  request: Uint8Array,
  signal: AbortSignal,
  input: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array>;

/** The peer could not be asked, gave up, or said no; `message` says which. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** Too many like it are under way to the peer, and none of them ends. */
export class BusyError extends RequestError {}

export type RequestOptions = {
  /** Goes to the peer meanwhile. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** It may last, and so may those before it: `BusyError` where its turn does not come soon. */
  readonly awaited?: boolean;
};

export type Requests = {
  readonly handle: (name: string, handler: RequestHandler) => Promise<void>;
  /** Ends when the answer ends; throws `RequestError`, or the reason of `signal`. */
  readonly request: (
    peerId: string,
    name: string,
    body: Uint8Array,
    signal: AbortSignal,
    options?: RequestOptions,
  ) => AsyncIterable<Uint8Array>;
};

export type RequestsInit = {
  readonly libp2p: Pick<Libp2p, 'handle'>;
  /** Rejects when the peer is not connected. */
  readonly openStream: (
    peerId: string,
    protocol: string,
    streamsMax: number,
    signal: AbortSignal,
  ) => Promise<Stream>;
  readonly limits: NetworkLimits;
};

const KIND = { accepted: 0, data: 1, keepalive: 2, end: 3, failed: 4 } as const;
const NOTHING = new Uint8Array(0);
const KEEPALIVES_PER_SILENCE = 3;
const CLOSE_TIMEOUT_MS = 1_000;

export const requestProtocol = (name: string): string => `/millrace/rpc/${name}/1`;

export function createRequests(init: RequestsInit): Requests {
  const { limits } = init;
  const semaphores = new Map<string, Semaphore>();
  // Above what a well-behaved asker has open: a stream that it closed may still be open for us.
  const streamsMax = 2 * limits.requestsPerPeerMax;

  async function withPlace(
    where: string,
    signal: AbortSignal,
    awaited: boolean,
  ): Promise<() => void> {
    const semaphore = semaphores.get(where) ?? createSemaphore(limits.requestsPerPeerMax);
    semaphores.set(where, semaphore);
    const turn = awaited ? AbortSignal.timeout(limits.requestTurnMs) : undefined;
    const release = await semaphore
      .acquire(turn === undefined ? signal : AbortSignal.any([signal, turn]))
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw turn?.aborted === true ? busy(limits) : error;
      });
    return () => {
      release();
      if (semaphore.users === 0) semaphores.delete(where);
    };
  }

  return {
    async handle(name, handler) {
      const protocol = requestProtocol(name);
      await init.libp2p.handle(
        protocol,
        (stream, connection) => void answer(stream, connection, handler, limits),
        { maxInboundStreams: streamsMax, maxOutboundStreams: streamsMax },
      );
    },
    async *request(peerId, name, body, signal, { input, awaited = false } = {}) {
      const release = await withPlace(`${peerId} ${name}`, signal, awaited);
      const silence = silenceWatch(limits.requestAcceptMs);
      const stop = AbortSignal.any([signal, silence.signal]);
      let stream: Stream | undefined;
      try {
        stream = await init.openStream(peerId, requestProtocol(name), streamsMax, stop);
        const chunks = pacedChunks(stream, stop);
        stream.send(encode.single(body));
        if (input !== undefined) void sendInput(stream, input, limits, stop);
        for await (const [kind, data] of kindFrames(framesOf(chunks, limits.frameBytesMax + 1))) {
          silence.heard(limits.requestSilenceMs);
          if (kind === KIND.end) return;
          if (kind === KIND.failed) throw new RequestError(new TextDecoder().decode(data));
          if (kind !== KIND.data) continue;
          // However long the consumer takes with it, that is not the peer's silence.
          silence.hold();
          yield data;
          silence.heard(limits.requestSilenceMs);
        }
        throw new RequestError('the peer cut its answer off');
      } catch (error) {
        signal.throwIfAborted();
        throw asRequestError(silence.signal.aborted ? silence.signal.reason : error);
      } finally {
        silence.hold();
        stream?.abort(new Error('the request is over'));
        release();
      }
    },
  };
}

function busy({ requestsPerPeerMax, requestTurnMs }: NetworkLimits): BusyError {
  const many = `${requestsPerPeerMax} like it are under way from here to that host already`;
  return new BusyError(`${many}, and none has ended within ${requestTurnMs / 1_000} s`);
}

/** Ends early when the peer has answered: then nobody reads it any more. */
async function sendInput(
  stream: Stream,
  input: AsyncIterable<Uint8Array>,
  limits: NetworkLimits,
  stop: AbortSignal,
): Promise<void> {
  try {
    // With its kind no frame is longer than the request itself may be.
    for await (const data of input) await sendData(stream, data, limits.frameBytesMax - 1, stop);
    sendFrame(stream, KIND.end);
  } catch (error) {
    // The peer must not take what it has for the whole.
    stream.abort(asRequestError(error));
  }
}

async function sendData(
  stream: Stream,
  data: Uint8Array,
  bytesMax: number,
  stop: AbortSignal,
): Promise<void> {
  for (const part of parts(data, bytesMax))
    if (!sendFrame(stream, KIND.data, part)) await drained(stream, stop);
}

async function* framesOf(
  chunks: ReturnType<typeof pacedChunks>,
  maxDataLength: number,
): AsyncGenerator<Uint8Array> {
  const frames = pipe(chunks, (source) => decode(source, { maxDataLength }));
  for await (const frame of frames) yield frame.subarray();
}

async function* kindFrames(
  frames: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly [number | undefined, Uint8Array]> {
  for await (const bytes of frames) yield [bytes[0], bytes.subarray(1)];
}

async function* inputOf(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const [kind, data] of kindFrames(frames)) {
    if (kind === KIND.end) return;
    if (kind === KIND.data) yield data;
  }
  throw new RequestError('what was sent with the request was cut off');
}

async function answer(
  stream: Stream,
  connection: Connection,
  handler: RequestHandler,
  limits: NetworkLimits,
): Promise<void> {
  const gone = new AbortController();
  stream.addEventListener('close', () => gone.abort(new RequestError('the asker is gone')));
  const keepalive = setInterval(
    () => sendFrame(stream, KIND.keepalive),
    limits.requestSilenceMs / KEEPALIVES_PER_SILENCE,
  ).unref();
  try {
    const frames = framesOf(pacedChunks(stream, gone.signal), limits.frameBytesMax);
    const request = await firstFrame(frames, limits);
    sendFrame(stream, KIND.accepted);
    const from = connection.remotePeer.toString();
    for await (const data of handler(from, request, gone.signal, inputOf(frames)))
      await sendData(stream, data, limits.frameBytesMax, gone.signal);
    sendFrame(stream, KIND.end);
  } catch (error) {
    if (gone.signal.aborted) return;
    sendFrame(stream, KIND.failed, new TextEncoder().encode(asRequestError(error).message));
  } finally {
    clearInterval(keepalive);
    await stream
      .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
      .catch(stream.abort.bind(stream));
  }
}

async function firstFrame(
  frames: AsyncGenerator<Uint8Array>,
  limits: NetworkLimits,
): Promise<Uint8Array> {
  const late = Promise.withResolvers<never>();
  const expire = (): void => late.reject(new RequestError('the request did not come'));
  const timer = setTimeout(expire, limits.requestAcceptMs).unref();
  try {
    const { done, value } = await Promise.race([frames.next(), late.promise]);
    if (done === true) throw new RequestError('the request was cut off');
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** False when the stream is full: then wait for its drain. A closed stream takes nothing. */
function sendFrame(stream: Stream, kind: number, data: Uint8Array = NOTHING): boolean {
  if (stream.writeStatus !== 'writable') return true;
  // A keepalive behind a full buffer says nothing new.
  if (kind === KIND.keepalive && stream.writableNeedsDrain) return false;
  const frame = new Uint8Array(1 + data.byteLength);
  frame[0] = kind;
  frame.set(data, 1);
  return stream.send(encode.single(frame));
}

function* parts(data: Uint8Array, bytesMax: number): Generator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += bytesMax) yield data.subarray(at, at + bytesMax);
}

/** Aborts when nothing was heard for so long. */
function silenceWatch(firstMs: number) {
  const controller = new AbortController();
  const expire = (): void => controller.abort(new RequestError('the peer does not answer'));
  let timer = setTimeout(expire, firstMs).unref();
  return {
    signal: controller.signal,
    heard(ms: number): void {
      clearTimeout(timer);
      timer = setTimeout(expire, ms).unref();
    },
    hold(): void {
      clearTimeout(timer);
    },
  };
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RequestError(message, { cause: error });
}
