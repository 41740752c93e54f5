/** Real networks on 127.0.0.1 with everything they heard, and a bounded wait for a condition. */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import type { AddressBookPort } from '../../../node/network/address-book.ts';
import { generateIdentity } from '../../../node/network/identity.ts';
import {
  createNetwork,
  type Frame,
  type Gossip,
  type Network,
  type NetworkInit,
  type PeerChange,
} from '../../../node/network/network.ts';

export const SECRET = new Uint8Array(32).fill(7);
export const WRONG_SECRET = new Uint8Array(32).fill(8);

export type Heard = {
  readonly network: Network;
  readonly frames: Frame[];
  readonly gossip: Gossip[];
  readonly changes: PeerChange[];
};

export function memoryBook(
  entries = new Map<string, readonly string[]>(),
): AddressBookPort & { readonly entries: Map<string, readonly string[]> } {
  return {
    entries,
    load: async () => new Map(entries),
    async save(changes) {
      for (const [peerId, addresses] of changes) {
        if (addresses === undefined) entries.delete(peerId);
        else entries.set(peerId, addresses);
      }
    },
  };
}

/** Without mDNS, on a free port, unless told otherwise. */
export async function startNetwork(init: Partial<NetworkInit> = {}): Promise<Heard> {
  const frames: Frame[] = [];
  const gossip: Gossip[] = [];
  const changes: PeerChange[] = [];
  const network = await createNetwork({
    privateKey: await generateIdentity(),
    clusterId: 'testcluster',
    secret: SECRET,
    listen: ['127.0.0.1:0'],
    mdns: false,
    peers: [],
    addressBook: memoryBook(),
    topics: ['hb'],
    messageId: (_, bytes) => createHash('sha256').update(bytes).digest(),
    log: pino({ level: 'silent' }),
    onFrame: (frame) => frames.push(frame),
    onGossip: (message) => gossip.push(message),
    onPeer: (change) => changes.push(change),
    ...init,
  });
  return { network, frames, gossip, changes };
}

/** A second network that dials the first. Resolves once both are connected. */
export async function startPair(init: Partial<NetworkInit> = {}): Promise<readonly [Heard, Heard]> {
  const first = await startNetwork(init);
  const second = await startNetwork({ ...init, peers: first.network.addresses() });
  await until(
    () => isConnected(first, second) && isConnected(second, first),
    'the two networks connect',
  );
  return [first, second];
}

export function isConnected(from: Heard, to: Heard): boolean {
  return from.network.peers().some((peer) => peer.peerId === to.network.selfId);
}

/** Rejects, naming what did not come to pass. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 8_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function collect(answer: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const bytes of answer) texts.push(new TextDecoder().decode(bytes));
  return texts;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
