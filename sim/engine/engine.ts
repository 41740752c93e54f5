/**
 * The engine of one host: a daemon, and instances that outlive the agent and die with the host.
 *
 * It promises and refuses what `node/engine/engine.ts` does and passes the same compliance suite, by
 * callbacks over virtual time. What the agent hears comes by ways that overtake each other: answers
 * one by one, events in their order, lists that were true a moment ago.
 */
import type { ComponentId } from '../../protocol/base/ids.ts';
import type { Result } from '../../protocol/base/result.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Input, Observed } from '../../protocol/input.ts';
import { type Choices, exponential, type Stream, streamOf } from '../choice.ts';
import { type EventQueue, type Micros, ofMillis, schedule } from '../event-queue.ts';

/**
 * A variable of the environment that says what is wrong with an image, until the calm: what is made from it
 * `ends` at once, or is `ill`.
 */
export const DUD = 'DUD';

/** What an instance does by itself. */
export type Program = {
  /** What befalls it after so long; undefined: nothing. */
  readonly fate?:
    | { readonly kind: 'ends'; readonly afterMs: number; readonly exitCode: number }
    | { readonly kind: 'fallsIll'; readonly afterMs: number; readonly forMs: number };
  /** From SIGTERM to its end; undefined: it takes no notice. */
  readonly farewellMs: number | undefined;
  /** What its healthcheck finds at first. */
  readonly isWell: boolean;
};

export type Instance = {
  /** One at a time has it. */
  readonly name: string;
  readonly spec: ComponentSpec;
  readonly program: Program;
  observed: Observed;
  /** What its healthcheck would find now. */
  isWell: boolean;
  /** Counts the changes of `isWell`: the engine reports only what lasts. */
  wellChanges: number;
  /** Who waits for its end. */
  readonly awaited: (() => void)[];
  /** Its processes are frozen by the daemon, and by the guard: it goes on when neither holds it. */
  readonly stills: { daemon: boolean; guard: boolean };
  /** SIGKILL was sent: no instruction of it is executed any more. */
  isDoomed: boolean;
  /** Others have changed it at some time, whether or not it is as it was made now. */
  wasChanged: boolean;
  /** Others have started it once more, after its end: whatever of its slot runs beside it. */
  isStartedAgain: boolean;
};

/** `code` as in `node/engine/engine.ts`; `permanent`: the same again cannot help. */
export type Refusal = {
  readonly code: 'unavailable' | 'not-found' | 'conflict' | 'bad-spec' | 'failed' | 'aborted';
  readonly permanent: boolean;
  readonly reason: string;
};
export type Answer<T> = (outcome: Result<T, Refusal>) => void;

/** A request under way. It is answered once, or not at all where its agent has died. */
export type Call = {
  /** A request to start or list comes to nothing without its agent, one to end does not. */
  readonly outlivesAgent: boolean;
  readonly refuse: (refusal: Refusal) => void;
  /** Answered, or not waited for any more. */
  isOver: boolean;
  /** What a start has made so far. */
  made: Instance | undefined;
};

/** As `node/engine/engine.ts` reports them. */
export type EngineEvent =
  | Extract<
      Input,
      {
        readonly kind:
          | 'instanceStarted'
          | 'instanceExited'
          | 'instanceHealthChanged'
          | 'instanceFrozen'
          | 'instanceThawed'
          | 'instanceDrifted'
          | 'instanceRemoved';
      }
    >
  /** The stream was interrupted: events may have been missed. */
  | { readonly kind: 'resync' };
export type Listener = (event: EngineEvent) => void;

export type EngineInit = {
  readonly name: string;
  readonly queue: EventQueue;
  readonly choices: Choices;
  /** Where ports are bound unless the spec says otherwise. */
  readonly publishAddress: string;
  /** Mean time until something befalls an instance; undefined: nothing goes wrong by itself here. */
  readonly lifeMs: number | undefined;
  /** From now on nothing does. */
  readonly isCalm: () => boolean;
  /** The storm is over, whether or not this host was healed: no image is broken any more. */
  readonly isOver: () => boolean;
  /** An instance runs, whether or not anyone is told of it. */
  readonly started: (instance: Observed) => void;
  /** Whether a strict instance that is about to begin may, and a look at all that run; undefined: no guard. */
  readonly gate?: (instance: Instance) => boolean;
  /** What a spec runs, `undefined` if it cannot be run; left out: whatever chance says. */
  readonly programOf?: (spec: ComponentSpec) => Program | undefined;
};

