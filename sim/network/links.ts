/**
 * Who is connected with whom. Each end learns for itself that a connection is gone: at once when the
 * other's agent ends and its kernel says so, later when something sent into it is refused, and not at
 * all while nothing gets through.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import { below, type Stream, streamOf } from '../choice.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import type { HostIndex, Way } from '../strike.ts';
import type { Medium, Parcel } from './medium.ts';
import { createPipe, type Pipe, put } from './pipe.ts';

/** Yamux asks for a sign of life so often; a connection to an agent before is noticed by then. */
const KEEPALIVE_MS = 30_000;

export type End = {
  readonly host: HostIndex;
  readonly peer: HostIndex;
  /** Who the peer was when it connected. */
  readonly peerId: HostId;
  /** What this end sends. */
  readonly out: Pipe;
  readonly other: () => End;
  /** This end has dialed. */
  readonly isOutbound: boolean;
  isOpen: boolean;
};

export type LinksInit = {
  readonly medium: Medium;
  readonly connected: (host: HostIndex, peer: HostIndex) => void;
  readonly disconnected: (host: HostIndex, peer: HostIndex) => void;
};
export type Links = LinksInit & {
  /** By host, then by peer: usually one, the oldest first. */
  readonly ends: readonly Map<HostIndex, readonly End[]>[];
  readonly keepalive: Stream;
};

export const createLinks = (init: LinksInit): Links => ({
  ...init,
  ends: init.medium.stations.map(() => new Map()),
  keepalive: streamOf(init.medium.choices, 'net/keepalive'),
});

/** Either of two connections serves: the oldest that is not known to be broken. */
export const endOf = ({ ends }: Links, host: HostIndex, peer: HostIndex): End | undefined =>
  ends[host]?.get(peer)?.[0];

export const isConnected = (links: Links, host: HostIndex, peer: HostIndex): boolean =>
  endOf(links, host, peer) !== undefined;

/** In no order that means anything. */
export const peersOf = ({ ends }: Links, host: HostIndex): readonly HostIndex[] => [
  ...(ends[host]?.keys() ?? []),
];

/** `a` has dialed `b`, and their connection stands. */
export function connect(links: Links, a: HostIndex, b: HostIndex): void {
  const one: End = createEnd(links, [a, b], true, () => other);
  const other: End = createEnd(links, [b, a], false, () => one);
  opened(links, one);
  opened(links, other);
}

function createEnd(links: Links, [host, peer]: Way, isOutbound: boolean, other: () => End): End {
  const { medium } = links;
  const out = createPipe({
    medium,
    from: host,
    to: peer,
    isTaken: () => other().isOpen,
    failed: () => breakOff(links, end),
  });
  const peerId = medium.idOf(peer);
  const end: End = { host, peer, peerId, out, other, isOutbound, isOpen: true };
  return end;
}

function opened(links: Links, end: End): void {
  const ends = links.ends[end.host];
  const before = ends?.get(end.peer) ?? [];
  ends?.set(end.peer, [...before, end]);
  if (before.some((one) => isOfSame(one, end))) return;
  links.medium.noticed(end.host, end.peerId, 'peerConnected');
  links.connected(end.host, end.peer);
}

/** This end knows that the connection is gone; what it has sent and nobody read is lost. */
function breakOff(links: Links, end: End): void {
  if (!end.isOpen) return;
  close(end);
  const ends = links.ends[end.host];
  const left = ends?.get(end.peer)?.filter((one) => one !== end) ?? [];
  if (left.length > 0) ends?.set(end.peer, left);
  else ends?.delete(end.peer);
  if (left.some((one) => isOfSame(one, end))) return;
  links.medium.noticed(end.host, end.peerId, 'peerDisconnected');
  if (left.length === 0) links.disconnected(end.host, end.peer);
}

/** A host that lost its disk is another peer, whatever connections of the one before still stand. */
const isOfSame = (a: End, b: End): boolean => a.peerId === b.peerId;

function close(end: End): void {
  end.isOpen = false;
  end.out.isOver = true;
}

/** Both ends are told at once that it is gone, and what is under way is lost, both ways. */
export function reset(links: Links, a: HostIndex, b: HostIndex): void {
  for (const end of [...endsOf(links, a, b), ...endsOf(links, b, a)]) breakOff(links, end);
}

const endsOf = ({ ends }: Links, host: HostIndex, peer: HostIndex): readonly End[] =>
  ends[host]?.get(peer) ?? [];

/** The agent of `host` has ended: a kernel that lives sends what is under way, and then says so. */
export function hangUp(links: Links, host: HostIndex, kernel: 'answers' | 'silent'): void {
  const ends = [...(links.ends[host]?.values() ?? [])].flat();
  links.ends[host]?.clear();
  for (const end of ends) {
    if (kernel === 'silent') close(end);
    else {
      end.isOpen = false;
      put(
        end.out,
        control(() => breakOff(links, end.other())),
        () => undefined,
      );
    }
  }
}

/** An agent is there again: who still believes in a connection with the one before finds out in time. */
export function exposeStale(links: Links, host: HostIndex): void {
  const { queue } = links.medium;
  for (const ends of links.ends)
    for (const end of ends.get(host) ?? []) {
      if (end.other().isOpen) continue;
      const at = queue.now + below(links.keepalive, ofMillis(KEEPALIVE_MS));
      schedule(queue, at, () =>
        put(
          end.out,
          control(() => undefined),
          () => undefined,
        ),
      );
    }
}

const control = (arrive: () => void): Parcel => ({ kind: undefined, bytes: 0, arrive });
