/** One simulation: a storm in which no rule may break, then a calm in which everything must come right. */
import type { DiskWrite, Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import type { Message } from '../protocol/wire/message.ts';
import { checkLeading } from './checkers/acts.ts';
import { createVigil, look } from './checkers/calm/vigil.ts';
import {
  checkBegun,
  checkEnded,
  checkStarted,
  checkStep,
  checkSynced,
  createPanel,
  type Panel,
} from './checkers/panel.ts';
import { noteGuard, noteTrouble, strictFigures } from './checkers/singletons.ts';
import {
  checkVerdicts,
  createVerdictWatch,
  noteStrike,
  type VerdictWatch,
} from './checkers/verdicts.ts';
import { choicesOfSeed, choicesOfTape, drawsOf } from './choice.ts';
import { type Course, note } from './course.ts';
import type { Coverage } from './coverage/coverage.ts';
import {
  coverageOf,
  observeBegun,
  observeEnd,
  observeStep,
  observeStrike,
} from './coverage/observe.ts';
import { seeGuard, seeTwin } from './coverage/instances.ts';
import { createObserver, type Observer } from './coverage/observer.ts';
import { seeAsked, seeReply, seeSynced } from './coverage/records.ts';
import { type Micros, ofMillis, runNext, schedule, scheduleDeed } from './event-queue.ts';
import { drawCore } from './faults/core.ts';
import { createFaults, type Faults, heal, perform } from './faults/perform.ts';
import { lurk, type Storm, unleash } from './faults/storm.ts';
import type { Host, Outward } from './host.ts';
import type { Options } from './options.ts';
import type { Deed, Tape } from './tape.ts';
import {
  createWorkload,
  errandId,
  keepAsking,
  noteAsked,
  onReply,
  type Workload,
} from './workload.ts';
import { command, createWorld, populate, type Watch, type World } from './world.ts';

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'unsafe'; readonly rule: string; readonly text: string }
  | { readonly kind: 'stuck'; readonly rule: string; readonly text: string };

export type Figures = {
  readonly simulatedMs: number;
  /** From the end of the faults until everything was right. */
  readonly convergedMs: number;
  readonly steps: number;
  readonly messages: number;
  readonly acquisitions: number;
  readonly leaderChanges: number;
  /** Hosts condemned by their watchers; and of them, how many lived and could be heard, for a second. */
  readonly verdicts: number;
  readonly falseVerdicts: number;
  readonly starts: number;
  /** Of strict instances: starts, times frozen and killed by a guard; and how long a slot ran twice. */
  readonly strictStarts: number;
  readonly strictFrozen: number;
  readonly strictKilled: number;
  readonly strictDoubleMs: number;
  /** The same on machines that had just slept, which is the exception. */
  readonly strictDrowsyMs: number;
  readonly committed: number;
  readonly refused: number;
  readonly unknown: number;
};
export type Outcome = {
  readonly verdict: Verdict;
  readonly figures: Figures;
  /** Of the whole course: the same seed, the same hash (M1). */
  readonly hash: number;
  /** Which rare states this run has been through. */
  readonly coverage: Coverage;
  /** Where it was asked for. */
  readonly tape?: Tape;
};

/** What can be seen of a run while it goes on. */
export type Scene = {
  readonly atMs: number;
  readonly world: World;
  readonly panel: Panel;
};

/** What is done then depends on what is found: who leads, where something runs. */
export type Planned = {
  readonly at: Micros;
  readonly deedsIn: (scene: Scene) => readonly Deed[];
};

export type RunOptions = {
  /** Run this again: its deeds and its draws, nothing else is drawn. */
  readonly tape?: Pick<Tape, 'deeds' | 'draws'>;
  /** Done beside what is drawn. */
  readonly timeline?: readonly (Deed | Planned)[];
  readonly recording?: boolean;
  /** Ends then, wherever it is. */
  readonly untilMs?: number;
  /** Hash every word of every input and effect, not only their kinds. Slower. */
  readonly everyWord?: boolean;
  /**
   * Nobody judges it, and its coverage and figures are void: a seed that has passed before, of which
   * counts that it takes the same course, or a measurement that counts for itself.
   */
  readonly isUnjudged?: boolean;
  /** Told of everything. */
  readonly narrate?: (atMs: number, host: Host, input: Input, effects: readonly Effect[]) => void;
  /** Told of every fault and command as it is done. */
  readonly onDeed?: (deed: Deed) => void;
  /** Bytes of a message as the wire has it; then traffic is counted in bytes too. */
  readonly sizeOf?: (message: Message) => number;
  /** Told when the first rule is broken, after whatever has broken it. */
  readonly onBroken?: () => void;
  /** Told of each write that has become durable. */
  readonly onSynced?: (writes: readonly DiskWrite[]) => void;
  readonly onBegun?: (scene: Scene, host: Host, effect: Outward) => void;
  /** Looks on ten times a second; a text ends the run as a violation of `expectation`. */
  readonly look?: (scene: Scene) => string | undefined;
};

