/** Two real muxers on a pair of connections: what is on the wire is counted, what arrives compared. */
import type { MultiaddrConnection, Stream } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { expect, it } from 'vitest';
import { sparingYamux } from '../../../node/network/packets.ts';

const WINDOW_BYTES = 262_144;
const HEADER_BYTES = 12;
/** The second byte of a yamux header. */
const WINDOW_UPDATE = 1;

it('answers a hundred small messages with no window update', async () => {
  const { sender, inbound, updates } = await openPair();
  const arrived = total(inbound, 100 * 50);
  for (let i = 0; i < 100; i++) sender.send(new Uint8Array(50));
  await arrived;
  // One of them accepts the stream.
  expect(updates()).toBeLessThanOrEqual(1);
});

it('lets through many times the window', async () => {
  const { sender, inbound, updates } = await openPair();
  const bytes = 8 * WINDOW_BYTES;
  const arrived = total(inbound, bytes);
  await sendAll(sender, bytes);
  await arrived;
  // From half a window to a whole one each.
  expect(updates()).toBeGreaterThanOrEqual(7);
  expect(updates()).toBeLessThanOrEqual(18);
});

it('goes on after a pause in which all of the window was used', async () => {
  const { sender, inbound } = await openPair();
  const started = total(inbound, 10);
  sender.send(new Uint8Array(10));
  await started;
  const arrived = total(inbound, 4 * WINDOW_BYTES);
  inbound.pause();
  const sent = sendAll(sender, 4 * WINDOW_BYTES);
  await until(() => inbound.readBufferLength >= WINDOW_BYTES - 10);
  inbound.resume();
  await sent;
  await expect(arrived).resolves.toBeUndefined();
});

type Pair = {
  readonly sender: Stream;
  readonly inbound: Stream;
  /** Frames of the receiver that say nothing but a window. */
  readonly updates: () => number;
};

async function openPair(): Promise<Pair> {
  const [near, far] = multiaddrConnectionPair();
  const factory = sparingYamux(WINDOW_BYTES)();
  const client = factory.createStreamMuxer(near);
  const server = factory.createStreamMuxer(far);
  const opened = new Promise<Stream>((resolve) => {
    server.addEventListener('stream', (event) => resolve(event.detail));
  });
  const sender = await client.createStream();
  return { sender, inbound: await opened, updates: countUpdates(far) };
}

function countUpdates(connection: MultiaddrConnection): () => number {
  let updates = 0;
  const send = connection.send.bind(connection);
  connection.send = (data) => {
    const bytes = data.subarray();
    if (bytes.byteLength === HEADER_BYTES && bytes[1] === WINDOW_UPDATE) updates += 1;
    return send(data);
  };
  return () => updates;
}

/** Resolves once so many bytes have come. */
function total(stream: Stream, bytes: number): Promise<void> {
  let left = bytes;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.addEventListener('message', (event) => {
    left -= event.data.byteLength;
    if (left <= 0) resolve();
  });
  return promise;
}

async function sendAll(stream: Stream, bytes: number): Promise<void> {
  const chunk = new Uint8Array(16_384);
  for (let sent = 0; sent < bytes; sent += chunk.byteLength)
    if (!stream.send(chunk)) await stream.onDrain();
}

/** Bounded by the time a test may take. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
