/** The agent's hands on an engine whose daemon goes away in the middle of a start. */
import { expect, it, vi } from 'vitest';
import { componentId, term } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { Input } from '../../../protocol/input.ts';
import { type Engine, EngineError } from '../../../node/engine/engine.ts';
import { createEngineWork, type EngineWorkInit } from '../../../node/engine/work.ts';
import { createLogger } from '../../../node/log.ts';
import { createLastWords } from '../../../node/logs/last-words.ts';
import { choicesOfSeed } from '../../../sim/choice.ts';
import { running } from '../../../sim/engine/engine.ts';
import { restartDaemon } from '../../../sim/engine/faults.ts';
import { openSimulated } from '../../compliance/engine/simulated-engine.ts';
import {
  createSimulatedMachine,
  engineOf,
  turn,
} from '../../compliance/engine/simulated-machine.ts';
import { simulatedWorkloads } from '../../compliance/engine/simulated-workloads.ts';

const log = createLogger({ level: 'silent' });
const builder = { ensure: () => Promise.resolve(false) };
const SCOPE = { cluster: 'c', host: 'h1', publishAddress: '127.0.0.1' };

/** Its inputs but those that only say that the engine was asked. */
const openWork = (engine: Engine, inputs: Input[], more: Partial<EngineWorkInit> = {}) =>
  createEngineWork({
    engine,
    lastWords: createLastWords(engine),
    openFiles: async () => [],
    builder,
    started: () => undefined,
    give: (input) => void (input.kind === 'engineAsked' || inputs.push(input)),
    log,
    relistMs: 1_000_000,
    ...more,
  });

/** What the core is told of a start that the daemon leaves half done, and what has come of it. */
async function brokenOff(seed: number): Promise<{ inputs: readonly Input[]; runs: boolean }> {
  const machine = createSimulatedMachine(choicesOfSeed(seed));
  const model = engineOf(machine, SCOPE);
  const inputs: Input[] = [];
  const engine = openSimulated(machine, SCOPE);
  await using work = openWork(engine, inputs);
  const labels = { component: componentId('shop', 'web'), slot: 1, attempt: 1, revision: 'r' };
  const spec = simulatedWorkloads.sleepForEver();
  work.begin({ kind: 'startInstance', ...labels, term: term(1), spec });
  // Time goes on by one event a turn: it is made and not started yet.
  while (model.instances.size === 0) await new Promise(setImmediate);
  const comeBack = restartDaemon(model, 'survive');
  const runs = running(model).length > 0;
  comeBack();
  turn(machine);
  await vi.waitUntil(() => inputs.length >= (runs ? 1 : 2), { timeout: 10_000, interval: 1 });
  return { inputs, runs };
}

it('a start whose answer is lost has failed only if the engine is listed without it', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, async (_, seed) => brokenOff(seed)));
  expect(new Set(all.map(({ runs }) => runs))).toEqual(new Set([true, false]));
  for (const { inputs, runs } of all) {
    const told = inputs.map(({ kind }) => kind);
    expect(told).toEqual(runs ? ['instancesListed'] : ['instancesListed', 'instanceRefused']);
    expect(inputs[0]).toMatchObject({ instances: [{ state: runs ? 'running' : 'created' }] });
  }
});

it('builds the image first, takes lists meanwhile, and tells why it could not', async () => {
  const machine = createSimulatedMachine(choicesOfSeed(1));
  const engine = openSimulated(machine, SCOPE);
  const inputs: Input[] = [];
  const building = Promise.withResolvers<boolean>();
  await using work = openWork(engine, inputs, { builder: { ensure: () => building.promise } });
  const labels = { component: componentId('shop', 'web'), slot: 1, attempt: 1, revision: 'r' };
  const spec = { ...simulatedWorkloads.sleepForEver(), image: 'built' };
  work.begin({ kind: 'startInstance', ...labels, term: term(1), spec });
  work.begin({ kind: 'listInstances' });
  await vi.waitUntil(() => (turn(machine), inputs.length > 0));
  expect(inputs).toEqual([{ kind: 'instancesListed', instances: [] }]);
  const reason = 'cannot build shop-web: a command failed; the last it said: no such file';
  building.reject(new EngineError('no-image', reason));
  await vi.waitUntil(() => inputs.length > 1);
  expect(inputs[1]).toMatchObject({ kind: 'instanceRefused', slot: 1, permanent: false, reason });
  expect(engineOf(machine, SCOPE).instances.size).toBe(0);
});

it('tells why the files of an instance could not be opened, and that it may be tried again', async () => {
  const machine = createSimulatedMachine(choicesOfSeed(1));
  const engine = openSimulated(machine, SCOPE);
  const inputs: Input[] = [];
  const reason = 'waits for the key of secret password: no member that has it answers';
  await using work = openWork(engine, inputs, {
    openFiles: () => Promise.reject(new EngineError('failed', reason)),
  });
  const labels = { component: componentId('shop', 'web'), slot: 1, attempt: 1, revision: 'r' };
  const spec = simulatedWorkloads.sleepForEver();
  work.begin({ kind: 'startInstance', ...labels, term: term(1), spec });
  await vi.waitUntil(() => inputs.length > 0);
  const { component, slot, attempt } = labels;
  const refused = { component, slot, attempt, permanent: false, reason };
  expect(inputs).toEqual([{ kind: 'instanceRefused', ...refused }]);
  expect(engineOf(machine, SCOPE).instances.size).toBe(0);
});

it('waits for calls under way before it lists, but not for a stop that takes minutes', async () => {
  const machine = createSimulatedMachine(choicesOfSeed(1));
  const engine = openSimulated(machine, SCOPE);
  const inputs: Input[] = [];
  engine.stop = () => new Promise(() => undefined);
  await using work = openWork(engine, inputs);
  work.begin({ kind: 'stopInstance', engineId: 'x', graceMs: millis(600_000) });
  work.begin({ kind: 'listInstances' });
  await vi.waitUntil(() => (turn(machine), inputs.length > 0), { timeout: 10_000, interval: 5 });
  expect(inputs).toEqual([{ kind: 'instancesListed', instances: [] }]);
});
