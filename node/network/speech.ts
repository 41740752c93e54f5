/**
 * Messages over the transport: encodes, decodes, and knows which peer is which host. What cannot be
 * decoded is counted and dropped; it never reaches the core.
 */
import { decode } from 'cborg';
import type { z } from 'zod';
import type { ClusterId, HostId } from '../../protocol/base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../protocol/limits.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Logger } from '../log.ts';
import type { Interference } from '../chaos/interference.ts';
import { hostIdOf } from '../token.ts';
import { decodeFrame, encodeFrame } from './codec.ts';
import type { Lane } from './limits.ts';
import type { Frame, Gossip, Network, PeerChange } from './network.ts';

export const TOPICS = { heartbeat: 'millrace/hb/1', news: 'millrace/news/1' } as const;

/** Lease and detector traffic never waits behind records and inventories. */
const BULK: ReadonlySet<Message['kind']> = new Set([
  'delta',
  'pull',
  'push',
  'read',
  'readAck',
  'write',
  'writeAck',
  'syncPage',
  'syncPull',
  'deploy',
  'deployResult',
  'welcome',
]);

/** `undecodable`: frames and gossip; `badRequests`: what peers asked; `tooLarge`: our own, not sent. */
export type SpeechCounters = { undecodable: number; badRequests: number; tooLarge: number };

export interface Speech {
  readonly counters: Readonly<SpeechCounters>;
  /** Set once the network listens; before that everything said is dropped. */
  attach(network: Pick<Network, 'send' | 'publish'>): void;
  send(to: HostId, message: Message): void;
  publish(message: Message): void;
  peerIdOf(host: HostId): string | undefined;
  learn(host: HostId, peerId: string): void;
  /** What a peer asks of us. What cannot be read is counted and thrown, which tells the peer so. */
  readRequest<T>(bytes: Uint8Array, schema: z.ZodType<T>): T;
  readonly onFrame: (frame: Frame) => void;
  readonly onGossip: (gossip: Gossip) => void;
  readonly onPeer: (change: PeerChange) => void;
}

export type SpeechInit = {
  readonly cluster: ClusterId;
  readonly log: Logger;
  readonly give: (input: Input) => void;
  readonly interference: Pick<Interference, 'pass'>;
};

export function createSpeech({ cluster, log, give, interference }: SpeechInit): Speech {
  const peers = new Map<HostId, string>();
  const hosts = new Map<string, HostId>();
  const counters: SpeechCounters = { undecodable: 0, badRequests: 0, tooLarge: 0 };
  let network: Pick<Network, 'send' | 'publish'> | undefined;

  /** The host behind a peer; its id follows from its key, so it cannot be claimed by another. */
  function hostOf(peerId: string): HostId {
    const known = hosts.get(peerId);
    if (known !== undefined) return known;
    const host = hostIdOf(peerId);
    hosts.set(peerId, host);
    peers.set(host, peerId);
    return host;
  }

  function read(bytes: Uint8Array, from: string, bytesMax: number): Message | undefined {
    const decoded = decodeFrame(bytes, cluster, bytesMax);
    if (decoded.ok) return decoded.value;
    counters.undecodable += 1;
    log.debug({ from, error: decoded.error }, 'a message that cannot be read');
    return undefined;
  }

  return {
    counters,
    attach: (to) => {
      network = to;
    },
    send(to, message) {
      const peerId = peers.get(to);
      if (peerId === undefined) return; // not met yet: the core asks again
      const lane: Lane = BULK.has(message.kind) ? 'bulk' : 'urgent';
      const bytes = encodeFrame(cluster, message);
      interference.pass('out', to, message.kind, () => network?.send(peerId, lane, bytes));
    },
    publish(message) {
      const bytes = encodeFrame(cluster, message);
      if (bytes.byteLength > GOSSIP_BYTES_MAX) counters.tooLarge += 1;
      else network?.publish(message.kind === 'heartbeat' ? TOPICS.heartbeat : TOPICS.news, bytes);
    },
    peerIdOf: (host) => peers.get(host),
    learn(host, peerId) {
      peers.set(host, peerId);
      hosts.set(peerId, host);
    },
    readRequest(bytes, schema) {
      try {
        return schema.parse(decode(bytes));
      } catch (cause) {
        counters.badRequests += 1;
        throw new Error('the request cannot be read', { cause });
      }
    },
    onFrame({ from, bytes }) {
      const message = read(bytes, from, FRAME_BYTES_MAX);
      if (message !== undefined) give({ kind: 'messageReceived', from: hostOf(from), message });
    },
    onGossip({ from, bytes }) {
      const message = read(bytes, from, GOSSIP_BYTES_MAX);
      if (message === undefined) return;
      const sender = hostOf(from);
      interference.pass('in', sender, message.kind, () =>
        give({ kind: 'gossipReceived', from: sender, message }),
      );
    },
    onPeer({ peerId, connected }) {
      const host = hostOf(peerId);
      give({ kind: connected ? 'peerConnected' : 'peerDisconnected', host });
    },
  };
}
