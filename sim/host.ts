/**
 * One host: clock, disk, engine, and most of the time an agent that drives the core exactly as
 * `node/agent.ts` and `node/perform.ts` do: effects begun in order, `persist` a barrier that only the
 * detector's messages overtake, one timer for the deadline.
 */
import { type HostId, hostId } from '../protocol/base/ids.ts';
import { below, next, type Prng, within } from '../protocol/base/prng.ts';
import type { Instant } from '../protocol/base/time.ts';
import { type Core, createCore, type Identity, nextDeadline, step } from '../protocol/core.ts';
import { type DiskWrite, type Effect, promisesNothing } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import { type Clock, momentOf, readClock } from './clock.ts';
import { createDisk, type Disk, restore, sync } from './disk.ts';
import {
  beginEngineEffect,
  type Engine,
  type EngineEffect,
  killAll,
  settleStarts,
} from './engine.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from './event-queue.ts';
import { CONFIG, type Options } from './options.ts';
import { happens } from './chance.ts';

/** Inputs that wait for a stopped agent; the oldest is lost. */
const INBOX_MAX = 10_000;

export type Agent = {
  readonly core: Core;
  readonly clock: Clock;
  /** Effects not begun yet: they wait behind a write. */
  readonly waiting: Effect[];
  writing: boolean;
  /** Its first write is durable: from here on detector messages may overtake. */
  begun: boolean;
  wakeAt: Micros;
};

export type Host = {
  readonly index: number;
  readonly id: HostId;
  readonly disk: Disk;
  readonly engine: Engine;
  /** Undefined: crashed, or its host is gone. */
  agent: Agent | undefined;
  /** The whole machine is gone: silence. */
  lost: boolean;
  /** Stopped: the kernel answers and keeps what arrives. */
  pausedUntil: Micros;
  /** The machine sleeps: silence, and time goes on. */
  asleepUntil: Micros;
  inbox: Input[];
};

/** What a host's effects become outside, and who looks on. */
export type Surroundings = {
  readonly queue: EventQueue;
  readonly options: Options;
  readonly prng: Prng;
  readonly isHealed: () => boolean;
  readonly begin: (host: Host, effect: Outward) => void;
  /** After each step; false: a rule is broken, nothing more is done. */
  readonly stepped: (host: Host, input: Input, effects: readonly Effect[]) => void;
  readonly synced: (host: Host, writes: readonly DiskWrite[]) => void;
  /** The core threw. */
  readonly threw: (host: Host, input: Input, error: unknown) => void;
};
/** Effects that leave the host. */
export type Outward = Exclude<Effect, EngineEffect | { readonly kind: 'persist' }>;

export const createHost = (index: number, engine: Engine): Host => ({
  index,
  id: hostId(`h${index + 1}`),
  disk: createDisk(),
  engine,
  agent: undefined,
  lost: false,
  pausedUntil: 0,
  asleepUntil: 0,
  inbox: [],
});

export const isAsleep = (host: Host, now: Micros): boolean => now < host.asleepUntil;
export const isPaused = (host: Host, now: Micros): boolean =>
  now < Math.max(host.pausedUntil, host.asleepUntil);

export const localNow = (agent: Agent, now: Micros): Instant => readClock(agent.clock, now);

function identityOf(host: Host): Identity {
  const { id } = host;
  const facts = {
    kind: 'host',
    name: id,
    agent: '0',
    engine: 'simulated',
    runs: 'processes',
    publishAddress: '0.0.0.0',
    cpuCount: 4,
    memoryBytes: 2 ** 32,
  } as const;
  return {
    host: id,
    cluster: 'simulated' as Identity['cluster'],
    name: id,
    peerId: `peer-${id}`,
    facts,
  };
}

/** A new agent over what the disk holds. Its clock starts somewhere else, as clocks do. */
export function startAgent(around: Surroundings, host: Host): void {
  const { options, prng, queue } = around;
  const restored = restore(host.disk, CONFIG);
  if (!restored.ok) return around.threw(host, { kind: 'started' }, restored.error);
  const ratePermille = options.ratesPermille[host.index] ?? 0;
  const clock = { ratePermille, offsetMs: below(prng, 1_000_000) };
  const core = createCore(CONFIG, identityOf(host), next(prng), restored.value);
  host.agent = { core, clock, waiting: [], writing: false, begun: false, wakeAt: Infinity };
  host.inbox = [];
  give(around, host, { kind: 'started' });
  relist(around, host, host.agent, queue.now + ofMillis(CONFIG.relistMs));
}

