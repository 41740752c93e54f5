/**
 * One host: clock, disk, engine, and most of the time an agent that drives the core exactly as
 * `node/agent.ts` and `node/perform.ts` do: effects begun in order, `persist` a barrier that only the
 * detector's messages overtake, one timer for the deadline.
 */
import { type HostId, hostId } from '../protocol/base/ids.ts';
import type { Instant } from '../protocol/base/time.ts';
import type { Labels } from '../protocol/component/label.ts';
import { type Core, createCore, type Identity, nextDeadline, step } from '../protocol/core.ts';
import { type DiskWrite, type Effect, gatherWrites, promisesNothing } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import { below, type Choices, happens, type Stream, streamOf, within } from './choice.ts';
import { type Clock, momentOf, readClock } from './clock.ts';
import { createDisk, type Disk, restore, sync } from './disk.ts';
import type { Engine } from './engine/engine.ts';
import { killAll } from './engine/faults.ts';
import { followPulse } from './engine/pulse.ts';
import {
  beginEngineEffect,
  createEngineWork,
  endEngineWork,
  type EngineEffect,
  type EngineWork,
} from './engine/work.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from './event-queue.ts';
import { connect, disconnect, forget, type GuardPost } from './guard.ts';
import { CONFIG, configOf, isWitness, type Options } from './options.ts';

/** Inputs that wait for a stopped agent; the oldest is lost. */
const INBOX_MAX = 10_000;

export type Agent = {
  readonly core: Core;
  readonly clock: Clock;
  readonly work: EngineWork;
  /** Effects not begun yet: they wait behind a write. */
  readonly waiting: Effect[];
  writing: boolean;
  /** More has arrived, and what follows from it all is still to be decided. */
  isBehind: boolean;
  /** Its first write is durable: from here on detector messages may overtake. */
  begun: boolean;
  wakeAt: Micros;
  /** A user has seen that its cluster has forgotten it. */
  isNoticed: boolean;
};

/** Where the chances of one host come from. */
type Chances = {
  /** Seed of the core and origin of the clock, anew in each life of the agent. */
  readonly life: Stream;
  readonly fsync: Stream;
  readonly wake: Stream;
  readonly lag: Stream;
};

export type Host = {
  readonly index: number;
  /** Another one after its disk was lost. */
  id: HostId;
  readonly chances: Chances;
  readonly disk: Disk;
  readonly engine: Engine;
  readonly guard: GuardPost;
  /** Undefined: crashed, or its host is gone. */
  agent: Agent | undefined;
  /** The whole machine is gone: silence. */
  lost: boolean;
  /** Stopped: the kernel answers and keeps what arrives. */
  pausedUntil: Micros;
  /** The machine sleeps: silence, and time goes on. */
  asleepUntil: Micros;
  /** When it woke last. */
  sleptUntil: Micros;
  /** Each step of a busy event loop comes up to so much later. */
  lagMs: number;
  inbox: Input[];
};

/** What a host's effects become outside, and who looks on. */
export type Surroundings = {
  readonly queue: EventQueue;
  readonly options: Options;
  /** The storm is over for this host. */
  readonly isCalm: (host: Host) => boolean;
  readonly begin: (host: Host, effect: Outward) => void;
  /** After each step; false: a rule is broken, nothing more is done. */
  readonly stepped: (host: Host, input: Input, effects: readonly Effect[]) => void;
  readonly synced: (host: Host, writes: readonly DiskWrite[]) => void;
  /** It goes on after it was stopped. */
  readonly resumed: (host: Host) => void;
  /** Its disk has failed it, so the agent ends. */
  readonly diskFailed: (host: Host) => void;
  /** The core threw. */
  readonly threw: (host: Host, input: Input, error: unknown) => void;
};
/** Effects that leave the host. */
export type Outward = Exclude<Effect, EngineEffect | { readonly kind: 'persist' }>;

export const createHost = (
  index: number,
  engine: Engine,
  guard: GuardPost,
  choices: Choices,
): Host => ({
  index,
  id: hostId(`h${index + 1}`),
  chances: {
    life: streamOf(choices, `h${index + 1}/life`),
    fsync: streamOf(choices, `h${index + 1}/fsync`),
    wake: streamOf(choices, `h${index + 1}/wake`),
    lag: streamOf(choices, `h${index + 1}/lag`),
  },
  disk: createDisk(),
  engine,
  guard,
  agent: undefined,
  lost: false,
  pausedUntil: 0,
  asleepUntil: 0,
  sleptUntil: -Infinity,
  lagMs: 0,
  inbox: [],
});

