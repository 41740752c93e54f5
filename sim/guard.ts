/**
 * The guard of one host (`protocol/guard/guard.ts`) at work: an actor beside agent and engine, with a
 * clock that counts suspend and its own hand on the processes of strict instances, whatever becomes of
 * the agent or of the engine's daemon.
 *
 *     agent ──connects, warrants──▶ guard ──acknowledges, stands still, goes on──▶ agent
 *                                     └── freezes, thaws, kills; asked before an instance begins
 */
import { type Key, slotKey } from '../protocol/base/ids.ts';
import { type Instant, instant } from '../protocol/base/time.ts';
import {
  begin,
  createGuard,
  type Guard,
  mayBegin,
  vouch,
  type Ward,
  type Warrant,
  watch,
  watchAt,
} from '../protocol/guard/guard.ts';
import type { Input } from '../protocol/input.ts';
import { exponential, type Stream, within } from './choice.ts';
import { type Engine, type Instance, isStrict } from './engine/engine.ts';
import { end, isAlive, setStill } from './engine/instance.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from './event-queue.ts';
import { CONFIG } from './options.ts';

/** How often it looks whether its machine has slept: the exception that users are told. */
export const GUARD_TICK_MS = 50;
/** From the decision to the last process standing still: part of F. */
export const FREEZE_MS = 200;
/** An agent takes a guard for lost after so long without a sign. */
const SILENCE_MS = 1000;
/** Its service manager ends one that hangs for longer, and starts another. */
const AWAY_MAX_MS = 500;
/** What it found when it came back it has dealt with by then. */
const BACK_MS = ofMillis(FREEZE_MS);
const KILLED = 137;

export type GuardPost = {
  readonly queue: EventQueue;
  readonly draw: Stream;
  readonly machine: Machine;
  state: Guard;
  /** The connection: told to the agent that made it, undefined: nobody is connected. */
  tell: ((input: Input) => void) | undefined;
  /** Until then it does nothing; what the agent sends meanwhile waits, unless it has died. */
  awayUntil: Micros;
  /** It was ended, not stopped: it comes back knowing nothing. */
  isDead: boolean;
  /** The agent has been told that it is lost. */
  isMissed: boolean;
  /** Its answers take up to so much longer. */
  lagMs: number;
  lookAt: Micros;
  /** What was sent to it while it was away. */
  mail: (() => void)[];
  /** When it returned last from having been away. */
  backAt: Micros;
  /** When what was sent last, either way, is there: nothing overtakes. */
  heardAt: Micros;
  saidAt: Micros;
};

/** What it needs to know of its host. */
export type Machine = {
  readonly engine: () => Engine;
  readonly isLost: () => boolean;
  readonly asleepUntil: () => Micros;
  /** Whether the agent can do in time what is the guard's part. */
  readonly isAgentWell: () => boolean;
  /** Told of what it does. */
  readonly noted: (deed: GuardDeed) => void;
};

export type GuardDeed =
  | { readonly kind: 'froze' | 'thawed' | 'killed' | 'turnedAway'; readonly instance: Instance }
  | { readonly kind: 'lost' };

export const createPost = (queue: EventQueue, draw: Stream, machine: Machine): GuardPost => ({
  queue,
  draw,
  machine,
  state: createGuard(),
  tell: undefined,
  awayUntil: 0,
  isDead: false,
  isMissed: false,
  lagMs: 0,
  lookAt: Infinity,
  mail: [],
  backAt: -Infinity,
  heardAt: 0,
  saidAt: 0,
});

const nowOf = ({ queue }: GuardPost): Instant => instant(Math.floor(queue.now / 1000));
const isAway = ({ queue, awayUntil, machine }: GuardPost): boolean =>
  queue.now < awayUntil || machine.isLost() || queue.now < machine.asleepUntil();

/** It is there, and has had a moment to look around. */
export const isOnDuty = (post: GuardPost, now: Micros): boolean =>
  !isAway(post) && !post.isDead && now > post.backAt + BACK_MS;

/** An agent has started and connects; `tell` reaches it as long as it lives. */
export function connect(post: GuardPost, tell: (input: Input) => void): void {
  post.tell = tell;
  post.isMissed = post.isDead; // then it is the guard's return that joins them
  soon(post, () => join(post, tell));
}

function join(post: GuardPost, tell: (input: Input) => void): void {
  if (post.tell !== tell || post.isDead) return;
  begin(post.state);
  post.isMissed = false;
  answer(post, tell, { kind: 'guardJoined' });
  lookNow(post);
}

/** The agent is gone, and its connection with it; its warrants hold until they run out. */
export function disconnect(post: GuardPost): void {
  post.tell = undefined;
}

/** The agent says until when it may run a slot, on the clock of the world. */
export function sendWarrant(
  post: GuardPost,
  key: Key,
  warrant: { readonly given: Warrant; readonly until: Micros } | undefined,
): void {
  const { tell } = post;
  if (tell === undefined || post.isDead || post.isMissed) return;
  soon(post, () => {
    if (post.tell !== tell || post.isMissed) return;
    // Rounded down: V is never later than the agent's.
    const until = instant(Math.floor((warrant?.until ?? 0) / 1000));
    vouch(post.state, key, warrant && { first: warrant.given.first, until });
    if (warrant !== undefined)
      answer(post, tell, { kind: 'guardAcknowledged', key, warrant: warrant.given });
    lookNow(post);
  });
}

/** In the order in which it was sent, and not while the guard is away. */
function soon(post: GuardPost, run: () => void): void {
  const { queue, draw } = post;
  post.heardAt = Math.max(post.heardAt, queue.now + exponential(draw, ofMillis(1)));
  schedule(queue, post.heardAt, () => whenBack(post, run));
}