function relist(around: Surroundings, host: Host, agent: Agent, at: Micros): void {
  schedule(around.queue, at, () => {
    if (host.agent !== agent) return;
    if (!isPaused(host, around.queue.now))
      beginEngineEffect(host.engine, { kind: 'listInstances' });
    relist(around, host, agent, around.queue.now + ofMillis(CONFIG.relistMs));
  });
}

/** Something has happened; a stopped agent hears of it later, one that is not there never. */
export function give(around: Surroundings, host: Host, input: Input): void {
  const { agent } = host;
  if (agent === undefined) return;
  if (isPaused(host, around.queue.now)) {
    host.inbox.push(input);
    if (host.inbox.length > INBOX_MAX) host.inbox.shift();
    return;
  }
  let effects: readonly Effect[];
  try {
    effects = step(agent.core, input, localNow(agent, around.queue.now));
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
}

function advance(around: Surroundings, host: Host, agent: Agent): void {
  while (!agent.writing) {
    const effect = agent.waiting.shift();
    if (effect === undefined) return;
    if (effect.kind === 'persist') write(around, host, agent, effect.writes);
    else if (isForEngine(effect)) beginEngineEffect(host.engine, effect);
    else around.begin(host, effect);
  }
}

const FOR_ENGINE: ReadonlySet<Effect['kind']> = new Set<EngineEffect['kind']>([
  'startInstance',
  'stopInstance',
  'removeInstance',
  'listInstances',
]);
const isForEngine = (effect: Effect): effect is EngineEffect => FOR_ENGINE.has(effect.kind);

function write(around: Surroundings, host: Host, agent: Agent, writes: readonly DiskWrite[]): void {
  const { queue, prng, options } = around;
  agent.writing = true;
  host.disk.pending = writes;
  const slow = !around.isHealed() && happens(prng, 100) ? options.fsyncMs : 3;
  schedule(queue, queue.now + within(prng, 300, ofMillis(slow)), () => finish(around, host, agent));
}

/** The fsync has returned; a stopped agent takes note of it when it goes on. */
function finish(around: Surroundings, host: Host, agent: Agent): void {
  const { queue } = around;
  if (host.agent !== agent) return;
  if (host.disk.pending !== undefined) around.synced(host, sync(host.disk));
  if (isPaused(host, queue.now)) {
    const until = Math.max(host.pausedUntil, host.asleepUntil);
    return schedule(queue, until, () => finish(around, host, agent));
  }
  agent.writing = false;
  agent.begun = true;
  advance(around, host, agent);
}

function setTimer(around: Surroundings, host: Host, agent: Agent): void {
  const { queue, prng } = around;
  const deadline = nextDeadline(agent.core);
  const at =
    deadline === undefined || deadline === Infinity ? Infinity : momentOf(agent.clock, deadline);
  if (at === agent.wakeAt) return;
  agent.wakeAt = at;
  if (at === Infinity) return;
  // Timers are late, never early.
  schedule(queue, Math.max(at, queue.now) + below(prng, 1000), () => {
    if (host.agent !== agent || agent.wakeAt !== at) return;
    agent.wakeAt = NaN;
    give(around, host, { kind: 'woken' });
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
  for (const input of arrived) give(around, host, input);
}

/** Whether the write under way has reached the disk is chance. */
function cutWrite(around: Surroundings, host: Host): void {
  if (host.disk.pending === undefined) return;
  if (happens(around.prng, 500)) around.synced(host, sync(host.disk));
  host.disk.pending = undefined;
}

/** The process is gone; its containers, its kernel and its disk are not. */
export function crashAgent(around: Surroundings, host: Host): void {
  cutWrite(around, host);
  host.agent = undefined;
  host.inbox = [];
  host.pausedUntil = 0;
  settleStarts(host.engine);
}

export function loseHost(around: Surroundings, host: Host): void {
  cutWrite(around, host);
  host.agent = undefined;
  host.inbox = [];
  host.pausedUntil = 0;
  host.asleepUntil = 0;
  host.lost = true;
  killAll(host.engine);
}
