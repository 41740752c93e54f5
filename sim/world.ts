/** All hosts and the network between them: what effects become, and how hosts begin and end. */
import { type HostId, ROSTER_KEY } from '../protocol/base/ids.ts';
import { compareText } from '../protocol/base/order.ts';
import { foundCluster } from '../protocol/core.ts';
import type { CommandResult, DiskWrite, Effect } from '../protocol/effect.ts';
import type { Command, Input, Observed } from '../protocol/input.ts';
import type { Message } from '../protocol/wire/message.ts';
import { below, type Choices, streamOf } from './choice.ts';
import { momentOf } from './clock.ts';
import { createEngine } from './engine/engine.ts';
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
  isPaused,
  loseHost,
  type Outward,
  peerIdOf,
  startAgent,
  type Surroundings,
} from './host.ts';
import {
  agentEnded,
  agentResumed,
  agentStarted,
  createNetwork,
  hasAddress,
  keepPeers,
  type Network,
  publish,
  roundTrip,
  transmit,
} from './network/network.ts';
import { isCut } from './network/obstacles.ts';
import { createPost, gate, type GuardDeed, sendWarrant } from './guard.ts';
import { CONFIG, type Options } from './options.ts';
import type { HostIndex } from './strike.ts';

/** Told of everything, before its consequences. */
export type Watch = {
  readonly stepped: (host: Host, input: Input, effects: readonly Effect[]) => void;
  readonly begun: (host: Host, effect: Outward) => void;
  readonly synced: (host: Host, writes: readonly DiskWrite[]) => void;
  readonly started: (host: Host, instance: Observed) => void;
  readonly guarded: (host: Host, deed: GuardDeed) => void;
  readonly replied: (host: Host, commandId: string, result: CommandResult) => void;
  readonly agentEnded: (host: Host) => void;
  readonly threw: (host: Host, input: Input, error: unknown) => void;
};

export type World = {
  readonly options: Options;
  readonly choices: Choices;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly hosts: readonly Host[];
  /** By present id: who lost its disk is not found under its old one. */
  readonly byId: Map<HostId, Host>;
  readonly around: Surroundings;
  readonly watch: Watch;
  /** Those for whom the storm is over; undefined: for nobody. */
  core: ReadonlySet<HostIndex> | undefined;
};

export function createWorld(
  options: Options,
  choices: Choices,
  watch: Watch,
  sizeOf?: (message: Message) => number,
): World {
  const queue = createEventQueue();
  const hosts: readonly Host[] = Array.from({ length: options.hostCount }, (_, index) => {
    const name = `h${index + 1}`;
    const host: Host = createHost(
      index,
      createEngine({
        name,
        queue,
        choices,
        publishAddress: '0.0.0.0',
        lifeMs: options.lifeMs,
        isCalm: () => isCalm(world, host),
        isOver: () => world.core !== undefined,
        gate: (instance) => gate(host.guard, instance),
        started: (instance) => watch.started(host, instance),
      }),
      createPost(queue, streamOf(choices, `${name}/guard`), {
        engine: () => host.engine,
        isLost: () => host.lost,
        asleepUntil: () => host.asleepUntil,
        isAgentWell: () => isAgentWell(host, options, queue.now),
        noted: (deed) => watch.guarded(host, deed),
      }),
      choices,
    );
    return host;
  });
  const network = createNetwork({
    queue,
    choices,
    options,
    idOf: (index) => hostAt(hosts, index).id,
    condition(index) {
      const host = hostAt(hosts, index);
      if (isAsleep(host, queue.now)) return 'sleeps';
      return isPaused(host, queue.now) ? 'waits' : 'reads';
    },
    deliver: (to, from, message, gossip) => deliver(world, to, from, message, gossip),
    noticed: (index, peer, kind) => give(around, hostAt(hosts, index), { kind, host: peer }),
    sizeOf,
  });
  const around: Surroundings = {
    queue,
    options,
    isCalm: (host) => isCalm(world, host),
    begin: (host, effect) => begin(world, host, effect),
    stepped(host, input, effects) {
      watch.stepped(host, input, effects);
      letJoin(world, host);
    },
    synced: watch.synced,
    threw: watch.threw,
    resumed: ({ index }) => agentResumed(network, index),
    diskFailed(host) {
      crash(world, host);
      restartLater(world, host);
    },
  };
  const byId = new Map(hosts.map((host) => [host.id, host]));
  const world: World = {
    options,
    choices,
    queue,
    network,
    hosts,
    byId,
    around,
    watch,
    core: undefined,
  };
  return world;
}

const hostAt = (hosts: readonly Host[], index: HostIndex): Host => hosts[index] as Host;

/** It and its engine do in time what they are asked. */
function isAgentWell({ agent, engine, disk, ...host }: Host, options: Options, now: Micros) {
  const { hang, restart } = engine.faults;
  if (agent === undefined || agent.core.ended || agent.core.cloned) return false;
  if (hang > 0 || restart > 0 || disk.fault !== undefined || options.fsyncMs > 30) return false;
  return host.lagMs === 0 && now >= Math.max(host.pausedUntil, host.asleepUntil);
}

const isCalm = ({ core }: World, { index }: Host): boolean => core?.has(index) === true;

function deliver(
  { hosts, queue, around }: World,
  to: HostIndex,
  from: HostIndex,
  message: Message,
  gossip: boolean,
): void {
  const host = hosts[to];
  const sender = hosts[from];
  if (host === undefined || sender === undefined || isAsleep(host, queue.now)) return;
  const kind = gossip ? 'gossipReceived' : 'messageReceived';
  give(around, host, { kind, from: sender.id, message });
}

const STARTS_WITHIN_MS = 2000;

