/** All hosts and the network between them: what effects become, and what befalls hosts. */
import { below } from '../protocol/base/prng.ts';
import { foundCluster } from '../protocol/core.ts';
import type { DiskWrite, Effect } from '../protocol/effect.ts';
import type { Command, Input } from '../protocol/input.ts';
import type { CommandResult } from '../protocol/effect.ts';
import type { Observed } from '../protocol/input.ts';
import { createStream, exponential } from './chance.ts';
import { createEngine } from './engine.ts';
import {
  createEventQueue,
  type EventQueue,
  type Micros,
  ofMillis,
  schedule,
} from './event-queue.ts';
import {
  crashAgent,
  createHost,
  give,
  type Host,
  isAsleep,
  loseHost,
  type Outward,
  startAgent,
  type Surroundings,
} from './host.ts';
import { createNetwork, isCut, type Network, partition, roundTrip, transmit } from './network.ts';
import { CONFIG, type Options } from './options.ts';

/** Told of everything, before its consequences. */
export type Watch = {
  readonly stepped: (host: Host, input: Input, effects: readonly Effect[]) => void;
  readonly begun: (host: Host, effect: Outward) => void;
  readonly synced: (host: Host, writes: readonly DiskWrite[]) => void;
  readonly started: (host: Host, instance: Observed) => void;
  readonly replied: (host: Host, commandId: string, result: CommandResult) => void;
  readonly agentEnded: (host: Host) => void;
  readonly threw: (host: Host, input: Input, error: unknown) => void;
};

export type World = {
  readonly options: Options;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly hosts: readonly Host[];
  readonly around: Surroundings;
  readonly watch: Watch;
  /** When each host hears its last news of each connection: they come in the order they happened. */
  readonly noticedAt: Map<string, Micros>;
};

export function createWorld(options: Options, watch: Watch): World {
  const queue = createEventQueue();
  const network = createNetwork(queue, options, (to, from, message, gossip) => {
    const host = hosts[to];
    const sender = hosts[from];
    if (host === undefined || sender === undefined || isAsleep(host, queue.now)) return;
    const kind = gossip ? 'gossipReceived' : 'messageReceived';
    give(around, host, { kind, from: sender.id, message });
  });
  const hosts: readonly Host[] = Array.from({ length: options.hostCount }, (_, index) => {
    const host: Host = createHost(
      index,
      createEngine({
        name: `h${index + 1}`,
        queue,
        prng: createStream(options.seed, `engine/${index}`),
        lifeMs: () => (network.healed ? undefined : options.exits?.everyMs),
        tell: (input) => give(around, host, input),
        started: (instance) => watch.started(host, instance),
      }),
    );
    return host;
  });
  const around: Surroundings = {
    queue,
    options,
    prng: createStream(options.seed, 'host'),
    isHealed: () => network.healed,
    begin: (host, effect) => begin(world, host, effect),
    stepped: watch.stepped,
    synced: watch.synced,
    threw: watch.threw,
  };
  const world: World = { options, queue, network, hosts, around, watch, noticedAt: new Map() };
  return world;
}

/** The first host founds the cluster; the others start a little later and ask to be let in. */
export function populate(world: World): void {
  const { hosts, queue, options } = world;
  const prng = createStream(options.seed, 'start');
  for (const host of hosts) {
    if (host.index === 0) {
      const { roster } = foundCluster(host.id, CONFIG);
      host.disk.durable.set('roster', roster);
    }
    const at = host.index === 0 ? 0 : ofMillis(below(prng, 2000));
    schedule(queue, at, () => start(world, host));
  }
}

function begin(world: World, host: Host, effect: Outward): void {
  const { network, hosts, watch } = world;
  watch.begun(host, effect);
  switch (effect.kind) {
    case 'send': {
      const to = hosts.findIndex(({ id }) => id === effect.to);
      if (to >= 0) transmit(network, host.index, to, effect.message, false);
      return;
    }
    case 'publish':
      for (const other of hosts)
        if (other !== host) transmit(network, host.index, other.index, effect.message, true);
      return;
    case 'connectProbe':
      return probe(world, host, effect.host);
    case 'reply':
      return watch.replied(host, effect.commandId, effect.result);
    case 'keepPeers':
    case 'leaseChanged':
    case 'journal':
  }
}

/** A fresh connect to an agent's port: its kernel answers, unless nothing does. */
function probe({ network, hosts, queue, around }: World, host: Host, target: Host['id']): void {
  const other = hosts.find(({ id }) => id === target);
  const { agent } = host;
  const answer = (outcome: 'connected' | 'refused' | 'silent'): void => {
    if (host.agent === agent) give(around, host, { kind: 'connectProbed', host: target, outcome });
  };
  const reachable =
    other !== undefined &&
    !other.lost &&
    !isAsleep(other, queue.now) &&
    !isCut(network, host.index, other.index) &&
    !isCut(network, other.index, host.index);
  if (!reachable)
    return schedule(queue, queue.now + ofMillis(CONFIG.probeMs), () => answer('silent'));
  const outcome = other.agent === undefined ? 'refused' : 'connected';
  schedule(queue, queue.now + roundTrip(network), () => answer(outcome));
}

/** Tells both ends that their connection stands, or that it is gone. */
function notice(world: World, a: Host, b: Host, kind: 'peerConnected' | 'peerDisconnected'): void {
  const { network, queue, around, noticedAt } = world;
  for (const [host, peer] of [[a, b] as const, [b, a] as const]) {
    const pair = `${host.id} of ${peer.id}`;
    const at = Math.max(queue.now + roundTrip(network), (noticedAt.get(pair) ?? 0) + 1);
    noticedAt.set(pair, at);
    schedule(queue, at, () => {
      if (!isCut(network, peer.index, host.index)) give(around, host, { kind, host: peer.id });
    });
  }
}

export function start(world: World, host: Host): void {
  if (host.agent !== undefined) return;
  host.lost = false;
  startAgent(world.around, host);
  for (const other of world.hosts)
    if (other !== host && other.agent !== undefined) notice(world, host, other, 'peerConnected');
}

export function crash(world: World, host: Host): void {
  if (host.agent === undefined) return;
  world.watch.agentEnded(host);
  crashAgent(world.around, host);
  for (const other of world.hosts)
    if (other !== host) notice(world, other, host, 'peerDisconnected');
}

export function lose(world: World, host: Host): void {
  if (host.lost) return;
  world.watch.agentEnded(host);
  loseHost(world.around, host);
}

/** Cuts links, and returns how to join them again; connections notice sooner or later. */
export function divide(world: World, cut: (from: number, to: number) => boolean): () => void {
  const { network, hosts } = world;
  const pairs = hosts.flatMap((a) =>
    hosts
      .filter((b) => a.index < b.index && (cut(a.index, b.index) || cut(b.index, a.index)))
      .map((b) => [a, b] as const),
  );
  const join = partition(network, cut);
  return () => {
    join();
    for (const [a, b] of pairs) notice(world, a, b, 'peerConnected');
  };
}

/** A user of this host's agent asks. */
export function command(world: World, host: Host, commandId: string, given: Command): void {
  give(world.around, host, { kind: 'commandGiven', commandId, command: given });
}

/** Plans `run` around `meanMs` from now. */
export function inAbout(
  world: World,
  prng: Parameters<typeof below>[0],
  meanMs: number,
  run: () => void,
): void {
  schedule(world.queue, world.queue.now + 1 + exponential(prng, ofMillis(meanMs)), run);
}
