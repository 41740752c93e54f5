/**
 * Gossipsub: a message goes to the few peers of the mesh, each hands it on when it sees it first, and
 * once a second everyone tells some others what it has, so that who was missed can ask for it.
 *
 * Where it differs: one mesh for both topics; no scores, for nobody misbehaves; the counts that guard
 * against floods are left out, for a peer says what it has once a heartbeat.
 */
import type { Message } from '../../protocol/wire/message.ts';
import { below, type Stream, streamOf } from '../choice.ts';
import { type Micros, ofMillis, schedule } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { endOf, type Links, peersOf } from './links.ts';
import { HEADER_BYTES, type Medium, type Parcel, stationOf, whenReading } from './medium.ts';

/** As `node/network/gossip.ts` sets it, and gossipsub's own defaults. */
export const MESH = {
  degree: 2,
  degreeMin: 1,
  degreeMax: 3,
  /** Peers outside the mesh that are told what we have. */
  lazy: 4,
  heartbeatMs: 1000,
  firstHeartbeatMs: 100,
  /** Heartbeats for which a message is kept, and for which it is told of. */
  historyLength: 5,
  historyTold: 3,
  seenMs: 120_000,
  backoffMs: 5000,
} as const;
/** One name of a message, and one control entry without any. */
const NAME_BYTES = 10;

/** What is said once, however often its bytes are published: its name is a hash of them. */
type Packet = { readonly message: Message; readonly bytes: number };

type Router = {
  readonly draw: Stream;
  readonly mesh: Set<HostIndex>;
  /** Not to be grafted before then. */
  readonly backoff: Map<HostIndex, Micros>;
  /** Until when it is known as seen; oldest first. */
  readonly seen: Map<Packet, Micros>;
  /** The newest heartbeat first. */
  history: readonly Packet[][];
};

export type MeshInit = {
  readonly medium: Medium;
  readonly links: Links;
  readonly carry: (from: HostIndex, to: HostIndex, parcel: Parcel) => void;
  readonly received: (host: HostIndex, from: HostIndex, message: Message) => void;
};
export type Mesh = MeshInit & {
  readonly routers: readonly Router[];
  /** By their bytes; oldest first. */
  readonly packets: Map<string, { readonly packet: Packet; readonly at: Micros }>;
};

export const createMesh = (init: MeshInit): Mesh => ({
  ...init,
  routers: init.medium.stations.map(({ index }) => ({
    draw: streamOf(init.medium.choices, `h${index + 1}/mesh`),
    mesh: new Set(),
    backoff: new Map(),
    seen: new Map(),
    history: [[]],
  })),
  packets: new Map(),
});

const routerOf = ({ routers }: Mesh, host: HostIndex): Router => routers[host] as Router;

/** A new agent has seen nothing, and begins to look for peers. */
export function beginRouting(mesh: Mesh, host: HostIndex): void {
  const router = routerOf(mesh, host);
  for (const state of [router.mesh, router.backoff, router.seen]) state.clear();
  router.history = [[]];
  beat(mesh, host, MESH.firstHeartbeatMs);
}

/** The last connection is gone. */
export const dropPeer = (mesh: Mesh, host: HostIndex, peer: HostIndex): void =>
  void routerOf(mesh, host).mesh.delete(peer);

export function publishOn(mesh: Mesh, host: HostIndex, message: Message): void {
  const router = routerOf(mesh, host);
  const packet = packetOf(mesh, message);
  // Said before: everyone would take it for a copy.
  if (!note(mesh, router, packet)) return;
  const missing = MESH.degree - router.mesh.size;
  const others = missing > 0 ? some(router.draw, strangers(mesh, host), missing) : [];
  for (const peer of [...router.mesh, ...others]) hand(mesh, host, peer, packet);
}

function packetOf({ medium, packets }: Mesh, message: Message): Packet {
  const { now } = medium.queue;
  const name = JSON.stringify(message);
  const known = packets.get(name);
  if (known !== undefined && now - known.at < 2 * ofMillis(MESH.seenMs)) return known.packet;
  packets.delete(name);
  for (const [old, { at }] of packets) {
    if (now - at < 2 * ofMillis(MESH.seenMs)) break;
    packets.delete(old);
  }
  const packet = { message, bytes: HEADER_BYTES + (medium.sizeOf?.(message) ?? 0) };
  packets.set(name, { packet, at: now });
  return packet;
}

/** False: it was seen before. */
function note({ medium }: Mesh, { seen, history }: Router, packet: Packet): boolean {
  const { now } = medium.queue;
  if ((seen.get(packet) ?? 0) > now) return false;
  seen.delete(packet);
  seen.set(packet, now + ofMillis(MESH.seenMs));
  history[0]?.push(packet);
  return true;
}

function hand(mesh: Mesh, from: HostIndex, to: HostIndex, packet: Packet): void {
  const { kind } = packet.message;
  send(mesh, from, to, { kind, bytes: packet.bytes }, () => receive(mesh, to, from, packet));
}