/** The first hosts vote; the others start a little later and, unless they have joined, ask to be let in. */
export function populate(world: World): void {
  const { hosts, queue, options, choices } = world;
  const draw = streamOf(choices, 'start');
  found(world);
  for (const host of hosts) {
    const at =
      host.index === 0
        ? 0
        : ofMillis(below(draw, options.growth?.startsWithinMs ?? STARTS_WITHIN_MS));
    schedule(queue, at, () => start(world, host));
  }
}

/** One voter founds a cluster as `cluster init` does; several have done so, and met, long ago. */
function found({ watch, hosts, options }: World): void {
  const voters = hosts.slice(0, options.voterCount).map(({ id }) => id);
  const joined = options.hasJoined === true ? hosts : hosts.slice(0, options.voterCount);
  const members = joined.map(({ id }) => ({ id, name: id, peerId: peerIdOf(id) }));
  members.sort((a, b) => compareText(a.id, b.id));
  const key = ROSTER_KEY;
  const value = { kind: 'members', members };
  const revision = { term: 1, seq: 1 };
  for (const { id, disk } of joined) {
    disk.durable.set('roster', { ...foundCluster(id, CONFIG).roster, voters });
    if (joined.length === 1) return;
    disk.durable.set('host', { boot: 1, ceiling: revision.term, maxTermMs: 0, synced: true });
    disk.durable.set(`committed/${key}`, { key, revision, value });
  }
  for (const host of hosts.slice(0, options.voterCount)) {
    // Whoever stored under a term has promised it.
    const stored = { promised: 1, revision, value, deployIds: [] };
    const write = { name: `record/${key}`, value: stored };
    host.disk.durable.set(write.name, write.value);
    watch.synced(host, [write]);
  }
}

function begin(world: World, host: Host, effect: Outward): void {
  const { network, watch, byId } = world;
  watch.begun(host, effect);
  switch (effect.kind) {
    case 'send': {
      const to = byId.get(effect.to);
      if (to !== undefined) transmit(network, host.index, to.index, effect.message);
      return;
    }
    case 'publish':
      return publish(network, host.index, effect.message);
    case 'connectProbe':
      return probe(world, host, effect.host);
    case 'reply':
      if (effect.result.kind === 'forced') beginAgain(world, host);
      return watch.replied(host, effect.commandId, effect.result);
    case 'keepPeers': {
      const peers = effect.peers.flatMap((peer) => byId.get(peer.host)?.index ?? []);
      return keepPeers(network, host.index, new Set(peers));
    }
    case 'guardSlot': {
      const { key, warrant } = effect;
      const { agent } = host;
      if (agent === undefined) return;
      const until = warrant && momentOf(agent.clock, warrant.until);
      return sendWarrant(host.guard, key, warrant && { given: warrant, until: until ?? 0 });
    }
    case 'leaseChanged':
    case 'journal':
  }
}

/** A fresh connect to an agent's port: its kernel answers, unless nothing does. */
function probe({ network, byId, queue, around }: World, host: Host, target: HostId): void {
  const other = byId.get(target);
  const { agent } = host;
  const answer = (outcome: 'connected' | 'refused' | 'silent'): void => {
    if (host.agent === agent) give(around, host, { kind: 'connectProbed', host: target, outcome });
  };
  const reachable =
    other !== undefined &&
    !other.lost &&
    !isAsleep(other, queue.now) &&
    hasAddress(network, host.index, other.index) &&
    !isCut(network, host.index, other.index) &&
    !isCut(network, other.index, host.index);
  if (!reachable)
    return schedule(queue, queue.now + ofMillis(CONFIG.probeMs), () => answer('silent'));
  const outcome = other.agent === undefined ? 'refused' : 'connected';
  schedule(queue, queue.now + roundTrip(network), () => answer(outcome));
}

/** How long until a user notices that a host was forgotten, and tells it to join. */
const NOTICED_MS = 2000;

function letJoin(world: World, host: Host): void {
  const { queue } = world;
  const { agent } = host;
  if (agent?.core.knowledge?.isDismissed !== true || agent.core.joins || agent.isNoticed) return;
  agent.isNoticed = true;
  schedule(queue, queue.now + ofMillis(NOTICED_MS), () => {
    if (host.agent !== agent) return;
    crash(world, host);
    start(world, host, true);
  });
}

export function start(world: World, host: Host, joins = false): void {
  if (host.agent !== undefined) return;
  host.lost = false;
  startAgent(world.around, host, joins);
  agentStarted(world.network, host.index);
}

export function crash(world: World, host: Host): void {
  if (host.agent === undefined) return;
  world.watch.agentEnded(host);
  crashAgent(world.around, host);
  agentEnded(world.network, host.index, 'answers');
}

export function lose(world: World, host: Host): void {
  if (host.lost) return;
  world.watch.agentEnded(host);
  loseHost(world.around, host);
  agentEnded(world.network, host.index, 'silent');
}

/** Its agent has said its last word, and starts anew over what is on the disk. */
function beginAgain(world: World, host: Host): void {
  const { queue } = world;
  const { agent } = host;
  schedule(queue, queue.now + ofMillis(RESTART_MS), () => {
    if (host.agent !== agent) return;
    crash(world, host);
    start(world, host);
  });
}

/** As its service manager does, until it lives. */
const RESTART_MS = 500;
function restartLater(world: World, host: Host): void {
  const { queue } = world;
  schedule(queue, queue.now + ofMillis(RESTART_MS), () => {
    if (!host.lost) start(world, host);
  });
}

/** A user of this host's agent asks. */
export function command(world: World, host: Host, commandId: string, given: Command): void {
  give(world.around, host, { kind: 'commandGiven', commandId, command: given });
}
