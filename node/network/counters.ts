/** What the transport counts, for metrics and `doctor`. Only ever rising. */
export type Counters = {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Frames of ours that were given up: a full queue, a broken stream, too large. */
  dropped: number;
  gossipIn: number;
  gossipOut: number;
  /** Messages of ours that gossip refused. */
  gossipDropped: number;
  /** Streams of peers that we cut off because a frame was too large or malformed. */
  rejectedStreams: number;
  /** Handshakes that failed, from either side: wrong secret, or not who was meant. */
  rejectedConnections: number;
  dials: number;
  dialsFailed: number;
};

export function createCounters(): Counters {
  return {
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
    gossipIn: 0,
    gossipOut: 0,
    gossipDropped: 0,
    rejectedStreams: 0,
    rejectedConnections: 0,
    dials: 0,
    dialsFailed: 0,
  };
}
