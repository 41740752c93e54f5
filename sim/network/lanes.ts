/**
 * The transport as streams: what one agent says to another goes in lanes over one connection, in order.
 * A lane keeps what does not fit while its reader is slow or nobody is connected; full, it drops its
 * oldest. What was under way when the connection broke is lost, what waited goes on over the next.
 */
import type { Message } from '../../protocol/wire/message.ts';
import type { HostIndex } from '../strike.ts';
import { type End, endOf, type Links } from './links.ts';
import { countOut, type Parcel } from './medium.ts';
import { put } from './pipe.ts';

export type Lane = 'urgent' | 'bulk' | 'gossip';

/** Frames waiting for one peer: `node/network/limits.ts`; gossipsub has no limit of its own. */
export const FRAMES_MAX = { urgent: 256, bulk: 1024, gossip: Infinity } as const;
/** Frames of one lane under way: a window of yamux, were each of them 4 KB. Most are far smaller. */
const WINDOW = 64;

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
/** As `node/network/speech.ts` chooses. */
export const laneOf = (kind: Message['kind']): Lane => (BULK.has(kind) ? 'bulk' : 'urgent');

type Waiting = { readonly [lane in Lane]: Parcel[] };
/** Of one connection: how much of each lane is under way. */
type UnderWay = { [lane in Lane]: number };

export type Lanes = {
  readonly links: Links;
  /** By host, then by peer. */
  readonly waiting: readonly Map<HostIndex, Waiting>[];
  readonly underWay: WeakMap<End, UnderWay>;
  dropped: number;
};

export const createLanes = (links: Links): Lanes => ({
  links,
  waiting: links.medium.stations.map(() => new Map()),
  underWay: new WeakMap(),
  dropped: 0,
});

export function sendOrdered(
  lanes: Lanes,
  from: HostIndex,
  to: HostIndex,
  lane: Lane,
  parcel: Parcel,
): void {
  const waiting = waitingOf(lanes, from, to);
  waiting[lane].push(parcel);
  if (waiting[lane].length > FRAMES_MAX[lane]) {
    waiting[lane].shift();
    lanes.dropped += 1;
  }
  feed(lanes, from, to);
}

function waitingOf({ waiting }: Lanes, from: HostIndex, to: HostIndex): Waiting {
  const known = waiting[from]?.get(to);
  if (known !== undefined) return known;
  const made: Waiting = { urgent: [], bulk: [], gossip: [] };
  waiting[from]?.set(to, made);
  return made;
}

/** There is a connection, or room in it: what waits goes on. */
export function feed(lanes: Lanes, from: HostIndex, to: HostIndex): void {
  const end = endOf(lanes.links, from, to);
  const waiting = lanes.waiting[from]?.get(to);
  if (end === undefined || waiting === undefined) return;
  const underWay = underWayOf(lanes, end);
  for (const lane of ['urgent', 'bulk', 'gossip'] as const)
    while (underWay[lane] < WINDOW) {
      const parcel = waiting[lane].shift();
      if (parcel === undefined) break;
      underWay[lane] += 1;
      countOut(lanes.links.medium, from, parcel.bytes);
      put(end.out, parcel, () => {
        underWay[lane] -= 1;
        if (waiting[lane].length > 0) feed(lanes, from, to);
      });
    }
}

function underWayOf({ underWay }: Lanes, end: End): UnderWay {
  const known = underWay.get(end);
  if (known !== undefined) return known;
  const made: UnderWay = { urgent: 0, bulk: 0, gossip: 0 };
  underWay.set(end, made);
  return made;
}

/** The agent of `host` has ended, and with it what it had not sent. */
export const dropWaiting = ({ waiting }: Lanes, host: HostIndex): void => waiting[host]?.clear();

/** Gossipsub keeps nothing for a peer that is not connected. */
export function dropGossip({ waiting }: Lanes, host: HostIndex, peer: HostIndex): void {
  waiting[host]?.get(peer)?.gossip.splice(0);
}
