/**
 * Who knows whose address. Either everybody from the beginning (`known`: static peers), or by multicast
 * DNS: a question to all, answered to all, over each way as it is. So a host may be seen by one that it
 * cannot see. Whom it has met stays in its address book, across restarts of its agent.
 *
 * Agents of other clusters speak of another service type and never get as far as a connection: there is
 * nothing of them to model.
 */
import { type Micros, ofMillis, schedule } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { isConnected, type Links } from './links.ts';
import { isSilent, type Medium, stationOf, whenReading } from './medium.ts';
import { clogOf, isLost, plainDelay, wayOf } from './ways.ts';

/** As `node/network/discovery.ts` and `address-book.ts` have it. */
const ASKS = {
  oftenMs: 1000,
  oftenMax: 60,
  rarelyMs: 60_000,
  refreshMs: 100,
  saveMs: 1000,
} as const;

/** A rumor is tried, and forgotten with the agent that heard it. */
const RUMOR = Infinity;

type Seeker = {
  /** Peer → since when it is stored. */
  readonly book: Map<HostIndex, Micros>;
  wanted: ReadonlySet<HostIndex>;
  asked: number;
  /** Replaces what was planned before. */
  plan: number;
};

export type DiscoveryInit = {
  readonly medium: Medium;
  readonly links: Links;
  /** An address of `peer` has been found by `host`, or found again. */
  readonly found: (host: HostIndex, peer: HostIndex) => void;
};
export type Discovery = DiscoveryInit & { readonly seekers: readonly Seeker[] };

export const createDiscovery = (init: DiscoveryInit): Discovery => ({
  ...init,
  seekers: init.medium.stations.map(() => ({
    book: new Map(),
    wanted: new Set(),
    asked: 0,
    plan: 0,
  })),
});

const seekerOf = ({ seekers }: Discovery, host: HostIndex): Seeker => seekers[host] as Seeker;

const isByMulticast = ({ medium }: Discovery): boolean => medium.options.discovery === 'mdns';

export const knows = (discovery: Discovery, host: HostIndex, peer: HostIndex): boolean =>
  !isByMulticast(discovery) || seekerOf(discovery, host).book.has(peer);

export const isWanted = (discovery: Discovery, host: HostIndex, peer: HostIndex): boolean =>
  !isByMulticast(discovery) || seekerOf(discovery, host).wanted.has(peer);

/** Its agent runs: it dials whom it was told of, or asks who is there. */
export function beginSearch(discovery: Discovery, host: HostIndex): void {
  const { medium, found } = discovery;
  const seeker = seekerOf(discovery, host);
  seeker.wanted = new Set();
  seeker.asked = 0;
  if (isByMulticast(discovery)) return ask(discovery, host, (seeker.plan += 1));
  for (const { index } of medium.stations) if (index !== host) found(host, index);
}

/** Its agent has ended: what was not stored yet is forgotten. */
export function endSearch(discovery: Discovery, host: HostIndex): void {
  const { book } = seekerOf(discovery, host);
  const before = discovery.medium.queue.now - ofMillis(ASKS.saveMs);
  for (const [peer, since] of book) if (since > before) book.delete(peer);
}

/** It has become another: it knows nobody, and nobody knows it. */
export function forgetAddresses(discovery: Discovery, host: HostIndex): void {
  for (const { book } of discovery.seekers) book.delete(host);
  seekerOf(discovery, host).book.clear();
}

/** `host` and `peer` are connected: what each says of itself is stored. */
export function met(discovery: Discovery, host: HostIndex, peer: HostIndex): void {
  const { book } = seekerOf(discovery, host);
  const { now } = discovery.medium.queue;
  book.set(peer, Math.min(book.get(peer) ?? now, now));
}

/** Those to be reached without end. */
export function want(discovery: Discovery, host: HostIndex, peers: ReadonlySet<HostIndex>): void {
  if (!isByMulticast(discovery)) return;
  seekerOf(discovery, host).wanted = peers;
  for (const peer of peers) discovery.found(host, peer);
  if (!isSatisfied(discovery, host)) refresh(discovery, host);
}

/** Someone is missing: it asks often again for a while. */
export function refresh(discovery: Discovery, host: HostIndex): void {
  if (!isByMulticast(discovery)) return;
  const seeker = seekerOf(discovery, host);
  seeker.asked = 0;
  askLater(discovery, host, ASKS.refreshMs);
}

function isSatisfied({ links, seekers }: Discovery, host: HostIndex): boolean {
  const wanted = seekers[host]?.wanted ?? new Set();
  return wanted.size > 0 && [...wanted].every((peer) => isConnected(links, host, peer));
}

function askLater(discovery: Discovery, host: HostIndex, ms: number): void {
  const { medium } = discovery;
  const seeker = seekerOf(discovery, host);
  const { life } = stationOf(medium, host);
  seeker.plan += 1;
  const { plan } = seeker;
  schedule(medium.queue, medium.queue.now + ofMillis(ms), () => {
    if (stationOf(medium, host).life === life)
      whenReading(medium, host, () => ask(discovery, host, plan));
  });
}

function ask(discovery: Discovery, host: HostIndex, plan: number): void {
  const seeker = seekerOf(discovery, host);
  if (seeker.plan !== plan) return;
  multicast(discovery, host, (asked) => answer(discovery, asked));
  const often = !isSatisfied(discovery, host) && seeker.asked < ASKS.oftenMax;
  seeker.asked += 1;
  askLater(discovery, host, often ? ASKS.oftenMs : ASKS.rarelyMs);
}

function answer(discovery: Discovery, host: HostIndex): void {
  const { links, found } = discovery;
  multicast(
    discovery,
    host,
    (listener) => {
      const { book } = seekerOf(discovery, listener);
      if (!book.has(host)) book.set(host, RUMOR);
      found(listener, host);
    },
    // Whoever is connected learns nothing.
    (listener) => !isConnected(links, listener, host),
  );
}

/** One packet to everyone who listens, lost for each on its own. */
function multicast(
  { medium }: Discovery,
  from: HostIndex,
  heard: (listener: HostIndex) => void,
  concerns: (listener: HostIndex) => boolean = () => true,
): void {
  const { queue, ways, options, stations } = medium;
  for (const { index } of stations) {
    if (index === from || !concerns(index)) continue;
    const way = wayOf(ways, from, index);
    if (way.cuts > 0 || clogOf(way, undefined) !== undefined) continue;
    if (isLost(ways, way, undefined)) continue;
    schedule(queue, queue.now + plainDelay(way.delay, options.delayMeanMs), () => {
      if (!isSilent(medium, index)) whenReading(medium, index, () => heard(index));
    });
  }
}
