/** Every bound of the transport. Where one is reached, the comment says what is dropped. */
import { FRAME_BYTES_MAX, MEMBERS_MAX } from '../../protocol/limits.ts';

export type Lane = 'urgent' | 'bulk';
export const LANES = ['urgent', 'bulk'] as const satisfies readonly Lane[];

export type LaneLimits = {
  /** Frames waiting for one peer; the oldest is dropped. */
  readonly framesMax: number;
  /** Bytes waiting for one peer; the oldest frames are dropped. */
  readonly bytesMax: number;
};

export type NetworkLimits = {
  /** A larger frame is not sent, and a peer that sends one loses the stream. */
  readonly frameBytesMax: number;
  readonly lanes: Readonly<Record<Lane, LaneLimits>>;
  /** Peers with queues, and peers with addresses in the book; further ones are ignored. */
  readonly peersMax: number;
  /** Addresses remembered per peer; the one longest not confirmed is forgotten. */
  readonly addressesPerPeerMax: number;
  /** Connections of all peers together; libp2p closes the least valuable. */
  readonly connectionsMax: number;
  /** Requests of one name under way to one peer; more wait. */
  readonly requestsPerPeerMax: number;
  /** How long a request may wait for its turn that somebody looks at. */
  readonly requestTurnMs: number;
  /** How long a peer may take to accept a request. */
  readonly requestAcceptMs: number;
  /** Silence within an answer (keepalives count as sound) after which it is given up. */
  readonly requestSilenceMs: number;
};

export const NETWORK_LIMITS: NetworkLimits = {
  frameBytesMax: FRAME_BYTES_MAX,
  lanes: {
    // A few seconds of beats and leases: what is older is of no use to anyone.
    urgent: { framesMax: 256, bytesMax: 1_048_576 },
    bulk: { framesMax: 1_024, bytesMax: 8_388_608 },
  },
  peersMax: MEMBERS_MAX,
  addressesPerPeerMax: 8,
  connectionsMax: 2 * MEMBERS_MAX,
  requestsPerPeerMax: 16,
  requestTurnMs: 2_000,
  requestAcceptMs: 5_000,
  requestSilenceMs: 15_000,
};

/** Instances of one host whose logs one reader is given at once; it is told of the others. */
export const LOG_SOURCES_MAX = 128;

/** A longer line of a log comes in pieces, so that no reader has to hold more of it. */
export const LOG_LINE_CHARS_MAX = 65_536;

/** Commands that run in the instances of one host at once; another is refused. */
export const EXECS_MAX = 64;
