/** Who was heard by multicast, from where and how long ago: what `doctor` compares among hosts. */
import type { ResponsePacket } from 'multicast-dns';

export type HeardPeer = {
  readonly peerId: string;
  readonly address: string;
  readonly agoMs: number;
};

export type Hearing = {
  /** Whatever names no peer under our service type is passed over. */
  readonly note: (packet: Pick<ResponsePacket, 'answers'>, address: string) => void;
  readonly heard: () => readonly HeardPeer[];
};

/** `countMax`: pairs of peer and address; whoever was heard longest ago makes room. */
export function createHearing(
  serviceType: string,
  countMax: number,
  nowMs: () => number = () => performance.now(),
): Hearing {
  const suffix = `.${serviceType}`;
  const latest = new Map<string, { peerId: string; address: string; at: number }>();
  return {
    note({ answers = [] }, address) {
      for (const answer of answers) {
        if (answer.type !== 'PTR' || answer.name !== serviceType) continue;
        if (!answer.data.endsWith(suffix)) continue;
        const peerId = answer.data.slice(0, -suffix.length);
        const pair = `${peerId} ${address}`;
        latest.delete(pair);
        latest.set(pair, { peerId, address, at: nowMs() });
      }
      for (const pair of latest.keys()) {
        if (latest.size <= countMax) return;
        latest.delete(pair);
      }
    },
    heard() {
      const now = nowMs();
      return [...latest.values()].map(({ peerId, address, at }) => ({
        peerId,
        address,
        agoMs: now - at,
      }));
    },
  };
}