function whenBack(post: GuardPost, run: () => void): void {
  if (post.isDead || post.machine.isLost()) return;
  if (isAway(post)) post.mail.push(run);
  else run();
}

function answer(post: GuardPost, tell: (input: Input) => void, input: Input): void {
  const { queue, draw } = post;
  const takes = exponential(draw, ofMillis(1)) + within(draw, 0, ofMillis(post.lagMs));
  post.saidAt = Math.max(post.saidAt, queue.now + takes);
  schedule(queue, post.saidAt, () => {
    if (post.tell === tell && !post.isDead && !post.isMissed) tell(input);
  });
}

const wardOf = ({ observed: { engineId, component, slot, term }, stills }: Instance): Ward => ({
  id: engineId,
  key: slotKey(component, slot),
  term,
  isStill: stills.guard,
});

/** Asked by whatever is about to run a strict instance. */
export function gate(post: GuardPost, instance: Instance): boolean {
  if (isAway(post) || post.isDead) return false;
  const may = mayBegin(post.state, CONFIG, nowOf(post), wardOf(instance));
  if (!may) post.machine.noted({ kind: 'turnedAway', instance });
  return may;
}

/** Freezes, thaws and kills what is due, and comes back when more is. */
export function lookNow(post: GuardPost): void {
  const { queue, state, machine } = post;
  if (isAway(post) || post.isDead) return;
  const engine = post.machine.engine();
  const live = [...engine.instances.values()].filter((each) => isStrict(each) && isAlive(each));
  for (const { kind, id } of watch(state, CONFIG, nowOf(post), live.map(wardOf))) {
    const instance = engine.instances.get(id);
    if (instance === undefined) continue;
    if (kind === 'kill') {
      machine.noted({ kind: 'killed', instance });
      end(engine, instance, KILLED);
    } else hold(post, engine, instance, kind === 'freeze');
  }
  const at = watchAt(state, CONFIG, nowOf(post));
  if (at === undefined) return;
  const due = ofMillis(at);
  if (due >= post.lookAt && post.lookAt > queue.now) return;
  post.lookAt = due;
  schedule(queue, due, () => {
    if (post.lookAt !== due) return;
    post.lookAt = Infinity;
    lookNow(post);
  });
}

function hold(post: GuardPost, engine: Engine, instance: Instance, isStill: boolean): void {
  const { queue, draw } = post;
  const kind = isStill ? 'instanceFrozen' : 'instanceThawed';
  const { engineId } = instance.observed;
  const act = (): void => {
    if (!isAlive(instance) || instance.stills.guard === isStill) return;
    if (isStill !== mustStand(post, instance)) return;
    setStill(engine, instance, isStill, 'guard');
    post.machine.noted({ kind: isStill ? 'froze' : 'thawed', instance });
    if (post.tell !== undefined) answer(post, post.tell, { kind, engineId });
  };
  if (isStill) schedule(queue, queue.now + within(draw, 1000, ofMillis(FREEZE_MS)), act);
  else act();
}

const mustStand = (post: GuardPost, instance: Instance): boolean =>
  !mayBegin(post.state, CONFIG, nowOf(post), wardOf(instance));

/** Its process dies, or stands still; its service manager sees to it that it comes back, storm or not. */
export function takeAway(post: GuardPost, fault: 'dies' | 'hangs', forMs: number): void {
  const { queue, tell } = post;
  const until = queue.now + ofMillis(forMs);
  post.awayUntil = Math.max(post.awayUntil, until);
  schedule(queue, until, () => {
    if (until === post.awayUntil) comeBack(post);
  });
  if (fault === 'dies') {
    post.isDead = true;
    post.mail = [];
    post.state = createGuard();
    miss(post);
  } else if (tell !== undefined)
    schedule(queue, queue.now + ofMillis(SILENCE_MS), () => {
      if (post.tell === tell && queue.now < post.awayUntil) miss(post);
    });
  if (forMs > AWAY_MAX_MS) recall(post);
}

/** The agent finds its connection broken, or silent. */
function miss(post: GuardPost): void {
  if (post.isMissed) return;
  post.isMissed = true;
  if (post.tell !== undefined) post.machine.noted({ kind: 'lost' });
  post.tell?.({ kind: 'guardLost' });
}

const RECALL_MS = 100;
/** Two failures at once are more than is promised: then it is back in time. */
function recall(post: GuardPost): void {
  const { queue } = post;
  if (queue.now >= post.awayUntil) return;
  if (!post.machine.isAgentWell()) return comeBack(post);
  schedule(queue, queue.now + ofMillis(RECALL_MS), () => recall(post));
}

/** Its machine has died: it starts with it, knowing nothing. */
export function forget(post: GuardPost): void {
  post.state = createGuard();
  post.tell = undefined;
  post.mail = [];
  post.awayUntil = 0;
  post.isDead = false;
}

/** It runs again: kills what it finds without a warrant, and lets the agent connect. */
export function comeBack(post: GuardPost): void {
  post.awayUntil = 0;
  post.isDead = false;
  goOn(post);
  const { tell } = post;
  if (post.isMissed && tell !== undefined) soon(post, () => join(post, tell));
}

function goOn(post: GuardPost): void {
  if (isAway(post) || post.isDead) return;
  post.backAt = post.queue.now;
  for (const run of post.mail.splice(0)) run();
  lookNow(post);
}

/** The machine has slept; its next tick finds out. */
export function awake(post: GuardPost): void {
  const { queue, draw } = post;
  schedule(queue, queue.now + within(draw, 0, ofMillis(GUARD_TICK_MS)), () => goOn(post));
}
