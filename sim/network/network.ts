/**
 * What hosts send each other: lost, late, doubled, out of order, held up, cut off one way or both.
 * Harsher than the streams of the agent, which lose only what was under way when they broke.
 */
import type { Message } from '../../protocol/wire/message.ts';
import { below, type Choices, exponential, happens, type Stream, streamOf } from '../choice.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from '../event-queue.ts';
import type { Options } from '../options.ts';
import type { HostIndex, Way } from '../strike.ts';

export type NetworkInit = {
  readonly queue: EventQueue;
  readonly choices: Choices;
  readonly options: Options;
  readonly deliver: (to: HostIndex, from: HostIndex, message: Message, gossip: boolean) => void;
  /** To `host`: its connection with `peer` stands, or is gone. */
  readonly noticed: (
    host: HostIndex,
    peer: HostIndex,
    kind: 'peerConnected' | 'peerDisconnected',
  ) => void;
};

type Clog = { readonly held: (() => void)[] };
type Lossy = { readonly permille: number; readonly only: Message['kind'] | undefined };

/** The state of one direction of one link. */
type WayState = {
  readonly draw: Stream;
  /** How many cuts stand in it. */
  cuts: number;
  readonly clogs: Set<Clog>;
  readonly lossy: Set<Lossy>;
  /** The storm is over here. */
  calm: boolean;
};

export type Network = NetworkInit & {
  /** By `from * hostCount + to`. */
  readonly ways: readonly WayState[];
  /** Agents that run. */
  readonly present: Set<HostIndex>;
  /** When each host hears its last news of each connection: they come in the order they happened. */
  readonly noticedAt: Map<number, Micros>;
  readonly lag: Stream;
  sent: number;
};

export function createNetwork(init: NetworkInit): Network {
  const { choices, options } = init;
  const { hostCount } = options;
  const ways = Array.from({ length: hostCount * hostCount }, (_, i): WayState => {
    const from = Math.floor(i / hostCount);
    const site = `net/h${from + 1}>h${(i % hostCount) + 1}`;
    return {
      draw: streamOf(choices, site),
      cuts: 0,
      clogs: new Set(),
      lossy: new Set(),
      calm: false,
    };
  });
  return {
    ...init,
    ways,
    present: new Set(),
    noticedAt: new Map(),
    lag: streamOf(choices, 'net/kernel'),
    sent: 0,
  };
}

const wayOf = ({ ways, options }: Network, from: HostIndex, to: HostIndex): WayState =>
  ways[from * options.hostCount + to] as WayState;

export const isCut = (network: Network, from: HostIndex, to: HostIndex): boolean =>
  wayOf(network, from, to).cuts > 0;

/** One message to one host. */
export function transmit(
  network: Network,
  from: HostIndex,
  to: HostIndex,
  message: Message,
  gossip = false,
): void {
  const { options, queue, deliver } = network;
  const way = wayOf(network, from, to);
  network.sent += 1;
  if (way.cuts > 0) return;
  const stormy = !way.calm;
  const struck = stormy && (options.lossOnly === undefined || options.lossOnly === message.kind);
  if (struck && happens(way.draw, options.lossPermille)) return;
  for (const { permille, only } of way.lossy)
    if ((only === undefined || only === message.kind) && happens(way.draw, permille)) return;
  const arrive = (): void => deliver(to, from, message, gossip);
  const [jam] = way.clogs;
  if (jam !== undefined) {
    jam.held.push(arrive);
    return;
  }
  schedule(queue, queue.now + delay(network, way.draw, struck), arrive);
  // A user's question is sent once on a stream: only who asks again asks twice.
  if (stormy && message.kind !== 'deploy' && happens(way.draw, options.duplicatePermille))
    schedule(queue, queue.now + delay(network, way.draw, struck), arrive);
}