export const isAsleep = (host: Host, now: Micros): boolean => now < host.asleepUntil;
export const isPaused = (host: Host, now: Micros): boolean =>
  now < Math.max(host.pausedUntil, host.asleepUntil);

export const localNow = (agent: Agent, now: Micros): Instant => readClock(agent.clock, now);

export const peerIdOf = (id: HostId): string => `peer-${id}`;

export const CAPACITY = { cpuCount: 4, memoryBytes: 2 ** 32 } as const;
export const addressOf = (index: Host['index']): string => `10.0.0.${index + 1}`;
export const PLATFORM = { os: 'linux', arch: 'amd64' } as const;

/** Two zones in turn; every third host has a disk of its own kind. */
export const labelsOf = (index: Host['index']): Labels => ({
  zone: index % 2 === 0 ? 'a' : 'b',
  ...(index % 3 === 0 ? { disk: 'ssd' } : {}),
});

function identityOf(host: Host, options: Options): Identity {
  const { id } = host;
  const facts = {
    kind: 'host',
    name: id,
    agent: '0',
    engine: 'simulated',
    runs: isWitness(options, host.index) ? 'nothing' : 'processes',
    publishAddress: '0.0.0.0',
    address: addressOf(host.index),
    ...CAPACITY,
    ...PLATFORM,
    labels: labelsOf(host.index),
  } as const;
  return {
    host: id,
    cluster: 'simulated' as Identity['cluster'],
    name: id,
    peerId: peerIdOf(id),
    facts,
  };
}

/**
 * A new agent over what the disk holds. Its clock starts somewhere else, as clocks do. `joins`: a user
 * tells it to join.
 */
export function startAgent(around: Surroundings, host: Host, joins: boolean): void {
  const { options, queue } = around;
  const { life } = host.chances;
  const restored = restore(host.disk, CONFIG);
  if (!restored.ok) return around.threw(host, { kind: 'started' }, restored.error);
  const ratePermille = options.ratesPermille[host.index] ?? 0;
  const clock = { ratePermille, offsetMs: below(life, 1_000_000) };
  const core = createCore(configOf(options), identityOf(host, options), below(life, 2 ** 32), {
    ...restored.value,
    joins: joins || restored.value.joins,
  });
  const work = createEngineWork(host.engine, (input) => give(around, host, input));
  const idle = { waiting: [], writing: false, isBehind: false, begun: false, isNoticed: false };
  host.agent = { core, clock, work, ...idle, wakeAt: Infinity };
  host.inbox = [];
  give(around, host, { kind: 'started' });
  const { agent } = host;
  connect(host.guard, (input) => {
    if (host.agent === agent) give(around, host, input);
  });
  followPulse(agent.work);
  relist(around, host, host.agent, queue.now + ofMillis(CONFIG.relistMs));
}

function relist(around: Surroundings, host: Host, agent: Agent, at: Micros): void {
  schedule(around.queue, at, () => {
    if (host.agent !== agent) return;
    if (!isPaused(host, around.queue.now)) beginEngineEffect(agent.work, { kind: 'listInstances' });
    relist(around, host, agent, around.queue.now + ofMillis(CONFIG.relistMs));
  });
}

/** Something has happened; a stopped agent hears of it later, one that is not there never. */
export function give(around: Surroundings, host: Host, input: Input, more = false): void {
  const { agent } = host;
  if (agent === undefined) return;
  if (isPaused(host, around.queue.now)) {
    host.inbox.push(input);
    if (host.inbox.length > INBOX_MAX) host.inbox.shift();
    return;
  }
  let effects: readonly Effect[];
  agent.isBehind = more;
  try {
    effects = step(agent.core, input, localNow(agent, around.queue.now), more);
  } catch (error) {
    return around.threw(host, input, error);
  }
  around.stepped(host, input, effects);
  for (const effect of effects) {
    const overtakes = agent.begun && effect.kind === 'send' && promisesNothing(effect.message);
    if (overtakes) around.begin(host, effect);
    else agent.waiting.push(effect);
  }
  advance(around, host, agent);
  setTimer(around, host, agent);
  if (host.lagMs > 0 && host.agent === agent)
    pause(around, host, below(host.chances.lag, host.lagMs), false);
}

function advance(around: Surroundings, host: Host, agent: Agent): void {
  while (!agent.writing && agent.waiting.length > 0) {
    const effect = agent.waiting.shift();
    if (effect === undefined) return;
    if (effect.kind === 'persist') write(around, host, agent, effect.writes);
    else if (isForEngine(effect)) beginEngineEffect(agent.work, effect);
    else around.begin(host, effect);
  }
}

