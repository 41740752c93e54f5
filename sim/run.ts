/** One simulation: a storm in which no rule may break, then a calm in which everything must come right. */
import type { DiskWrite, Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import { unconverged } from './checkers/convergence.ts';
import { forgetHolds, type LeaseChecker } from './checkers/leases.ts';
import {
  checkBegun,
  checkStarted,
  checkStep,
  checkSynced,
  createPanel,
  type Panel,
} from './checkers/panel.ts';
import type { Report } from './checkers/report.ts';
import { choicesOfSeed, choicesOfTape, drawsOf } from './choice.ts';
import { type Course, note } from './course.ts';
import { ofMillis, runNext, scheduleDeed } from './event-queue.ts';
import { drawCore } from './faults/core.ts';
import { createFaults, heal, perform } from './faults/perform.ts';
import { lurk, type Storm, unleash } from './faults/storm.ts';
import type { Host, Outward } from './host.ts';
import { CONFIG, type Options } from './options.ts';
import type { Deed, Tape } from './tape.ts';
import { createWorkload, errandId, keepAsking, noteAsked, onReply } from './workload.ts';
import { command, createWorld, populate, type World } from './world.ts';

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
  readonly starts: number;
  readonly committed: number;
  readonly refused: number;
  readonly unknown: number;
};
export type Outcome = {
  readonly verdict: Verdict;
  readonly figures: Figures;
  /** Of the whole course: the same seed, the same hash (M1). */
  readonly hash: number;
  /** Where it was asked for. */
  readonly tape?: Tape;
};

/** What can be seen of a run while it goes on. */
export type Scene = {
  readonly atMs: number;
  readonly world: World;
  readonly panel: Panel;
};

export type RunOptions = {
  /** Run this again: its deeds and its draws, nothing else is drawn. */
  readonly tape?: Pick<Tape, 'deeds' | 'draws'>;
  /** Done beside what is drawn. */
  readonly timeline?: readonly Deed[];
  readonly recording?: boolean;
  /** Hash every word of every input and effect, not only their kinds. Slower. */
  readonly everyWord?: boolean;
  /** Told of everything. */
  readonly narrate?: (atMs: number, host: Host, input: Input, effects: readonly Effect[]) => void;
  /** Told of every fault and command as it is done. */
  readonly onDeed?: (deed: Deed) => void;
  readonly onBegun?: (scene: Scene, host: Host, effect: Outward) => void;
  /** Looks on ten times a second; a text ends the run as a violation of `expectation`. */
  readonly look?: (scene: Scene) => string | undefined;
};

/** Convergence is due within this after the faults have stopped; see docs/simulator.md. */
const CALM_MS = 45_000;
const LOOK_MS = 250;
const SCENE_MS = 100;
/** Once right, it must stay so. */
const STEADY_MS = 2 * CONFIG.termMs;

type Run = {
  readonly options: Options;
  readonly how: RunOptions;
  readonly world: World;
  readonly panel: Panel;
  readonly course: Course;
  readonly deeds: Deed[];
  readonly report: Report;
  readonly goOn: () => boolean;
};

