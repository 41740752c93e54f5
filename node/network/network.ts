/**
 * Bytes between agents. Knows peers, lanes, topics and requests; nothing of what is in them.
 *
 * - `send`: at most once, in order per lane while one stream lasts; a full queue drops its oldest.
 * - `publish`: a hint to everyone, best effort.
 * - `request`: an answer or an error.
 *
 * Only holders of the cluster's secret get as far as a connection. A callback never throws into
 * the transport: what it throws is logged.
 */
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import type { Logger } from '../log.ts';
import { type AddressBook, type AddressBookPort, openAddressBook } from './address-book.ts';
import {
  type AddressPolicy,
  createAddressPolicy,
  type Endpoint,
  hostOf,
  parseEndpoint,
  portOf,
} from './addresses.ts';
import { probeAddresses, type ProbeOutcome } from './connect-probe.ts';
import {
  type ConnectedPeer,
  type Connections,
  createConnections,
  LANE_STREAMS_MAX,
  laneProtocol,
} from './connections.ts';
import { type Counters, createCounters } from './counters.ts';
import { createDialer, type Dialer } from './dialer.ts';
import {
  createDiscovery,
  type Discovery,
  type MulticastState,
  serviceTypeOf,
} from './discovery.ts';
import { GOSSIP_MESH, type GossipMesh, type MessageId } from './gossip.ts';
import { receiveFrames } from './incoming-frames.ts';
import { createLibp2pHost, type Libp2pHost, startListening, stopLibp2p } from './libp2p-host.ts';
import { type Lane, LANES, NETWORK_LIMITS, type NetworkLimits } from './limits.ts';
import type { HeardPeer } from './hearing.ts';
import { createRequests, type RequestHandler, type RequestOptions } from './requests.ts';

export type NetworkInit = {
  /** From `generateIdentity`, or a raw seed of 32 bytes. */
  readonly privateKey: Uint8Array;
  readonly clusterId: string;
  /** At least 32 random bytes. */
  readonly secret: Uint8Array;
  /** `HOST:PORT`; empty: every real interface, on a port that the system chooses. */
  readonly listen: readonly string[];
  readonly mdns: boolean;
  /** Multiaddrs or `HOST:PORT`, dialed without end. */
  readonly peers: readonly string[];
  readonly addressBook: AddressBookPort;
  readonly topics: readonly string[];
  readonly messageId: MessageId;
  readonly log: Logger;
  readonly onFrame: (frame: Frame) => void;
  readonly onGossip: (gossip: Gossip) => void;
  readonly onPeer: (change: PeerChange) => void;
  /** Whether mDNS can work here; never called without `mdns`. */
  readonly onMulticast?: (state: MulticastState) => void;
  readonly mesh?: GossipMesh;
  readonly limits?: NetworkLimits;
  /** Default 5353. */
  readonly mdnsPort?: number;
};

export type Frame = { readonly from: string; readonly lane: Lane; readonly bytes: Uint8Array };
/** `from` is the peer that handed it on, not its author. */
export type Gossip = { readonly topic: string; readonly from: string; readonly bytes: Uint8Array };
export type PeerChange = { readonly peerId: string; readonly connected: boolean };