const LOOK_MS = 250;
const SCENE_MS = 100;

type Run = {
  readonly options: Options;
  readonly how: RunOptions;
  readonly panel: Panel;
  readonly verdicts: VerdictWatch;
  readonly observer: Observer;
  readonly course: Course;
  readonly deeds: Deed[];
  readonly world: World;
  readonly faults: Faults;
  readonly workload: Workload;
  storm: Storm | undefined;
  verdict: Verdict;
};

export function simulate(options: Options, how: RunOptions = {}): Outcome {
  const run = createRun(options, how);
  const { world, workload, faults } = run;
  for (const planned of [...(how.tape?.deeds ?? []), ...(how.timeline ?? [])])
    scheduleDeed(world.queue, planned.at, () => {
      const deeds = 'deedsIn' in planned ? planned.deedsIn(sceneOf(run)) : [planned];
      for (const deed of deeds) does(run, deed);
    });
  populate(world);
  if (how.tape === undefined) {
    keepAsking(workload);
    if (options.stormFromMs === undefined) beginStorm(run);
    else schedule(world.queue, ofMillis(options.stormFromMs), () => beginStorm(run));
  }
  runUntil(run, options.stormMs);
  if (goesOn(run)) heal(faults, drawCore(world));
  return outcomeOf(run, calm(run));
}

function beginStorm(run: Run): void {
  const { world, panel } = run;
  const leaders = (): readonly Host[] => [...panel.leases.keysOf.keys()];
  run.storm = unleash(world, leaders, (strike) =>
    does(run, { at: world.queue.now, kind: 'strike', strike }),
  );
}

function createRun(options: Options, how: RunOptions): Run {
  const panel = createPanel((rule, text) => {
    if (how.isUnjudged !== true) report(run, rule, text);
  });
  const choices =
    how.tape === undefined
      ? choicesOfSeed(options.seed, how.recording)
      : choicesOfTape(how.tape.draws, how.recording);
  const world = createWorld(
    options,
    choices,
    how.isUnjudged === true ? followerOf(() => run) : watchOf(() => run),
    how.sizeOf,
  );
  const workload = createWorkload(world, panel.records, {
    isDrawn: how.tape === undefined,
    command: (host, errand) => does(run, { at: world.queue.now, kind: 'command', host, errand }),
  });
  const run: Run = {
    options,
    how,
    panel,
    verdicts: createVerdictWatch(world, (rule, text) => report(run, rule, text)),
    observer: createObserver(world, panel),
    course: { hash: 0, steps: 0, everyWord: how.everyWord === true },
    deeds: [],
    world,
    faults: createFaults(world),
    workload,
    storm: undefined,
    verdict: { kind: 'passed' },
  };
  return run;
}

/** Whoever looks on: the fingerprint, the checkers, the storm that lies in wait. */
function watchOf(present: () => Run): Watch {
  return {
    stepped(host, input, effects) {
      const { course, world, how, panel, verdicts, observer } = present();
      note(course, world.queue.now, host, input, effects);
      how.narrate?.(world.queue.now / 1000, host, input, effects);
      observeStep(observer, host, input, effects, world.queue.now);
      const step = { input, effects };
      checkStep(panel, host, step, world.queue.now);
      checkVerdicts(verdicts, host, step);
    },
    begun(host, effect) {
      const run = present();
      if (run.how.onBegun !== undefined) run.how.onBegun(sceneOf(run), host, effect);
      checkBegun(run.panel, host, effect, run.world.queue.now);
      observeBegun(run.observer, host, effect, run.world.queue.now);
      if (run.storm !== undefined) lurk(run.storm, host, effect);
    },
    synced(host, writes) {
      const { panel, observer, how } = present();
      how.onSynced?.(writes);
      checkSynced(panel, host, writes);
      seeSynced(observer, host, writes);
    },
    started(host, instance) {
      const { panel, observer } = present();
      checkStarted(panel, host, instance);
      seeTwin(observer, host, instance);
    },
    guarded(host, deed) {
      const { panel, observer, world } = present();
      noteGuard(panel.singletons, host, deed, isMild(world.options), world.queue.now);
      seeGuard(observer, host, deed);
    },
    replied(_host, commandId, result) {
      const { workload, observer } = present();
      seeReply(observer, workload.open.get(commandId), result);
      onReply(workload, commandId, result);
    },
    agentEnded(host) {
      const { panel, observer } = present();
      observeEnd(observer, host);
      checkEnded(panel, host);
    },
    threw: (host, input, error) => threw(present(), host, input, error),
  };
}

