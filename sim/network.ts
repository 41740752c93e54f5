/**
 * Datagrams between agents: lost, late, doubled, out of order, cut off one way or both. Harsher than
 * the streams of the agent, which lose only what was under way when they broke.
 */
import { below, type Prng } from '../protocol/base/prng.ts';
import type { Message } from '../protocol/wire/message.ts';
import { createStream, exponential, happens } from './chance.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from './event-queue.ts';
import type { Options } from './options.ts';

/** By index of host. */
export type Deliver = (to: number, from: number, message: Message, gossip: boolean) => void;

export type Network = {
  readonly queue: EventQueue;
  readonly options: Options;
  readonly prng: Prng;
  readonly deliver: Deliver;
  /** How many cuts stand between two hosts, by `from * hostCount + to`. */
  readonly cuts: Int32Array;
  /** Faults have stopped. */
  healed: boolean;
  sent: number;
};

export function createNetwork(queue: EventQueue, options: Options, deliver: Deliver): Network {
  const { seed, hostCount } = options;
  const cuts = new Int32Array(hostCount * hostCount);
  const prng = createStream(seed, 'network');
  return { queue, options, prng, deliver, cuts, healed: false, sent: 0 };
}

export const isCut = ({ cuts, options }: Network, from: number, to: number): boolean =>
  (cuts[from * options.hostCount + to] ?? 0) > 0;

export function transmit(
  network: Network,
  from: number,
  to: number,
  message: Message,
  gossip: boolean,
): void {
  const { options, prng, queue, deliver } = network;
  network.sent += 1;
  if (isCut(network, from, to)) return;
  const { lossOnly } = options;
  const struck = !network.healed && (lossOnly === undefined || lossOnly === message.kind);
  if (struck && happens(prng, options.lossPermille)) return;
  const arrive = (): void => deliver(to, from, message, gossip);
  schedule(queue, queue.now + delay(network, struck), arrive);
  // A user's question is sent once on a stream: only who asks again asks twice.
  const doubled = happens(prng, options.duplicatePermille) && message.kind !== 'deploy';
  if (!network.healed && doubled) schedule(queue, queue.now + delay(network, struck), arrive);
}

function delay({ options, prng }: Network, struck: boolean): Micros {
  if (struck && happens(prng, options.tailPermille))
    return ofMillis(1 + below(prng, options.tailMs));
  return 100 + below(prng, 200) + exponential(prng, ofMillis(options.delayMeanMs));
}

/** The time of one short message, e.g. a refusal by a kernel. */
export const roundTrip = (network: Network): Micros => 2 * delay(network, false);

/** Cuts the links for which `cut` says so, and returns how to join them again. */
export function partition(
  network: Network,
  cut: (from: number, to: number) => boolean,
): () => void {
  const { cuts } = network;
  const { hostCount } = network.options;
  const links: number[] = [];
  for (let from = 0; from < hostCount; from++)
    for (let to = 0; to < hostCount; to++)
      if (from !== to && cut(from, to)) links.push(from * hostCount + to);
  for (const link of links) cuts[link] = (cuts[link] ?? 0) + 1;
  return () => {
    for (const link of links) cuts[link] = (cuts[link] ?? 0) - 1;
  };
}