export interface Network {
  readonly selfId: string;
  /** The DNS-SD service type under which the cluster is announced. */
  readonly serviceType: string;
  /** What others are told: multiaddrs with our peer id. */
  addresses(): readonly string[];
  peers(): readonly ConnectedPeer[];
  counters(): Readonly<Counters>;
  /** Peers to which connections are kept up. Others are met when they are found, and not sought. */
  setWanted(peerIds: readonly string[]): void;
  /** Dialed like the static peers of the configuration. */
  addPeer(address: string): void;
  /** Addresses of a peer, learned from an authenticated source. */
  learnAddresses(peerId: string, addresses: readonly string[]): void;
  addressesOf(peerId: string): readonly string[];
  /** Never blocks, never throws. */
  send(peerId: string, lane: Lane, bytes: Uint8Array): void;
  publish(topic: string, bytes: Uint8Array): void;
  /** Breaks all connections to a peer; it is dialed again if it is wanted. */
  disconnect(peerId: string): Promise<void>;
  /** Says by multicast where we are, once; without mDNS nothing. */
  announce(): void;
  /** Who was heard by multicast, ourselves among them. */
  heard(): readonly HeardPeer[];
  /** Never rejects; `signal` bounds it and means silence. */
  probe(peerId: string, signal: AbortSignal): Promise<ProbeOutcome>;
  handle(name: string, handler: RequestHandler): Promise<void>;
  /** Throws `RequestError`, or the reason of `signal`. */
  request(
    peerId: string,
    name: string,
    body: Uint8Array,
    signal: AbortSignal,
    options?: RequestOptions,
  ): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** What the parts of one network share. */
type Parts = {
  readonly init: NetworkInit;
  readonly limits: NetworkLimits;
  readonly counters: Counters;
  readonly policy: AddressPolicy;
  readonly libp2p: Libp2pHost;
  readonly book: AddressBook;
  readonly connections: Connections;
  readonly dialer: Dialer;
};

/** Listens when it resolves; rejects with a `StartupError`. */
export async function createNetwork(init: NetworkInit): Promise<Network> {
  const listen = (init.listen.length > 0 ? init.listen : ['0.0.0.0:0']).map(parseEndpoint);
  const parts = await assemble(init, listen);
  const { libp2p } = parts;
  let discovery: Discovery | undefined;
  const missing = (): void => discovery?.refresh();
  attachEvents(parts, missing);
  await attachLanes(parts);
  await startListening(libp2p, listen);
  for (const topic of init.topics) libp2p.services.gossip.subscribe(topic);
  parts.dialer.want([]);
  if (init.mdns) discovery = discover(parts);
  return surface(parts, {
    missing,
    announce: () => discovery?.announce(),
    heard: () => discovery?.heard() ?? [],
    async close() {
      parts.dialer.close();
      parts.connections.close();
      await discovery?.close();
      await stopLibp2p(libp2p);
      await parts.book.close();
    },
  });
}

async function assemble(init: NetworkInit, listen: readonly Endpoint[]): Promise<Parts> {
  const policy = createAddressPolicy(listen);
  const limits = init.limits ?? NETWORK_LIMITS;
  const counters = createCounters();
  const book = await openAddressBook({
    port: init.addressBook,
    accepts: policy.accepts,
    limits,
    log: init.log,
  });
  const libp2p = await createLibp2pHost({
    identity: init.privateKey,
    secret: init.secret,
    listen,
    policy,
    connectionsMax: limits.connectionsMax,
    gossip: { topics: init.topics, messageId: init.messageId, mesh: init.mesh ?? GOSSIP_MESH },
    onRejected: () => {
      counters.rejectedConnections += 1;
    },
  });
  const tell = guarded(init.log, init.onPeer);
  const connections = createConnections({
    limits,
    counters,
    onPeer: (peerId, connected) => tell({ peerId, connected }),
  });
  const { isConnected } = connections;
  const dialer = createDialer({
    libp2p,
    book,
    isConnected,
    counters,
    peers: init.peers,
    log: init.log,
  });
  return { init, limits, counters, policy, libp2p, book, connections, dialer };
}

function attachEvents(parts: Parts, missing: () => void): void {
  const { init, counters, libp2p, book, connections, dialer } = parts;
  const onGossip = guarded(init.log, init.onGossip);
  libp2p.addEventListener('connection:open', ({ detail: connection }) => {
    connections.opened(connection);
    if (connection.direction !== 'outbound') return;
    book.confirm(connection.remotePeer.toString(), connection.remoteAddr);
  });
  libp2p.addEventListener('connection:close', ({ detail: connection }) => {
    connections.ended(connection);
    const peerId = connection.remotePeer.toString();
    if (connections.isConnected(peerId)) return;
    dialer.lost(peerId);
    missing();
  });
  libp2p.addEventListener('peer:identify', ({ detail }) => {
    book.replace(detail.peerId.toString(), detail.listenAddrs);
  });
  libp2p.services.gossip.addEventListener('gossipsub:message', ({ detail }) => {
    counters.gossipIn += 1;
    const { topic, data } = detail.msg;
    onGossip({ topic, from: detail.propagationSource.toString(), bytes: data });
  });
}

async function attachLanes({ init, limits, counters, libp2p }: Parts): Promise<void> {
  const onFrame = guarded(init.log, init.onFrame);
  const streams = { maxInboundStreams: LANE_STREAMS_MAX, maxOutboundStreams: LANE_STREAMS_MAX };
  for (const lane of LANES) {
    await libp2p.handle(
      laneProtocol(lane),
      (stream, connection) => {
        const from = connection.remotePeer.toString();
        void receiveFrames(stream, {
          frameBytesMax: limits.frameBytesMax,
          counters,
          onFrame: (bytes) => onFrame({ from, lane, bytes }),
          onRejected: (err) => init.log.warn({ err, peer: from, lane }, 'stream of a peer cut off'),
        });
      },
      streams,
    );
  }
}

function discover({ init, libp2p, policy, dialer }: Parts): Discovery {
  const onMulticast = guarded(init.log, init.onMulticast ?? (() => undefined));
  return createDiscovery({
    serviceType: serviceTypeOf(init.clusterId),
    selfId: libp2p.peerId.toString(),
    logger: libp2p.logger,
    addresses: () => libp2p.getMultiaddrs(),
    interfaces: policy.multicastInterfaces,
    satisfied: dialer.satisfied,
    onFound: dialer.found,
    onMulticast(state) {
      if (state.kind === 'works') init.log.info('multicast works: peers find each other');
      else
        init.log.warn({ why: state.why }, 'multicast does not work here: name peers with --peer');
      onMulticast(state);
    },
    ...(init.mdnsPort === undefined ? {} : { port: init.mdnsPort }),
  });
}

type Lifecycle = Pick<Network, 'announce' | 'heard' | 'close'> & { readonly missing: () => void };

function surface(parts: Parts, lifecycle: Lifecycle): Network {
  const { init, limits, counters, libp2p, book, connections, dialer } = parts;
  const requests = createRequests({ libp2p, openStream: connections.openStream, limits });
  return {
    selfId: libp2p.peerId.toString(),
    serviceType: serviceTypeOf(init.clusterId),
    addresses: () => libp2p.getMultiaddrs().map(String),
    peers: connections.peers,
    counters: () => ({ ...counters }),
    setWanted(peerIds) {
      dialer.want(peerIds);
      connections.keep(new Set(peerIds));
      if (!dialer.satisfied()) lifecycle.missing();
    },
    addPeer: dialer.addStatic,
    learnAddresses: (peerId, addresses) =>
      dialer.found(
        peerId,
        addresses.map((text) => multiaddr(text)),
      ),
    addressesOf: (peerId) => book.addressesOf(peerId).map(String),
    send: connections.send,
    publish(topic, bytes) {
      counters.gossipOut += 1;
      libp2p.services.gossip.publish(topic, bytes).catch((err: unknown) => {
        counters.gossipDropped += 1;
        init.log.debug({ err, topic }, 'gossip not published');
      });
    },
    disconnect: (peerId) => libp2p.hangUp(peerIdFromString(peerId)),
    announce: lifecycle.announce,
    heard: lifecycle.heard,
    probe: (peerId, signal) => probeAddresses(probeTargets(book, peerId), signal),
    handle: requests.handle,
    request: requests.request,
    close: lifecycle.close,
  };
}

function probeTargets(book: AddressBook, peerId: string) {
  return book.addressesOf(peerId).flatMap((address) => {
    const host = hostOf(address);
    const port = portOf(address);
    return host === undefined || port === undefined ? [] : [{ host, port }];
  });
}

/** Our caller's mistake must not break a stream, or the transport's own bookkeeping. */
function guarded<T>(log: Logger, callback: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch (err) {
      log.error({ err }, 'a callback of the network failed');
    }
  };
}
