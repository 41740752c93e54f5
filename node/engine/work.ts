/**
 * The core's hands on the engine: begins its effects, and tells it what the engine reports. It
 * decides nothing and repeats nothing; a failure goes back as an input.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ComponentId } from '../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input, Observed } from '../../protocol/input.ts';
import type { Builder } from '../build/builder.ts';
import type { Logger } from '../log.ts';
import type { LastWords } from '../logs/last-words.ts';
import { type Engine, EngineError, type EngineEvent, type EngineInstance } from './engine.ts';
import type { OpenFiles } from '../secrets/opening.ts';
import { followPulse } from './pulse.ts';

type EngineEffect = Extract<
  Effect,
  {
    readonly kind:
      | 'startInstance'
      | 'stopInstance'
      | 'freezeInstance'
      | 'thawInstance'
      | 'removeInstance'
      | 'listInstances';
  }
>;

export interface EngineWork extends AsyncDisposable {
  begin(effect: EngineEffect): void;
}

export type EngineWorkInit = {
  readonly engine: Engine;
  /** Told of each instance before it is removed. */
  readonly lastWords: Pick<LastWords, 'keep'>;
  readonly openFiles: OpenFiles;
  readonly builder: Builder;
  /** Told of each instance that was started. */
  readonly started: (instance: EngineInstance, spec: ComponentSpec) => void;
  readonly give: (input: Input) => void;
  readonly log: Logger;
  readonly relistMs: number;
};

/** Failures of a start after which the instance may run nevertheless: a list has to say that it does not. */
const DOUBTFUL: ReadonlySet<EngineError['code']> = new Set(['unavailable', 'aborted', 'conflict']);
type Refused = Extract<Input, { readonly kind: 'instanceRefused' }>;

/** Longest an engine may take for one call. A start may pull its image, for which it has ten minutes. */
const START_MS = 12 * 60_000;
const CALL_MS = 20_000;
/** Peers read reasons in inventories, where a text is bounded. */
const REASON_CHARS_MAX = 500;
/** Between two tries at a list that something overtook. */
const RELIST_RETRY_MS = 100;
/** So often a list waits for calls under way: most end soon and would make it void, a stop may take minutes. */
const WAITS_MAX = 20;

