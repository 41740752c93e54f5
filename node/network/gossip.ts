/** The gossipsub service as we use it: a hint bus. What must arrive is pulled over streams. */
import { createHash } from 'node:crypto';
import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub';

/** Names one message, so that copies of it are known as such. */
export type MessageId = (topic: string, bytes: Uint8Array) => Uint8Array;

export type GossipMesh = {
  /** Peers per topic to which a message is handed; smaller: less traffic, more hops. */
  readonly degree: number;
  readonly degreeMin: number;
  readonly degreeMax: number;
  /** Of them, at least so many that we dialed ourselves. */
  readonly outboundMin: number;
  /**
   * Peers outside the mesh that are told every second what we have. Larger: what the mesh missed is
   * found sooner. A share of all peers, as is the default, would cost the more the more hosts there are.
   */
  readonly lazy: number;
};

export const GOSSIP_MESH: GossipMesh = {
  degree: 2,
  degreeMin: 1,
  degreeMax: 3,
  outboundMin: 0,
  lazy: 4,
};

/** A message with more data is not decoded. */
const DATA_BYTES_MAX = 262_144;

export type GossipInit = {
  readonly topics: readonly string[];
  readonly messageId: MessageId;
  readonly mesh: GossipMesh;
};

export function gossipService(init: GossipInit): (components: GossipSubComponents) => GossipSub {
  const { mesh } = init;
  return gossipsub({
    // Whoever gets here proved the cluster's secret, and inside it nobody lies about an author;
    // signatures would double the size of a heartbeat and cost a verification at every hop.
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: ({ topic, data }) => safeId(init.messageId, topic, data),
    allowedTopics: [...init.topics],
    emitSelf: false,
    floodPublish: false,
    fallbackToFloodsub: false,
    // A host that is alone publishes as always.
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    D: mesh.degree,
    Dlo: mesh.degreeMin,
    Dhi: mesh.degreeMax,
    Dout: mesh.outboundMin,
    Dscore: 1,
    Dlazy: mesh.lazy,
    gossipFactor: 0,
    // An agent that restarts must be let into the mesh again at once.
    pruneBackoff: 5_000,
    unsubcribeBackoff: 1_000,
    maxInboundDataLength: DATA_BYTES_MAX,
    maxInboundStreams: 8,
    maxOutboundStreams: 8,
    // Many agents on one address are normal: one machine, or hosts behind one router.
    scoreParams: { IPColocationFactorWeight: 0 },
  });
}

/** The id is read from what a peer sent; where that cannot be done the bytes are their own name. */
function safeId(messageId: MessageId, topic: string, data: Uint8Array): Uint8Array {
  try {
    return messageId(topic, data);
  } catch {
    return createHash('sha256').update(data).digest();
  }
}
