/** The open connections, and the lanes to the peers behind them. */
import type { Connection, Stream } from '@libp2p/interface';
import type { Counters } from './counters.ts';
import { LANES, type Lane, type NetworkLimits } from './limits.ts';
import { createOutgoingLane, type OutgoingLane } from './outgoing-lane.ts';

export const laneProtocol = (lane: Lane): string => `/millrace/${lane}/1`;

/** A peer needs one stream per lane; after a break the old one may still be open. */
export const LANE_STREAMS_MAX = 8;

/** Two hosts may dial each other at once; whoever dials later than that has no connection any more. */
const AT_ONCE_MS = 5_000;

export type Connections = {
  readonly opened: (connection: Connection) => void;
  readonly ended: (connection: Connection) => void;
  readonly isConnected: (peerId: string) => boolean;
  readonly peers: () => readonly ConnectedPeer[];
  readonly send: (peerId: string, lane: Lane, frame: Uint8Array) => void;
  /** Rejects when the peer is not connected. */
  readonly openStream: (
    peerId: string,
    protocol: string,
    streamsMax: number,
    signal: AbortSignal,
  ) => Promise<Stream>;
  /** Frees the queues of peers that are neither connected nor among these. */
  readonly keep: (peerIds: ReadonlySet<string>) => void;
  readonly close: () => void;
};

/** `rttMs`: undefined until it was measured. */
export type ConnectedPeer = {
  readonly peerId: string;
  readonly address: string;
  readonly rttMs: number | undefined;
};

export type ConnectionsInit = {
  readonly limits: NetworkLimits;
  readonly counters: Counters;
  readonly onPeer: (peerId: string, connected: boolean) => void;
};

type Lanes = Readonly<Record<Lane, OutgoingLane>>;

export function createConnections(init: ConnectionsInit): Connections {
  const { limits, counters } = init;
  const open = new Map<string, Set<Connection>>();
  const lanesOf = new Map<string, Lanes>();

  /** Two hosts may have dialed each other; either connection serves. */
  function connectionTo(peerId: string): Connection | undefined {
    for (const connection of open.get(peerId) ?? []) {
      if (connection.status === 'open') return connection;
    }
    return undefined;
  }

  async function openStream(
    peerId: string,
    protocol: string,
    streamsMax: number,
    signal: AbortSignal,
  ): Promise<Stream> {
    const connection = connectionTo(peerId);
    if (connection === undefined) throw new Error(`${peerId} is not connected`);
    return await connection.newStream(protocol, { signal, maxOutboundStreams: streamsMax });
  }

  function lane(peerId: string, name: Lane): OutgoingLane {
    const protocol = laneProtocol(name);
    return createOutgoingLane({
      counters,
      limits: limits.lanes[name],
      open: async (signal) =>
        connectionTo(peerId) === undefined
          ? undefined
          : await openStream(peerId, protocol, LANE_STREAMS_MAX, signal),
    });
  }

  function lanesTo(peerId: string): Lanes | undefined {
    const known = lanesOf.get(peerId);
    if (known !== undefined || lanesOf.size >= limits.peersMax) return known;
    const lanes = { urgent: lane(peerId, 'urgent'), bulk: lane(peerId, 'bulk') };
    lanesOf.set(peerId, lanes);
    return lanes;
  }

  function closeLanes(peerId: string): void {
    for (const name of LANES) lanesOf.get(peerId)?.[name].close();
    lanesOf.delete(peerId);
  }

  function ended(connection: Connection): void {
    const peerId = connection.remotePeer.toString();
    const connections = open.get(peerId);
    if (connections?.delete(connection) !== true || connections.size > 0) return;
    open.delete(peerId);
    init.onPeer(peerId, false);
  }

  /**
   * A peer dials only where it knows of no connection. Where it lost its power or its address, nobody has
   * told us that ours are dead, and what is written there is waited for in vain, up to a quarter of an hour.
   */
  function dropLost({ direction, remotePeer, timeline }: Connection): void {
    if (direction !== 'inbound') return;
    for (const each of open.get(remotePeer.toString()) ?? []) {
      if (timeline.open - each.timeline.open < AT_ONCE_MS) continue;
      ended(each);
      each.abort(new Error('the peer has connected anew'));
    }
  }

  return {
    opened(connection) {
      dropLost(connection);
      const peerId = connection.remotePeer.toString();
      const connections = open.get(peerId) ?? new Set();
      open.set(peerId, connections.add(connection));
      if (connections.size === 1) init.onPeer(peerId, true);
      for (const name of LANES) lanesOf.get(peerId)?.[name].wake();
    },
    ended,
    isConnected: (peerId) => open.has(peerId),
    peers: () =>
      [...open].flatMap(([peerId, connections]) =>
        [...connections].slice(0, 1).map((connection) => ({
          peerId,
          address: connection.remoteAddr.toString(),
          rttMs: connection.rtt,
        })),
      ),
    send(peerId, name, frame) {
      const lanes = lanesTo(peerId);
      if (lanes === undefined || frame.byteLength > limits.frameBytesMax) counters.dropped += 1;
      else lanes[name].push(frame);
    },
    openStream,
    keep(peerIds) {
      for (const peerId of lanesOf.keys()) {
        if (!peerIds.has(peerId) && !open.has(peerId)) closeLanes(peerId);
      }
    },
    close() {
      for (const peerId of lanesOf.keys()) closeLanes(peerId);
    },
  };
}
