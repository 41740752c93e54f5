/**
 * What hosts send each other. Messages travel as datagrams (lost, late, doubled, out of order) or in
 * streams (in order, held up behind each other, lost only with their connection); gossip goes to
 * everyone or over a mesh; hosts know each other's addresses or have to find them.
 */
import type { Message } from '../../protocol/wire/message.ts';
import type { Micros } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { sendDatagram } from './datagram.ts';
import { createDialer, type Dialer, forgetTargets, notice } from './dialer.ts';
import {
  beginSearch,
  createDiscovery,
  type Discovery,
  endSearch,
  forgetAddresses,
  isWanted,
  knows,
  met,
  refresh,
  want,
} from './discovery.ts';
import {
  createLanes,
  dropGossip,
  dropWaiting,
  feed,
  type Lane,
  laneOf,
  type Lanes,
  sendOrdered,
} from './lanes.ts';
import { createLinks, endOf, exposeStale, hangUp, type Links, reset } from './links.ts';
import {
  createMedium,
  HEADER_BYTES,
  type Medium,
  type NetworkInit,
  type Parcel,
  releaseHeld,
  stationOf,
} from './medium.ts';
import { beginRouting, createMesh, dropPeer, type Mesh, publishOn } from './mesh.ts';
import { isBackingOff } from './pipe.ts';
import { plainDelay } from './ways.ts';

export type Network = {
  readonly medium: Medium;
  readonly links: Links;
  readonly dialer: Dialer;
  readonly discovery: Discovery;
  readonly lanes: Lanes;
  readonly mesh: Mesh;
  /** Messages, and control of the mesh. */
  sent: number;
};

export function createNetwork(init: NetworkInit): Network {
  const medium = createMedium(init);
  const links = createLinks({
    medium,
    connected: (host, peer) => connected(network, host, peer),
    disconnected: (host, peer) => disconnected(network, host, peer),
  });
  const discovery: Discovery = createDiscovery({
    medium,
    links,
    found: (host, peer) => notice(dialer, host, peer),
  });
  const dialer: Dialer = createDialer({
    medium,
    links,
    knows: (host, peer) => knows(discovery, host, peer),
    isWanted: (host, peer) => isWanted(discovery, host, peer),
  });
  const mesh = createMesh({
    medium,
    links,
    carry: (from, to, parcel) => carry(network, from, to, 'gossip', parcel),
    received: (host, from, message) => medium.deliver(host, from, message, true),
  });
  const lanes = createLanes(links);
  const network: Network = { medium, links, dialer, discovery, lanes, mesh, sent: 0 };
  return network;
}

function connected(network: Network, host: HostIndex, peer: HostIndex): void {
  met(network.discovery, host, peer);
  feed(network.lanes, host, peer);
}

function disconnected(network: Network, host: HostIndex, peer: HostIndex): void {
  dropPeer(network.mesh, host, peer);
  dropGossip(network.lanes, host, peer);
  notice(network.dialer, host, peer);
  refresh(network.discovery, host);
}

/** One message to one host. */
export function transmit(
  network: Network,
  from: HostIndex,
  to: HostIndex,
  message: Message,
  gossip = false,
): void {
  const { medium, discovery } = network;
  const { sizeOf, deliver, options } = medium;
  if (options.transport === 'datagram' && !knows(discovery, from, to)) return;
  carry(network, from, to, laneOf(message.kind), {
    kind: message.kind,
    bytes: HEADER_BYTES + (sizeOf === undefined ? 0 : sizeOf(message)),
    arrive: () => deliver(to, from, message, gossip),
  });
}

function carry(network: Network, from: HostIndex, to: HostIndex, lane: Lane, given: Parcel): void {
  const { medium, lanes } = network;
  const { era } = medium;
  const parcel: Parcel = {
    kind: given.kind,
    bytes: given.bytes,
    arrive() {
      if (medium.era === era || isOfNow(medium, era, from, to)) given.arrive();
    },
  };
  network.sent += 1;
  if (medium.options.transport === 'datagram') sendDatagram(medium, from, to, parcel);
  else sendOrdered(lanes, from, to, lane, parcel);
}

/** Both are still who they were. */
const isOfNow = (medium: Medium, era: number, from: HostIndex, to: HostIndex): boolean =>
  stationOf(medium, from).bornIn <= era && stationOf(medium, to).bornIn <= era;

/** By gossip, to everyone. */
export function publish(network: Network, from: HostIndex, message: Message): void {
  const { hostCount, gossip } = network.medium.options;
  if (gossip === 'mesh') return publishOn(network.mesh, from, message);
  for (let to = 0; to < hostCount; to++)
    if (to !== from) transmit(network, from, to, message, true);
}

/** `host` has an address of `peer`. */
export const hasAddress = ({ discovery }: Network, host: HostIndex, peer: HostIndex): boolean =>
  knows(discovery, host, peer);

/** Between these hosts something waits for TCP to try again. */
export const isStalled = ({ links }: Network, core: ReadonlySet<HostIndex>): boolean =>
  [...core].some((host) =>
    [...core].some((peer) => {
      const end = endOf(links, host, peer);
      return end !== undefined && isBackingOff(end.out);
    }),
  );

/** The time of one short message there and back, e.g. a refusal by a kernel. */
export const roundTrip = ({ medium }: Network): Micros =>
  2 * plainDelay(medium.kernel, medium.options.delayMeanMs);

/** The connection of two hosts breaks, and is made again. */
export const resetLink = ({ links }: Network, a: HostIndex, b: HostIndex): void =>
  reset(links, a, b);

export function agentStarted(network: Network, host: HostIndex): void {
  const { medium, links, discovery, mesh } = network;
  const station = stationOf(medium, host);
  station.life += 1;
  station.state = 'running';
  exposeStale(links, host);
  beginSearch(discovery, host);
  if (medium.options.gossip === 'mesh') beginRouting(mesh, host);
}

/** `silent`: its machine is gone, and nobody is told. */
export function agentEnded(network: Network, host: HostIndex, kernel: 'answers' | 'silent'): void {
  const { medium, links, lanes, discovery, dialer } = network;
  const station = stationOf(medium, host);
  station.life += 1;
  station.state = kernel === 'answers' ? 'ended' : 'gone';
  hangUp(links, host, kernel);
  dropWaiting(lanes, host);
  endSearch(discovery, host);
  forgetTargets(dialer, host);
  releaseHeld(medium, host);
}

/** An agent that stood still goes on. */
export const agentResumed = ({ medium }: Network, host: HostIndex): void =>
  releaseHeld(medium, host);

/** To these `host` keeps connections. */
export const keepPeers = (
  { discovery }: Network,
  host: HostIndex,
  peers: ReadonlySet<HostIndex>,
): void => want(discovery, host, peers);

/** It lost its disk: whoever starts there now is another host. */
export function becomeAnother(network: Network, host: HostIndex): void {
  const { medium, discovery } = network;
  medium.era += 1;
  stationOf(medium, host).bornIn = medium.era;
  forgetAddresses(discovery, host);
}
