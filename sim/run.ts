/** One seed: a storm in which nothing may go wrong, then calm in which everything must come right. */
import type { Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import { unconverged } from './checkers/convergence.ts';
import { forgetHolds, type LeaseChecker } from './checkers/leases.ts';
import { checkBegun, checkStarted, checkStep, checkSynced, createPanel } from './checkers/panel.ts';
import type { Report } from './checkers/report.ts';
import { type Course, note } from './course.ts';
import { ofMillis, runNext } from './event-queue.ts';
import { heal, lurk, unleash } from './faults.ts';
import type { Host } from './host.ts';
import { CONFIG, type Options } from './options.ts';
import { createWorkload, keepAsking, onReply } from './workload.ts';
import { createWorld, populate, type Watch, type World } from './world.ts';

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'unsafe'; readonly rule: string; readonly text: string }
  | { readonly kind: 'stuck'; readonly text: string };

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
};

export type RunOptions = {
  /** Hash every word of every input and effect, not only their kinds. Slower. */
  readonly everyWord?: boolean;
  /** Told of everything. */
  readonly narrate?: (atMs: number, host: Host, input: Input, effects: readonly Effect[]) => void;
};

/** Convergence is due within this after the faults have stopped; see docs/simulator.md. */
const CALM_MS = 45_000;
const LOOK_MS = 250;
/** Once right, it must stay so. */
const STEADY_MS = 2 * CONFIG.termMs;

export function simulate(options: Options, how: RunOptions = {}): Outcome {
  let verdict: Verdict = { kind: 'passed' };
  const report: Report = (rule, text) => {
    if (verdict.kind === 'passed') verdict = { kind: 'unsafe', rule, text };
  };
  const goOn = (): boolean => verdict.kind === 'passed';
  const panel = createPanel(report);
  const course: Course = { hash: 0, steps: 0, everyWord: how.everyWord === true };
  const watch: Watch = {
    stepped(host, input, effects) {
      note(course, world.queue.now, host, input, effects);
      how.narrate?.(world.queue.now / 1000, host, input, effects);
      checkStep(panel, host, effects, world.queue.now);
    },
    begun(host, effect) {
      checkBegun(panel, host, effect, world.queue.now);
      lurk(faults, host, effect);
    },
    synced: (host, writes) => checkSynced(panel, host, writes),
    started: (host, instance) => checkStarted(panel, host, instance),
    replied: (_host, commandId, result) => onReply(world, workload, commandId, result),
    agentEnded: (host) => forgetHolds(panel.leases, host),
    threw: (host, input, error) =>
      report('assertion', `${host.id} on ${input.kind}: ${textOf(error)}`),
  };
  const world = createWorld(options, watch);
  const workload = createWorkload(world, panel.records);
  populate(world);
  keepAsking(world, workload);
  const faults = unleash(world, () => [...panel.leases.keysOf.keys()]);
  runUntil(world, options.stormMs, goOn);
  if (goOn()) heal(faults);
  const { ms: convergedMs, stuck } = calm(world, panel.leases, goOn);
  if (goOn() && stuck !== undefined) verdict = { kind: 'stuck', text: stuck };
  const figures: Figures = {
    simulatedMs: Math.floor(world.queue.now / 1000),
    convergedMs,
    steps: course.steps,
    messages: world.network.sent,
    acquisitions: panel.leases.acquisitions,
    leaderChanges: panel.leases.leaderChanges,
    starts: panel.instances.starts,
    ...workload.outcomes,
  };
  return { verdict, hash: course.hash, figures };
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);

function runUntil({ queue }: World, untilMs: number, goOn: () => boolean): void {
  while (goOn() && (queue.heap[0]?.at ?? Infinity) <= ofMillis(untilMs)) runNext(queue);
}

type Calm = { readonly ms: number; readonly stuck?: string };

/** Waits until all is right and stays so for a while. */
function calm(world: World, leases: LeaseChecker, goOn: () => boolean): Calm {
  const { stormMs } = world.options;
  let rightSince: number | undefined;
  let why = '';
  for (let ms = LOOK_MS; goOn(); ms += LOOK_MS) {
    runUntil(world, stormMs + ms, goOn);
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
