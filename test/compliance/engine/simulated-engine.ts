/** The simulated engine behind the port of the real ones. */
import {
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineInstance,
  type EngineScope,
  type InstanceRequest,
  type LogLine,
  type LogOptions,
} from '../../../node/engine/engine.ts';
import { createEventFeed } from '../../../node/engine/event-feed.ts';
import { type ComponentId, term as termOf } from '../../../protocol/base/ids.ts';
import type { Observed } from '../../../protocol/input.ts';
import {
  abandonCalls,
  freezeInstance,
  giveUp,
  listInstances,
  pingEngine,
  removeInstance,
  startInstance,
  stopInstance,
  thawInstance,
} from '../../../sim/engine/calls.ts';
import type {
  Answer,
  Call,
  Engine as Model,
  EngineEvent as ModelEvent,
} from '../../../sim/engine/engine.ts';
import { kill, terminate } from '../../../sim/engine/instance.ts';
import { engineOf, type SimulatedMachine, turn } from './simulated-machine.ts';
import { readPrint } from './simulated-printer.ts';

export function openSimulated(machine: SimulatedMachine, scope: EngineScope): Engine {
  return new SimulatedEngine(machine, engineOf(machine, scope));
}

class SimulatedEngine implements Engine {
  readonly kind = 'process';
  readonly guardReach = { kind: 'processes' } as const;
  readonly version = 'simulated';
  readonly #machine: SimulatedMachine;
  readonly #model: Model;
  readonly #feed = createEventFeed();
  readonly #listener = (event: ModelEvent): void => this.#feed.publish(this.#eventOf(event));

  constructor(machine: SimulatedMachine, model: Model) {
    this.#machine = machine;
    this.#model = model;
    model.listeners.add(this.#listener);
  }

  async ping(): Promise<void> {
    const isThere = await new Promise<boolean>((resolve) => {
      pingEngine(this.#model, resolve);
      turn(this.#machine);
    });
    if (!isThere) throw new EngineError('unavailable', 'the daemon is away');
  }

  async list(signal: AbortSignal): Promise<readonly EngineInstance[]> {
    const all = await this.#ask<readonly Observed[]>(signal, (answer) =>
      listInstances(this.#model, answer),
    );
    return all.map((observed) => this.#instanceOf(observed));
  }

  async inspect(id: string, signal: AbortSignal): Promise<EngineInstance> {
    const found = (await this.list(signal)).find((instance) => instance.id === id);
    if (found === undefined) throw new EngineError('not-found', `there is no ${id}`);
    return found;
  }

  async start({ labels, spec }: InstanceRequest, signal: AbortSignal): Promise<EngineInstance> {
    const { component, term } = labels;
    const typed = { component: component as ComponentId, term: termOf(term) };
    const observed = await this.#ask<Observed>(signal, (answer) =>
      startInstance(this.#model, { ...labels, ...typed, spec }, answer),
    );
    return this.#instanceOf(observed);
  }

  async stop(engineId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#ask<void>(signal, (answer) =>
      stopInstance(this.#model, { engineId, graceMs }, answer),
    );
  }

  async kill(id: string, name: string, signal: AbortSignal): Promise<void> {
    const { state } = await this.inspect(id, signal);
    const instance = this.#model.instances.get(id);
    if (instance === undefined || state === 'exited')
      throw new EngineError('conflict', `${id} has ended already`);
    if (name === 'SIGKILL') kill(this.#model, instance);
    else if (name === 'SIGTERM') terminate(this.#model, instance);
    else throw new EngineError('bad-spec', `"${name}" is not modeled`, { permanent: true });
  }

  async freeze(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask<void>(signal, (answer) => freezeInstance(this.#model, id, answer));
  }

  async thaw(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask<void>(signal, (answer) => thawInstance(this.#model, id, answer));
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask<void>(signal, (answer) => removeInstance(this.#model, id, answer));
  }

  async logs(
    id: string,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly LogLine[]>> {
    await this.inspect(id, signal);
    const life = this.#machine.lives.get(id);
    if (life === undefined) throw new EngineError('not-found', `${id} has never run`);
    return readPrint(life.print, options, signal);
  }

  /** What it runs is a model, in which there is nothing to run a command. */
  async exec(): Promise<never> {
    throw new EngineError('bad-spec', 'commands are not modeled', { permanent: true });
  }

  /** Nor does it read anything. */
  async feed(): Promise<never> {
    throw new EngineError('bad-spec', 'inputs are not modeled', { permanent: true });
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.#feed.subscribe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#model.listeners.delete(this.#listener);
    abandonCalls(this.#model);
    this.#feed.close();
  }

  async #ask<T>(signal: AbortSignal, begin: (answer: Answer<T>) => Call): Promise<T> {
    if (signal.aborted) throw new EngineError('aborted', 'it was called off');
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = begin((outcome) => {
      if (outcome.ok) return resolve(outcome.value);
      const { code, permanent, reason } = outcome.error;
      reject(new EngineError(code, reason, { permanent }));
    });
    const abort = (): void => giveUp(this.#model, call);
    signal.addEventListener('abort', abort, { once: true });
    turn(this.#machine);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #eventOf(event: ModelEvent): EngineEvent {
    switch (event.kind) {
      case 'instanceStarted':
        return { kind: 'started', instance: this.#instanceOf(event.instance) };
      case 'instanceExited': {
        const { engineId: id, exitCode, oomKilled } = event;
        return { kind: 'exited', id, exitCode, oomKilled };
      }
      case 'instanceHealthChanged':
        return { kind: 'health', id: event.engineId, health: event.health };
      case 'instanceFrozen':
        return { kind: 'frozen', id: event.engineId };
      case 'instanceThawed':
        return { kind: 'thawed', id: event.engineId };
      case 'instanceDrifted': {
        const { engineId: id, drift } = event;
        return { kind: 'drifted', id, ...(drift === undefined ? {} : { drift }) };
      }
      case 'instanceRemoved':
        return { kind: 'removed', id: event.engineId };
      case 'resync':
        return { kind: 'resync', reason: 'the daemon was away' };
    }
  }

  #instanceOf(observed: Observed): EngineInstance {
    const { engineId: id, component, slot, attempt, revision, term, ...rest } = observed;
    const { state, health, exitCode, drift, ports, addresses } = rest;
    const told = addresses === undefined ? {} : { addresses };
    const life = this.#machine.lives.get(id);
    return {
      id,
      name: `${component}-${slot}-${attempt}`,
      labels: { component, slot, attempt, revision, term, ...told },
      state,
      health,
      ports,
      ...(life === undefined ? {} : { startedAt: life.startedAt }),
      ...(life === undefined || (state !== 'running' && state !== 'paused')
        ? {}
        : { pid: life.pid }),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(drift === undefined ? {} : { drift }),
    };
  }
}