/** By gossip, to everyone. */
export function publish(network: Network, from: HostIndex, message: Message): void {
  const { hostCount } = network.options;
  for (let to = 0; to < hostCount; to++)
    if (to !== from) transmit(network, from, to, message, true);
}

function delay({ options }: Network, draw: Stream, struck: boolean): Micros {
  if (struck && options.tailPermille > 0 && happens(draw, options.tailPermille))
    return ofMillis(1 + below(draw, options.tailMs));
  return 100 + below(draw, 200) + exponential(draw, ofMillis(options.delayMeanMs));
}

/** The time of one short message there and back, e.g. a refusal by a kernel. */
export const roundTrip = (network: Network): Micros => 2 * delay(network, network.lag, false);

/** Cuts these ways, and returns how to join them again; connections notice sooner or later. */
export function cut(network: Network, ways: readonly Way[]): () => void {
  const states = ways.map(([from, to]) => wayOf(network, from, to));
  for (const state of states) state.cuts += 1;
  return () => {
    for (const state of states) state.cuts = Math.max(0, state.cuts - 1);
    for (const [from, to] of ways) noticeLink(network, from, to, 'peerConnected');
  };
}

/** Holds what is sent these ways; it arrives all at once in the end. */
export function clog(network: Network, ways: readonly Way[]): () => void {
  const added = ways.map(([from, to]) => {
    const state = wayOf(network, from, to);
    const one: Clog = { held: [] };
    state.clogs.add(one);
    return { state, one };
  });
  return () => {
    for (const { state, one } of added) {
      state.clogs.delete(one);
      for (const arrive of one.held) schedule(network.queue, network.queue.now, arrive);
    }
  };
}

export function lossy(
  network: Network,
  ways: readonly Way[],
  permille: number,
  only?: Message['kind'],
): () => void {
  const one: Lossy = { permille, only };
  const states = ways.map(([from, to]) => wayOf(network, from, to));
  for (const state of states) state.lossy.add(one);
  return () => {
    for (const state of states) state.lossy.delete(one);
  };
}

/** The connection of two hosts breaks, and is made again. */
export function resetLink(network: Network, a: HostIndex, b: HostIndex): void {
  noticeLink(network, a, b, 'peerDisconnected');
  noticeLink(network, a, b, 'peerConnected');
}

/** The storm is over between these hosts; everything else stays as it is. */
export function calmAmong(network: Network, core: ReadonlySet<HostIndex>): void {
  for (const from of core)
    for (const to of core) {
      if (from === to) continue;
      const state = wayOf(network, from, to);
      state.calm = true;
      if (state.cuts > 0) noticeLink(network, from, to, 'peerConnected');
      state.cuts = 0;
      state.lossy.clear();
      for (const { held } of state.clogs)
        for (const arrive of held.splice(0)) schedule(network.queue, network.queue.now, arrive);
      state.clogs.clear();
    }
}

export function agentStarted(network: Network, host: HostIndex): void {
  for (const peer of network.present) noticeLink(network, host, peer, 'peerConnected');
  network.present.add(host);
}

/** `silent`: its machine is gone, and nobody is told. */
export function agentEnded(network: Network, host: HostIndex, kernel: 'answers' | 'silent'): void {
  network.present.delete(host);
  if (kernel === 'silent') return;
  for (const peer of network.present) noticeLink(network, host, peer, 'peerDisconnected');
}

/** Tells both ends. */
function noticeLink(
  network: Network,
  a: HostIndex,
  b: HostIndex,
  kind: 'peerConnected' | 'peerDisconnected',
): void {
  const { queue, noticedAt, options } = network;
  for (const [host, peer] of [[a, b] as const, [b, a] as const]) {
    const pair = host * options.hostCount + peer;
    const at = Math.max(queue.now + roundTrip(network), (noticedAt.get(pair) ?? 0) + 1);
    noticedAt.set(pair, at);
    schedule(queue, at, () => {
      if (!isCut(network, peer, host)) network.noticed(host, peer, kind);
    });
  }
}