function send(
  { medium, carry }: Mesh,
  from: HostIndex,
  to: HostIndex,
  parcel: Omit<Parcel, 'arrive'>,
  run: () => void,
): void {
  carry(from, to, { ...parcel, arrive: () => whenReading(medium, to, run) });
}

function receive(mesh: Mesh, host: HostIndex, from: HostIndex, packet: Packet): void {
  const router = routerOf(mesh, host);
  if (!note(mesh, router, packet)) return;
  for (const peer of router.mesh) if (peer !== from) hand(mesh, host, peer, packet);
  mesh.received(host, from, packet.message);
}

function beat(mesh: Mesh, host: HostIndex, afterMs: number): void {
  const { medium } = mesh;
  const { life } = stationOf(medium, host);
  schedule(medium.queue, medium.queue.now + ofMillis(afterMs), () => {
    if (stationOf(medium, host).life !== life) return;
    whenReading(medium, host, () => {
      heartbeat(mesh, host);
      beat(mesh, host, MESH.heartbeatMs);
    });
  });
}

function heartbeat(mesh: Mesh, host: HostIndex): void {
  const { now } = mesh.medium.queue;
  const router = routerOf(mesh, host);
  for (const [peer, until] of router.backoff) if (until <= now) router.backoff.delete(peer);
  for (const [packet, until] of router.seen) {
    if (until > now) break;
    router.seen.delete(packet);
  }
  if (router.mesh.size < MESH.degreeMin) graftSome(mesh, host, router);
  if (router.mesh.size > MESH.degreeMax) pruneSome(mesh, host, router);
  tell(mesh, host, router);
  router.history = [[], ...router.history.slice(0, MESH.historyLength - 1)];
}

function graftSome(mesh: Mesh, host: HostIndex, router: Router): void {
  const candidates = strangers(mesh, host).filter((peer) => !router.backoff.has(peer));
  for (const peer of some(router.draw, candidates, MESH.degree - router.mesh.size)) {
    router.mesh.add(peer);
    control(mesh, host, peer, () => grafted(mesh, peer, host));
  }
}

function pruneSome(mesh: Mesh, host: HostIndex, router: Router): void {
  for (const peer of some(router.draw, [...router.mesh], router.mesh.size - MESH.degree))
    prune(mesh, host, peer);
}

function prune(mesh: Mesh, host: HostIndex, peer: HostIndex): void {
  pruned(mesh, host, peer);
  control(mesh, host, peer, () => pruned(mesh, peer, host));
}

function pruned(mesh: Mesh, host: HostIndex, by: HostIndex): void {
  const router = routerOf(mesh, host);
  router.mesh.delete(by);
  router.backoff.set(by, mesh.medium.queue.now + ofMillis(MESH.backoffMs));
}

/** `by` wants `host` in its mesh. */
function grafted(mesh: Mesh, host: HostIndex, by: HostIndex): void {
  const router = routerOf(mesh, host);
  const end = endOf(mesh.links, host, by);
  if (router.mesh.has(by) || end === undefined) return;
  // Whom we chose to dial is let in, and someone pruned for it at the next heartbeat.
  const isFull = router.mesh.size >= MESH.degreeMax && !end.isOutbound;
  const isBackedOff = (router.backoff.get(by) ?? 0) > mesh.medium.queue.now;
  if (isBackedOff || isFull) return prune(mesh, host, by);
  router.mesh.add(by);
}

/** IHAVE to some outside the mesh; who misses one of them asks, IWANT, and is sent it. */
function tell(mesh: Mesh, host: HostIndex, router: Router): void {
  const told = router.history.slice(0, MESH.historyTold).flat();
  if (told.length === 0) return;
  for (const peer of some(router.draw, strangers(mesh, host), MESH.lazy))
    control(
      mesh,
      host,
      peer,
      () => {
        const now = mesh.medium.queue.now;
        const { seen } = routerOf(mesh, peer);
        const wished = told.filter((packet) => (seen.get(packet) ?? 0) <= now);
        if (wished.length > 0)
          control(mesh, peer, host, () => give(mesh, host, peer, wished), wished.length);
      },
      told.length,
    );
}

function give(mesh: Mesh, host: HostIndex, to: HostIndex, wished: readonly Packet[]): void {
  const kept = routerOf(mesh, host).history.flat();
  for (const packet of wished) if (kept.includes(packet)) hand(mesh, host, to, packet);
}

const control = (mesh: Mesh, from: HostIndex, to: HostIndex, run: () => void, names = 1): void =>
  send(mesh, from, to, { kind: undefined, bytes: HEADER_BYTES + names * NAME_BYTES }, run);

/** Connected, and not in the mesh. */
const strangers = (mesh: Mesh, host: HostIndex): readonly HostIndex[] =>
  peersOf(mesh.links, host).filter((peer) => !routerOf(mesh, host).mesh.has(peer));

/** So many of a list, or all of it; mildest the first of them. */
function some<T>(draw: Stream, list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  const left = [...list];
  return Array.from({ length: count }, () => left.splice(below(draw, left.length), 1)[0] as T);
}