export function createEngineWork(init: EngineWorkInit): EngineWork {
  const { engine, lastWords, openFiles, builder, give, log, relistMs } = init;
  const end = new AbortController();
  const bounded = (ms: number): AbortSignal =>
    AbortSignal.any([end.signal, AbortSignal.timeout(ms)]);
  /** Calls under way that change instances, and a count of all changes told so far. */
  let busy = 0;
  let changes = 0;
  let listing = false;
  const doubts: Refused[] = [];

  function tell(input: Input): void {
    changes += 1;
    if (!end.signal.aborted) give(input);
  }

  async function act(what: string, call: () => Promise<void>): Promise<void> {
    busy += 1;
    try {
      await call();
    } catch (error) {
      if (end.signal.aborted) return;
      log.warn({ error: messageOf(error) }, `the engine could not ${what}`);
      void relist();
    } finally {
      busy -= 1;
      changes += 1;
    }
  }

  type Start = Extract<EngineEffect, { kind: 'startInstance' }>;

  /** A build may take long: lists are taken meanwhile, for nothing of the instance is there yet. */
  async function prepare(effect: Start): Promise<void> {
    const { image } = effect.spec;
    try {
      if (image !== undefined) await builder.ensure(image, () => undefined, end.signal);
    } catch (error) {
      return tell(refusalOf(effect, error));
    }
    await act('start an instance', () => start(effect));
  }

  async function start(effect: Start): Promise<void> {
    const { component, slot, attempt, revision, term, spec, addresses } = effect;
    try {
      const told = addresses === undefined ? {} : { addresses };
      const labels = { component, slot, attempt, revision, term, ...told };
      const signal = bounded(START_MS);
      const files = await openFiles(component, spec, signal);
      const instance = await engine.start({ labels, spec, files }, signal);
      init.started(instance, spec);
      tell({ kind: 'instanceStarted', instance: observedOf(instance) });
    } catch (error) {
      refuse(refusalOf(effect, error), error);
    }
  }

  function refusalOf({ component, slot, attempt }: Start, error: unknown): Refused {
    const permanent = error instanceof EngineError && error.permanent;
    const reason = messageOf(error).slice(0, REASON_CHARS_MAX);
    return { kind: 'instanceRefused', component, slot, attempt, permanent, reason };
  }

  /** The core starts another one once it is told: never beside one of which the answer was lost. */
  function refuse(refused: Refused, error: unknown): void {
    if (!(error instanceof EngineError) || !DOUBTFUL.has(error.code)) return tell(refused);
    doubts.push(refused);
    void relist();
  }

  function settleDoubts(instances: readonly EngineInstance[]): void {
    for (const doubt of doubts.splice(0))
      if (!instances.some((instance) => hasRun(instance, doubt))) tell(doubt);
  }

  /** A list counts only if nothing changed while it was made: an older truth must not follow a newer. */
  async function relist(): Promise<void> {
    if (listing) return;
    listing = true;
    try {
      for (let tries = 0; !end.signal.aborted; tries += 1) {
        const before = changes;
        const isCalm = (): boolean => busy === 0 || tries >= WAITS_MAX;
        const instances = isCalm() ? await engine.list(bounded(CALL_MS)) : undefined;
        if (instances !== undefined && isCalm() && changes === before) {
          tell({ kind: 'instancesListed', instances: instances.map(observedOf) });
          settleDoubts(instances);
          return;
        }
        await pause(RELIST_RETRY_MS, undefined, { signal: end.signal });
      }
    } catch (error) {
      if (!end.signal.aborted) log.warn({ error: messageOf(error) }, 'the engine does not answer');
    } finally {
      listing = false;
    }
  }

  async function follow(): Promise<void> {
    for await (const event of engine.events(end.signal)) {
      if (event.kind === 'resync') void relist();
      else tell(inputOf(event));
    }
  }

  const pulse = followPulse(engine, give, end.signal);
  const timer = setInterval(() => void relist(), relistMs);
  const following = follow().catch((error: unknown) => {
    if (!end.signal.aborted) log.error({ error: messageOf(error) }, 'the engine events ended');
  });

  return {
    begin(effect) {
      switch (effect.kind) {
        case 'startInstance':
          return void prepare(effect);
        case 'stopInstance':
          return void act('stop an instance', () =>
            engine.stop(effect.engineId, effect.graceMs, bounded(effect.graceMs + CALL_MS)),
          );
        case 'freezeInstance':
          return void act('freeze an instance', () =>
            engine.freeze(effect.engineId, bounded(CALL_MS)),
          );
        case 'thawInstance':
          return void act('thaw an instance', () => engine.thaw(effect.engineId, bounded(CALL_MS)));
        case 'removeInstance':
          return void act('remove an instance', async () => {
            await lastWords.keep(effect.engineId);
            await engine.remove(effect.engineId, bounded(CALL_MS));
          });
        case 'listInstances':
          return void relist();
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      end.abort();
      await Promise.all([following, pulse]);
      await engine[Symbol.asyncDispose]();
    },
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether this is what that start has come to. */
const hasRun = ({ labels, state }: EngineInstance, start: Refused): boolean =>
  state !== 'created' &&
  labels.component === start.component &&
  labels.slot === start.slot &&
  labels.attempt === start.attempt;

function observedOf(instance: EngineInstance): Observed {
  const { component, slot, attempt, revision, term, addresses } = instance.labels;
  const { id, state, health, pid, startedAt, exitCode, drift, ports } = instance;
  return {
    engineId: id,
    component: component as ComponentId,
    slot,
    attempt,
    revision,
    term,
    state,
    health,
    ports,
    ...(pid === undefined ? {} : { pid }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(drift === undefined ? {} : { drift }),
  };
}

function inputOf(event: Exclude<EngineEvent, { readonly kind: 'resync' }>): Input {
  switch (event.kind) {
    case 'started':
      return { kind: 'instanceStarted', instance: observedOf(event.instance) };
    case 'exited': {
      const { id: engineId, kind: _, ...ending } = event;
      return { kind: 'instanceExited', ...ending, engineId };
    }
    case 'health':
      return { kind: 'instanceHealthChanged', engineId: event.id, health: event.health };
    case 'frozen':
      return { kind: 'instanceFrozen', engineId: event.id };
    case 'thawed':
      return { kind: 'instanceThawed', engineId: event.id };
    case 'drifted': {
      const { id: engineId, drift } = event;
      return { kind: 'instanceDrifted', engineId, ...(drift === undefined ? {} : { drift }) };
    }
    case 'removed':
      return { kind: 'instanceRemoved', engineId: event.id };
  }
}
