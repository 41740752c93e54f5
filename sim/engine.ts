/**
 * The containers of one host. They outlive the agent and die with the host. A start under way when
 * the agent dies has happened or not: it does not happen later.
 *
 * What the agent is told comes the way the real driver tells it: answers and events one by one, and
 * lists that count only if nothing changed while they were made.
 */
import type { ComponentId } from '../protocol/base/ids.ts';
import type { Effect } from '../protocol/effect.ts';
import type { Input, Observed } from '../protocol/input.ts';
import { below, type Choices, exponential, happens, type Stream, streamOf } from './choice.ts';
import { type EventQueue, ofMillis, schedule } from './event-queue.ts';

type Start = Extract<Effect, { readonly kind: 'startInstance' }>;
type StartUnderway = { readonly effect: Start; cancelled: boolean };
export type EngineEffect = Extract<
  Effect,
  { readonly kind: 'startInstance' | 'stopInstance' | 'removeInstance' | 'listInstances' }
>;

export type EngineInit = {
  readonly name: string;
  readonly queue: EventQueue;
  readonly choices: Choices;
  /** Mean life of an instance that dies by itself; undefined: none does. */
  readonly lifeMs: () => number | undefined;
  /** To the agent, if there is one. */
  readonly tell: (input: Input) => void;
  readonly started: (instance: Observed) => void;
};

export type Engine = EngineInit & {
  readonly prng: Stream;
  readonly instances: Map<string, Observed>;
  starts: StartUnderway[];
  /** Rises with every change told, so that a list that was overtaken is made anew. */
  changes: number;
  made: number;
};

export const createEngine = (init: EngineInit): Engine => ({
  ...init,
  prng: streamOf(init.choices, `engine/${init.name}`),
  instances: new Map(),
  starts: [],
  changes: 0,
  made: 0,
});

export const running = (engine: Engine): readonly Observed[] =>
  [...engine.instances.values()].filter(({ state }) => state === 'running');

export function beginEngineEffect(engine: Engine, effect: EngineEffect): void {
  switch (effect.kind) {
    case 'startInstance':
      return start(engine, effect);
    case 'stopInstance':
      return later(engine, 200, () => end(engine, effect.engineId, 0));
    case 'removeInstance':
      return later(engine, 50, () => remove(engine, effect.engineId));
    case 'listInstances':
      return list(engine);
  }
}

function later(engine: Engine, meanMs: number, run: () => void): void {
  const { queue, prng } = engine;
  schedule(queue, queue.now + 1000 + exponential(prng, ofMillis(meanMs)), run);
}

function tell(engine: Engine, input: Input): void {
  engine.changes += 1;
  engine.tell(input);
}

function start(engine: Engine, effect: Start): void {
  const underway: StartUnderway = { effect, cancelled: false };
  engine.starts.push(underway);
  later(engine, 300, () => finishStart(engine, underway));
}

function finishStart(engine: Engine, underway: StartUnderway): void {
  if (underway.cancelled) return;
  engine.starts = engine.starts.filter((other) => other !== underway);
  const { component, slot, attempt } = underway.effect;
  if (engine.lifeMs() !== undefined && happens(engine.prng, 50)) {
    const reason = 'the engine is busy';
    const refused = { component, slot, attempt, permanent: false, reason } as const;
    return tell(engine, { kind: 'instanceRefused', ...refused });
  }
  tell(engine, { kind: 'instanceStarted', instance: create(engine, underway.effect) });
}

function create(engine: Engine, effect: Start): Observed {
  const { component, slot, attempt, revision, term, spec } = effect;
  engine.made += 1;
  const engineId = `${engine.name}-${engine.made}`;
  const health = spec.healthcheck === undefined ? 'none' : 'starting';
  const labels = { engineId, component, slot, attempt, revision, term };
  const instance: Observed = { ...labels, state: 'running', health, ports: [] };
  engine.instances.set(engineId, instance);
  engine.started(instance);
  const lifeMs = engine.lifeMs();
  if (lifeMs !== undefined) later(engine, lifeMs, () => die(engine, engineId));
  if (health === 'starting') later(engine, 500, () => turn(engine, engineId, 'healthy'));
  return instance;
}

/** By itself; not any more once the faults have stopped. */
function die(engine: Engine, engineId: string): void {
  if (engine.lifeMs() === undefined) return;
  const health = engine.instances.get(engineId)?.health;
  if (health === 'healthy' && happens(engine.prng, 300)) turn(engine, engineId, 'unhealthy');
  else end(engine, engineId, below(engine.prng, 3));
}

function turn(engine: Engine, engineId: string, health: 'healthy' | 'unhealthy'): void {
  const instance = engine.instances.get(engineId);
  if (instance?.state !== 'running') return;
  engine.instances.set(engineId, { ...instance, health });
  tell(engine, { kind: 'instanceHealthChanged', engineId, health });
}

function end(engine: Engine, engineId: string, exitCode: number): void {
  const instance = engine.instances.get(engineId);
  if (instance === undefined) return tell(engine, { kind: 'instanceRemoved', engineId });
  if (instance.state !== 'running') return;
  engine.instances.set(engineId, { ...instance, state: 'exited', exitCode });
  tell(engine, { kind: 'instanceExited', engineId, exitCode, oomKilled: false });
}

function remove(engine: Engine, engineId: string): void {
  if (engine.instances.get(engineId)?.state === 'running') return;
  engine.instances.delete(engineId);
  tell(engine, { kind: 'instanceRemoved', engineId });
}

function list(engine: Engine): void {
  const { changes } = engine;
  const instances = [...engine.instances.values()];
  later(engine, 20, () => {
    if (engine.changes !== changes) return list(engine);
    engine.tell({ kind: 'instancesListed', instances });
  });
}

/** The agent has died: what it had asked for has been done or will never be. */
export function settleStarts(engine: Engine): void {
  for (const underway of engine.starts) {
    underway.cancelled = true;
    if (happens(engine.prng, 500)) create(engine, underway.effect);
  }
  engine.starts = [];
}

/** The host has died with all that ran on it; what is left is found as ended. */
export function killAll(engine: Engine): void {
  for (const underway of engine.starts) underway.cancelled = true;
  engine.starts = [];
  for (const [engineId, instance] of engine.instances)
    if (instance.state === 'running')
      engine.instances.set(engineId, { ...instance, state: 'exited', exitCode: 137 });
}

export const seatName = (component: ComponentId, slot: number): string => `${component}.${slot}`;