const FOR_ENGINE: ReadonlySet<Effect['kind']> = new Set<EngineEffect['kind']>([
  'startInstance',
  'stopInstance',
  'freezeInstance',
  'thawInstance',
  'removeInstance',
  'listInstances',
]);
const isForEngine = (effect: Effect): effect is EngineEffect => FOR_ENGINE.has(effect.kind);

function write(around: Surroundings, host: Host, agent: Agent, writes: readonly DiskWrite[]): void {
  const { queue, options } = around;
  const { fsync } = host.chances;
  agent.writing = true;
  host.disk.pending = writes;
  const isSlow = host.disk.fault === 'slow' || (!around.isCalm(host) && happens(fsync, 100));
  const longest = ofMillis(isSlow ? Math.max(3, options.fsyncMs) : 3);
  schedule(queue, queue.now + within(fsync, 300, longest), () => finish(around, host, agent));
}

/** The fsync has returned; a stopped agent takes note of it when it goes on. */
function finish(around: Surroundings, host: Host, agent: Agent): void {
  const { queue } = around;
  const { disk } = host;
  if (host.agent !== agent) return;
  if (disk.pending !== undefined && (disk.fault === 'error' || disk.fault === 'full')) {
    // Nobody knows how much of it has reached the disk, so nobody may go on.
    if (disk.fault === 'full') disk.pending = undefined;
    else disk.fault = undefined;
    return around.diskFailed(host);
  }
  if (disk.pending !== undefined) around.synced(host, sync(disk));
  if (isPaused(host, queue.now)) {
    const until = Math.max(host.pausedUntil, host.asleepUntil);
    return schedule(queue, until, () => finish(around, host, agent));
  }
  agent.writing = false;
  agent.begun = true;
  gatherWrites(agent.waiting);
  advance(around, host, agent);
}

/** One timer stands at a time; a deadline that has moved away since is looked up when it rings. */
function setTimer(around: Surroundings, host: Host, agent: Agent): void {
  const { queue } = around;
  const deadline = nextDeadline(agent.core);
  if (deadline === undefined) return;
  const at = Math.max(momentOf(agent.clock, deadline), queue.now);
  if (at >= agent.wakeAt) return;
  agent.wakeAt = at;
  // Timers are late, never early.
  schedule(queue, at + below(host.chances.wake, 1000), () => {
    if (host.agent !== agent || agent.wakeAt !== at) return;
    agent.wakeAt = Infinity;
    const due = nextDeadline(agent.core);
    if (due === undefined) return;
    if (momentOf(agent.clock, due) > queue.now) setTimer(around, host, agent);
    else give(around, host, { kind: 'woken' });
  });
}

/** Stops the agent's process for a while; `asleep`: the whole machine. */
export function pause(around: Surroundings, host: Host, lengthMs: number, asleep: boolean): void {
  const { queue } = around;
  const until = queue.now + ofMillis(lengthMs);
  if (asleep) host.asleepUntil = Math.max(host.asleepUntil, until);
  else host.pausedUntil = Math.max(host.pausedUntil, until);
  schedule(queue, until, () => resume(around, host));
}

export function resume(around: Surroundings, host: Host): void {
  if (isPaused(host, around.queue.now)) return;
  const arrived = host.inbox;
  host.inbox = [];
  for (const [at, input] of arrived.entries()) give(around, host, input, at < arrived.length - 1);
  around.resumed(host);
}

/** Whether the write under way has reached the disk is chance. */
function cutWrite(around: Surroundings, host: Host): void {
  if (host.disk.pending === undefined) return;
  if (happens(host.chances.fsync, 500)) around.synced(host, sync(host.disk));
  host.disk.pending = undefined;
}

/** The process is gone; its containers, its kernel and its disk are not. */
export function crashAgent(around: Surroundings, host: Host): void {
  cutWrite(around, host);
  if (host.agent !== undefined) endEngineWork(host.agent.work);
  disconnect(host.guard);
  host.agent = undefined;
  host.inbox = [];
  host.pausedUntil = 0;
}

/** What was on the disk is gone, and with it who this host was: it comes back as another. */
export function loseDisk(host: Host): void {
  host.disk.durable.clear();
  host.id = hostId(`${host.id}b`);
}

export function loseHost(around: Surroundings, host: Host): void {
  cutWrite(around, host);
  killAll(host.engine);
  forget(host.guard);
  if (host.agent !== undefined) endEngineWork(host.agent.work);
  host.agent = undefined;
  host.inbox = [];
  host.pausedUntil = 0;
  host.asleepUntil = 0;
  host.lost = true;
}