export function simulate(options: Options, how: RunOptions = {}): Outcome {
  let verdict: Verdict = { kind: 'passed' };
  const report: Report = (rule, text) => {
    if (verdict.kind === 'passed') verdict = { kind: 'unsafe', rule, text };
  };
  const goOn = (): boolean => verdict.kind === 'passed';
  const panel = createPanel(report);
  const course: Course = { hash: 0, steps: 0, everyWord: how.everyWord === true };
  const choices =
    how.tape === undefined
      ? choicesOfSeed(options.seed, how.recording)
      : choicesOfTape(how.tape.draws, how.recording);
  const world = createWorld(options, choices, {
    stepped(host, input, effects) {
      note(course, world.queue.now, host, input, effects);
      how.narrate?.(world.queue.now / 1000, host, input, effects);
      checkStep(panel, host, effects, world.queue.now);
    },
    begun(host, effect) {
      checkBegun(panel, host, effect, world.queue.now);
      how.onBegun?.(sceneOf(run), host, effect);
      if (storm !== undefined) lurk(storm, host, effect);
    },
    synced: (host, writes: readonly DiskWrite[]) => checkSynced(panel, host, writes),
    started: (host, instance) => checkStarted(panel, host, instance),
    replied: (_host, commandId, result) => onReply(workload, commandId, result),
    agentEnded: (host) => forgetHolds(panel.leases, host),
    threw: (host, input, error) =>
      report('assertion', `${host.id} on ${input.kind}: ${textOf(error)}`),
  });
  const run: Run = { options, how, world, panel, course, deeds: [], report, goOn };
  const faults = createFaults(world);
  const does = (deed: Deed): void => {
    if (how.recording === true) run.deeds.push(deed);
    how.onDeed?.(deed);
    if (deed.kind === 'strike') return perform(faults, deed.strike);
    const host = world.hosts[deed.host];
    if (host?.agent === undefined) return;
    noteAsked(workload, deed.errand);
    command(world, host, errandId(deed.errand), deed.errand.given);
  };
  const workload = createWorkload(world, panel.records, {
    isDrawn: how.tape === undefined,
    command: (host, errand) => does({ at: world.queue.now, kind: 'command', host, errand }),
  });
  for (const deed of [...(how.tape?.deeds ?? []), ...(how.timeline ?? [])])
    scheduleDeed(world.queue, deed.at, () => does(deed));
  populate(world);
  keepAsking(workload);
  const storm: Storm | undefined =
    how.tape === undefined
      ? unleash(
          world,
          () => [...panel.leases.keysOf.keys()],
          (strike) => does({ at: world.queue.now, kind: 'strike', strike }),
        )
      : undefined;
  runUntil(run, options.stormMs);
  if (goOn()) heal(faults, drawCore(world));
  const { ms: convergedMs, stuck } = calm(run, panel.leases);
  if (goOn() && stuck !== undefined) verdict = { kind: 'stuck', rule: 'L1', text: stuck };
  return { ...outcomeOf(run, verdict), figures: figuresOf(run, convergedMs, workload.outcomes) };
}

const sceneOf = ({ world, panel }: Run): Scene => ({
  atMs: world.queue.now / 1000,
  world,
  panel,
});

function outcomeOf(
  { course, how, options, deeds, world }: Run,
  verdict: Verdict,
): Omit<Outcome, 'figures'> {
  const outcome = { verdict, hash: course.hash };
  if (how.recording !== true) return outcome;
  return { ...outcome, tape: { format: 1, options, deeds, draws: drawsOf(world.choices) } };
}

function figuresOf(
  { world, course, panel }: Run,
  convergedMs: number,
  outcomes: Pick<Figures, 'committed' | 'refused' | 'unknown'>,
): Figures {
  return {
    simulatedMs: Math.floor(world.queue.now / 1000),
    convergedMs,
    steps: course.steps,
    messages: world.network.sent,
    acquisitions: panel.leases.acquisitions,
    leaderChanges: panel.leases.leaderChanges,
    starts: panel.instances.starts,
    ...outcomes,
  };
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);

function runUntil(run: Run, untilMs: number): void {
  const { world, goOn, how } = run;
  const { queue } = world;
  const step = how.look === undefined ? untilMs : SCENE_MS;
  for (
    let ms = Math.min(untilMs, queue.now / 1000 + step);
    goOn();
    ms = Math.min(untilMs, ms + step)
  ) {
    const until = ofMillis(ms);
    while (goOn() && (queue.heap[0]?.at ?? Infinity) <= until) runNext(queue);
    const seen = goOn() ? how.look?.(sceneOf(run)) : undefined;
    if (seen !== undefined) run.report('expectation', seen);
    if (ms >= untilMs) return;
  }
}

type Calm = { readonly ms: number; readonly stuck?: string };

/** Waits until all is right and stays so for a while. */
function calm(run: Run, leases: LeaseChecker): Calm {
  const { options, world, goOn } = run;
  let rightSince: number | undefined;
  let why = '';
  for (let ms = LOOK_MS; goOn(); ms += LOOK_MS) {
    runUntil(run, options.stormMs + ms);
    const wrong = unconverged(world, leases);
    if (wrong === undefined) rightSince ??= ms;
    else {
      why = rightSince === undefined ? wrong : `right after ${rightSince} ms, but then ${wrong}`;
      rightSince = undefined;
    }
    if (rightSince !== undefined && ms - rightSince >= STEADY_MS) return { ms: rightSince };
    if (rightSince === undefined && ms >= CALM_MS) return { ms, stuck: why };
  }
  return { ms: 0 };
}