/** Of a course that nobody judges, whoever takes part in it: the storm and the calm ask who leads. */
function followerOf(present: () => Run): Watch {
  return {
    stepped(host, input, effects) {
      const { course, world, panel } = present();
      note(course, world.queue.now, host, input, effects);
      checkLeading(panel.leases, host, { input, effects }, world.queue.now);
    },
    begun(host, effect) {
      const { storm } = present();
      if (storm !== undefined) lurk(storm, host, effect);
    },
    synced: () => undefined,
    started: () => undefined,
    guarded: () => undefined,
    replied: (_host, commandId, result) => onReply(present().workload, commandId, result),
    agentEnded: (host) => checkEnded(present().panel, host),
    threw: (host, input, error) => threw(present(), host, input, error),
  };
}

function threw(run: Run, host: Host, input: Input, error: unknown): void {
  report(run, 'assertion', `${host.id} on ${input.kind}: ${textOf(error)}`);
}

/** The first violation ends the run. */
function report(run: Run, rule: string, text: string): void {
  if (run.verdict.kind !== 'passed') return;
  run.verdict = { kind: 'unsafe', rule, text };
  run.how.onBroken?.();
}
const goesOn = ({ verdict, world, how }: Run): boolean =>
  verdict.kind === 'passed' && world.queue.now < ofMillis(how.untilMs ?? Infinity);

function does(run: Run, deed: Deed): void {
  const { world, how, deeds, faults, workload, observer, panel } = run;
  if (how.recording === true) deeds.push(deed);
  how.onDeed?.(deed);
  if (deed.kind === 'strike') {
    observeStrike(observer, deed.strike);
    noteStrike(run.verdicts, deed.strike, world.queue.now);
    noteTrouble(panel.singletons, deed.strike, world.queue.now);
    return perform(faults, deed.strike);
  }
  const host = world.hosts[deed.host];
  if (host?.agent === undefined) return;
  noteAsked(workload, deed.errand);
  seeAsked(observer, deed.errand);
  command(world, host, errandId(deed.errand), deed.errand.given);
}

/** Messages and disks do what they should. */
const isMild = ({ lossPermille, tailPermille, fsyncMs }: Options): boolean =>
  lossPermille === 0 && tailPermille === 0 && fsyncMs <= 30;

const sceneOf = ({ world, panel }: Run): Scene => ({
  atMs: world.queue.now / 1000,
  world,
  panel,
});

function outcomeOf(run: Run, convergedMs: number): Outcome {
  const { course, how, options, deeds, world, verdict } = run;
  const outcome = {
    verdict,
    hash: course.hash,
    figures: figuresOf(run, convergedMs),
    coverage: coverageOf(run.observer),
  };
  if (how.recording !== true) return outcome;
  return { ...outcome, tape: { format: 1, options, deeds, draws: drawsOf(world.choices) } };
}

function figuresOf(
  { world, course, panel, verdicts, workload }: Run,
  convergedMs: number,
): Figures {
  return {
    simulatedMs: Math.floor(world.queue.now / 1000),
    convergedMs,
    steps: course.steps,
    messages: world.network.sent,
    acquisitions: panel.leases.acquisitions,
    leaderChanges: panel.leases.leaderChanges,
    verdicts: verdicts.verdicts,
    falseVerdicts: verdicts.falseVerdicts,
    starts: panel.instances.starts,
    ...strictFigures(panel.singletons),
    ...workload.outcomes,
  };
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);

function runUntil(run: Run, untilMs: number): void {
  const { world, how } = run;
  const { queue } = world;
  const end = ofMillis(Math.min(untilMs, how.untilMs ?? Infinity));
  const lookMs = how.look === undefined ? untilMs : SCENE_MS;
  while (goesOn(run) && queue.now < end) {
    const until = Math.min(end, queue.now + ofMillis(lookMs));
    while (goesOn(run) && (queue.heap[0]?.at ?? Infinity) <= until) runNext(queue);
    if (!goesOn(run)) return;
    queue.now = until;
    const seen = how.look?.(sceneOf(run));
    if (seen !== undefined) report(run, 'expectation', seen);
  }
}

/** Waits until all is right and stays so for a while; returns how long that took. */
function calm(run: Run): number {
  const vigil = createVigil(run.world, run.panel.leases);
  for (let ms = LOOK_MS; goesOn(run); ms += LOOK_MS) {
    runUntil(run, run.options.stormMs + ms);
    if (!goesOn(run)) break;
    const sight = look(vigil, ms);
    if (sight.kind === 'right') return sight.ms;
    if (sight.kind === 'stuck') run.verdict = sight;
  }
  return 0;
}
