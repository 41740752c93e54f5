/** One seed: a storm in which nothing may go wrong, then calm in which everything must come right. */
import type { Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import type { Roster } from '../protocol/roster/roster.ts';
import { checkAssigned, checkStart, createInstanceChecker } from './checkers/instances.ts';
import { unconverged } from './checkers/convergence.ts';
import { checkLeases, createLeaseChecker, forgetHolds, type LeaseChecker, noteReign } from './checkers/leases.ts';
import { checkDisk, checkPromise, createPromiseChecker } from './checkers/promises.ts';
import { checkKept, checkWrite, createRecordChecker } from './checkers/records.ts';
import type { Report } from './checkers/report.ts';
import { ofMillis, runNext } from './event-queue.ts';
import { heal, unleash } from './faults.ts';
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
  /** Hash every word of every input and effect, not only their kinds. Three times slower. */
  readonly everyWord?: boolean;
  /** Told of everything in words. */
  readonly narrate?: (atMs: number, host: Host, input: Input, effects: readonly Effect[]) => void;
};

/** Convergence is due within this after the faults have stopped; see docs/simulator.md. */
export const CALM_MS = 45_000;
const LOOK_MS = 250;
/** Once right, it must stay so. */
const STEADY_MS = 2 * CONFIG.termMs;

export function simulate(options: Options, how: RunOptions = {}): Outcome {
  let verdict: Verdict = { kind: 'passed' };
  const report: Report = (rule, text) => {
    if (verdict.kind === 'passed') verdict = { kind: 'unsafe', rule, text };
  };
  const leases = createLeaseChecker(report);
  const records = createRecordChecker(report);
  const promises = createPromiseChecker(report);
  const instances = createInstanceChecker(report);
  const course = { hash: 0, steps: 0 };
  const rosters = new Map<Host, readonly Roster[]>();
  const watch: Watch = {
    stepped(host, input, effects) {
      const { agent } = host;
      if (agent === undefined) return;
      course.steps += 1;
      course.hash = mix(course.hash, digest(world, host, input, effects, how.everyWord === true));
      how.narrate?.(world.queue.now / 1000, host, input, effects);
      checkLeases(leases, host, world.queue.now);
      noteRoster(rosters, host, agent.core.council.roster);
      checkAssigned(instances, host, effects);
    },
    begun(host, effect) {
      checkPromise(promises, host, effect);
      if (effect.kind === 'send' && effect.message.kind === 'write')
        checkWrite(records, effect.message);
      if (effect.kind === 'leaseChanged') noteReign(leases, host, effect, world.queue.now);
    },
    synced(host, writes) {
      checkDisk(promises, host, writes);
      checkKept(records, host, rosters.get(host) ?? [], writes);
    },
    started: (host, instance) => checkStart(instances, host, instance),
    replied: (_host, commandId, result) => onReply(world, workload, commandId, result),
    agentEnded: (host) => forgetHolds(leases, host),
    threw: (host, input, error) =>
      report('assertion', `${host.id} on ${input.kind}: ${error instanceof Error ? error.stack : JSON.stringify(error)}`),
  };
  const world = createWorld(options, watch);
  const workload = createWorkload(world, records);
  populate(world);
  keepAsking(world, workload);
  const faults = unleash(world, () => [...leases.keysOf.keys()]);
  const goOn = (): boolean => verdict.kind === 'passed';
  runUntil(world, options.stormMs, goOn);
  if (goOn()) heal(faults);
  const convergedMs = goOn() ? calm(world, leases, goOn) : { ms: 0 };
  if (goOn() && convergedMs.stuck !== undefined) verdict = { kind: 'stuck', text: convergedMs.stuck };
  const { acquisitions, leaderChanges } = leases;
  const simulatedMs = Math.floor(world.queue.now / 1000);
  const { steps, hash } = course;
  const { sent: messages } = world.network;
  const { starts } = instances;
  const figures = { simulatedMs, convergedMs: convergedMs.ms, steps, messages, acquisitions };
  return { verdict, hash, figures: { ...figures, leaderChanges, starts, ...workload.outcomes } };
}

/** Under which rosters a host may have counted what becomes durable now. */
const ROSTERS_LATELY = 3;
function noteRoster(rosters: Map<Host, readonly Roster[]>, host: Host, roster: Roster): void {
  const known = rosters.get(host) ?? [];
  if (known.at(-1) !== roster) rosters.set(host, [...known, roster].slice(-ROSTERS_LATELY));
}

function runUntil({ queue }: World, untilMs: number, goOn: () => boolean): void {
  while (goOn() && (queue.heap[0]?.at ?? Infinity) <= ofMillis(untilMs)) runNext(queue);
}

/** Waits until all is right and stays so for a while. */
function calm(world: World, leases: LeaseChecker, goOn: () => boolean): { ms: number; stuck?: string } {
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

const mix = (hash: number, value: number): number => {
  const h = Math.imul(hash ^ value, 0x9e3779b1);
  return (h ^ (h >>> 15)) >>> 0;
};

function digest(
  { queue }: World,
  host: Host,
  input: Input,
  effects: readonly Effect[],
  everyWord: boolean,
): number {
  let h = mix(queue.now % 2 ** 32, host.index);
  if (everyWord) return mix(mix(h, hashText(JSON.stringify(input))), hashText(JSON.stringify(effects)));
  h = mix(h, input.kind.length);
  for (const effect of effects) h = mix(h, effect.kind.length);
  return h;
}

function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
