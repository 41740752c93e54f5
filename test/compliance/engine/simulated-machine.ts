/**
 * Simulated hosts of one virtual time, on which simulated engines run. Time goes on by one event in
 * each turn of the event loop, so that a test has always heard of one before the next happens.
 */
import type { Choices } from '../../../sim/choice.ts';
import { createEngine, type Engine, type Instance } from '../../../sim/engine/engine.ts';
import { isRunning, kill, setStill, setWell } from '../../../sim/engine/instance.ts';
import { type Meddling, meddleWith } from '../../../sim/engine/meddler.ts';
import {
  createEventQueue,
  type EventQueue,
  ofMillis,
  runNext,
  schedule,
} from '../../../sim/event-queue.ts';
import type { EngineInstance, EngineScope } from '../../../node/engine/engine.ts';
import type { Observed } from '../../../protocol/input.ts';
import type { Workloads } from './ground.ts';
import type { Machine } from './machine.ts';
import { createPrint, endPrint, type Print, printLine } from './simulated-printer.ts';
import { programOf, watchedFile, wordsOf } from './simulated-workloads.ts';

/** What the port tells of an instance and the model does not know. */
export type Life = {
  readonly pid: number;
  readonly startedAt: string;
  readonly print: Print;
};

export type SimulatedMachine = {
  readonly queue: EventQueue;
  readonly choices: Choices;
  readonly engines: Map<string, Engine>;
  /** By engine id. */
  readonly lives: Map<string, Life>;
  readonly files: Set<string>;
  /** Lines in the one volume there is, by engine. */
  readonly volumes: Map<string, number>;
  isTurning: boolean;
};

export const createSimulatedMachine = (choices: Choices): SimulatedMachine => ({
  queue: createEventQueue(),
  choices,
  engines: new Map(),
  lives: new Map(),
  files: new Set(),
  volumes: new Map(),
  isTurning: false,
});

/** Lets time go on as long as there is something to happen. */
export function turn(machine: SimulatedMachine): void {
  if (machine.isTurning) return;
  machine.isTurning = true;
  setImmediate(() => {
    machine.isTurning = false;
    if (runNext(machine.queue)) turn(machine);
  });
}

/** The engine of a host: one and the same for every agent that comes. */
export function engineOf(machine: SimulatedMachine, scope: EngineScope): Engine {
  const name = `${scope.cluster}-${scope.host}`;
  const known = machine.engines.get(name);
  if (known !== undefined) return known;
  const { queue, choices, files, engines } = machine;
  const engine: Engine = createEngine({
    name,
    queue,
    choices,
    publishAddress: scope.publishAddress,
    lifeMs: undefined,
    isCalm: () => false,
    isOver: () => false,
    started: (observed) => live(machine, engine, observed),
    programOf: (spec) => programOf(spec, files.has(watchedFile(spec) ?? '')),
  });
  engine.listeners.add((event) => {
    if (event.kind !== 'instanceExited') return;
    const print = machine.lives.get(event.engineId)?.print;
    if (print !== undefined) endPrint(print);
  });
  engines.set(name, engine);
  return engine;
}

/** A program begins. */
function live(machine: SimulatedMachine, engine: Engine, { engineId }: Observed): void {
  const { queue, lives, volumes } = machine;
  const instance = engine.instances.get(engineId);
  if (instance === undefined) return;
  const print = createPrint();
  const startedAt = new Date(Date.UTC(2026) + queue.now / 1000).toISOString();
  lives.set(engineId, { pid: 1000 + lives.size, startedAt, print });
  const [word, ...words] = wordsOf(instance.spec);
  if (word === 'ignore') printLine(print, 'ready');
  if (word === 'print') for (const line of words) printLine(print, line);
  if (word === 'count') count(machine, instance, print, 1);
  if (word !== 'append') return;
  volumes.set(engine.name, (volumes.get(engine.name) ?? 0) + 1);
  printLine(print, `lines ${volumes.get(engine.name)}`);
}

function count(machine: SimulatedMachine, instance: Instance, print: Print, n: number): void {
  if (!isRunning(instance)) return;
  const { queue } = machine;
  printLine(print, String(n));
  schedule(queue, queue.now + ofMillis(50), () => count(machine, instance, print, n + 1));
}

/** The hosts as the suite handles them. */
export function handlesOf(machine: SimulatedMachine): Machine {
  const { queue, engines, lives, files } = machine;
  const all = function* (): Generator<readonly [Engine, Instance]> {
    for (const engine of engines.values())
      for (const instance of engine.instances.values()) yield [engine, instance];
  };
  const change = (path: string, isThere: boolean): void => {
    if (isThere) files.add(path);
    else files.delete(path);
    for (const [engine, instance] of all())
      if (watchedFile(instance.spec) === path) setWell(engine, instance, isThere);
    turn(machine);
  };
  const hasPid = (pid: number, { observed }: Instance): boolean =>
    lives.get(observed.engineId)?.pid === pid && observed.state === 'running';
  return {
    now: () => queue.now / 1000,
    kill(pid) {
      for (const [engine, instance] of all()) if (hasPid(pid, instance)) kill(engine, instance);
      turn(machine);
    },
    runs: (pid) => [...all()].some(([, instance]) => hasPid(pid, instance)),
    makeFile: async (path) => change(path, true),
    removeFile: async (path) => change(path, false),
  };
}

/** Someone with a hand on these engines. */
export function othersOf(machine: SimulatedMachine): Workloads['others'] {
  const doTo = (id: string, deed: (engine: Engine, instance: Instance) => void): void => {
    for (const engine of machine.engines.values()) {
      const instance = engine.instances.get(id);
      if (instance !== undefined) deed(engine, instance);
    }
    turn(machine);
  };
  const meddling = (how: Meddling) => async (instance: EngineInstance) =>
    doTo(instance.id, (engine, one) => meddleWith(engine, one, how));
  return {
    freeze: meddling('frozen'),
    thaw: async ({ id }) => doTo(id, (engine, one) => setStill(engine, one, false)),
    remove: meddling('removed'),
    change: meddling('changed'),
    putRight: meddling('changed'), // done again it is right
  };
}