export type Engine = EngineInit & {
  readonly chances: Chances;
  readonly instances: Map<string, Instance>;
  readonly calls: Set<Call>;
  readonly listeners: Set<Listener>;
  /** Faults under way, counted: they may overlap. */
  readonly faults: { hang: number; restart: number; crashLoop: number; meddle: number };
  /** Since when the daemon hangs or is away; and when it came back last. */
  awaySince: Micros | undefined;
  backAt: Micros;
  /** What the daemon does as soon as it no longer hangs. */
  readonly kept: (() => void)[];
  /** By seat: every revision that ever ran here. */
  readonly ran: Map<string, Set<string>>;
  /** By seat and revision of jobs: how often one began here, and with what those that ended did so. */
  readonly tries: Map<string, Tries>;
  made: number;
  /** When the last event reaches its listeners. */
  toldAt: Micros;
};

export type Tries = { readonly begun: number; readonly codes: readonly number[] };

type Chances = {
  readonly start: Stream;
  readonly refusal: Stream;
  readonly life: Stream;
  readonly stop: Stream;
  readonly still: Stream;
  readonly list: Stream;
  readonly answer: Stream;
  readonly event: Stream;
  /** How long jobs take, and with what they end. */
  readonly jobs: Stream;
  /** What becomes of requests that are broken off. */
  readonly limbo: Stream;
  /** How soon others change what starts. */
  readonly drift: Stream;
};

export function createEngine(init: EngineInit): Engine {
  const stream = (what: string): Stream => streamOf(init.choices, `engine/${init.name}/${what}`);
  return {
    ...init,
    chances: {
      start: stream('start'),
      refusal: stream('refusal'),
      life: stream('life'),
      stop: stream('stop'),
      still: stream('still'),
      list: stream('list'),
      answer: stream('answer'),
      event: stream('event'),
      jobs: stream('jobs'),
      limbo: stream('limbo'),
      drift: stream('drift'),
    },
    instances: new Map(),
    calls: new Set(),
    listeners: new Set(),
    faults: { hang: 0, restart: 0, crashLoop: 0, meddle: 0 },
    awaySince: undefined,
    backAt: -Infinity,
    kept: [],
    ran: new Map(),
    tries: new Map(),
    made: 0,
    toldAt: 0,
  };
}

export function running(engine: Engine): readonly Observed[] {
  const found: Observed[] = [];
  for (const { observed } of engine.instances.values())
    if (observed.state === 'running') found.push(observed);
  return found;
}

export const isStrict = ({ spec }: Instance): boolean => spec.singleton === 'strict';

export const seatName = (component: ComponentId, slot: number): string => `${component}.${slot}`;

export function noteRun({ ran }: Engine, { component, slot, revision }: Observed): void {
  const seat = seatName(component, slot);
  const revisions = ran.get(seat) ?? new Set();
  ran.set(seat, revisions.add(revision));
}

export const tryName = (component: ComponentId, slot: number, revision: string): string =>
  `${seatName(component, slot)} ${revision}`;

/** `exitCode` undefined: it begins. */
export function noteTry({ tries }: Engine, instance: Instance, exitCode?: number): void {
  if (instance.spec.job === undefined) return;
  const { component, slot, revision } = instance.observed;
  const name = tryName(component, slot, revision);
  const { begun, codes } = tries.get(name) ?? { begun: 0, codes: [] };
  if (exitCode === undefined) tries.set(name, { begun: begun + 1, codes });
  else tries.set(name, { begun, codes: [...codes, exitCode] });
}

/** Things go wrong here by themselves. */
export const isRough = ({ lifeMs, isCalm }: Engine): boolean => lifeMs !== undefined && !isCalm();

/** Something the daemon does, now or when it no longer hangs. */
export function atDaemon(engine: Engine, run: () => void): void {
  if (engine.faults.hang > 0) engine.kept.push(run);
  else run();
}

/** Tells everyone who listens, in order; nobody hears what happens while the daemon is away. */
export function emit(engine: Engine, event: EngineEvent): void {
  atDaemon(engine, () => {
    if (engine.faults.restart > 0) return;
    deliver(engine, event, exponential(engine.chances.event, ofMillis(2)));
  });
}

export function deliver(engine: Engine, event: EngineEvent, delay: Micros): void {
  const { queue, listeners } = engine;
  engine.toldAt = Math.max(engine.toldAt, queue.now + delay);
  const told = [...listeners];
  schedule(queue, engine.toldAt, () => {
    for (const listener of told) if (listeners.has(listener)) listener(event);
  });
}
