/**
 * The agent's hands on its engine, as `node/engine/work.ts` is: begins the core's effects and tells it
 * what the engine reports. It lives as long as its agent; the engine and the instances live on.
 */
import type { Effect } from '../../protocol/effect.ts';
import type { Result } from '../../protocol/base/result.ts';
import type { Input, Observed } from '../../protocol/input.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import {
  abandonCalls,
  giveUp,
  listInstances,
  removeInstance,
  startInstance,
  stopInstance,
} from './calls.ts';
import type { Answer, Call, Engine, Listener, Refusal } from './engine.ts';
import type { Request } from './instance.ts';

export type EngineEffect = Extract<
  Effect,
  { readonly kind: 'startInstance' | 'stopInstance' | 'removeInstance' | 'listInstances' }
>;

export type EngineWork = {
  readonly engine: Engine;
  readonly give: (input: Input) => void;
  readonly listener: Listener;
  /** Calls under way that change instances, and a count of all changes told so far. */
  busy: number;
  changes: number;
  listing: boolean;
  hasEnded: boolean;
};

/** Longest an engine may take for one call. */
const START_MS = 120_000;
const CALL_MS = 20_000;
/** Between two tries at a list that something overtook. */
const RELIST_RETRY_MS = 100;

/** From here on the agent hears what happens to its instances. */
export function createEngineWork(engine: Engine, give: (input: Input) => void): EngineWork {
  const work: EngineWork = {
    engine,
    give,
    listener: (event) => (event.kind === 'resync' ? relist(work) : tell(work, event)),
    busy: 0,
    changes: 0,
    listing: false,
    hasEnded: false,
  };
  engine.listeners.add(work.listener);
  return work;
}

/** The agent has died. */
export function endEngineWork(work: EngineWork): void {
  work.hasEnded = true;
  work.engine.listeners.delete(work.listener);
  abandonCalls(work.engine);
}

export function beginEngineEffect(work: EngineWork, effect: EngineEffect): void {
  const { engine } = work;
  switch (effect.kind) {
    case 'startInstance':
      return act(work, START_MS, (done) => startInstance(engine, effect, done), startedOf(effect));
    case 'stopInstance':
      return act(work, effect.graceMs + CALL_MS, (done) => stopInstance(engine, effect, done));
    case 'removeInstance':
      return act(work, CALL_MS, (done) => removeInstance(engine, effect.engineId, done));
    case 'listInstances':
      return relist(work);
  }
}

/** What the core is told of the outcome of a start. */
const startedOf =
  ({ component, slot, attempt }: Request) =>
  (outcome: Result<Observed, Refusal>): Input => {
    if (outcome.ok) return { kind: 'instanceStarted', instance: outcome.value };
    const { permanent, reason } = outcome.error;
    return { kind: 'instanceRefused', component, slot, attempt, permanent, reason };
  };

/** Without `inputOf` the core hears of the outcome by events, and of a failure by a list. */
function act<T>(
  work: EngineWork,
  boundMs: number,
  begin: (done: Answer<T>) => Call,
  inputOf?: (outcome: Result<T, Refusal>) => Input,
): void {
  work.busy += 1;
  const call = begin((outcome) => {
    if (inputOf !== undefined) tell(work, inputOf(outcome));
    else if (!outcome.ok) relist(work);
    work.busy -= 1;
    work.changes += 1;
  });
  bound(work, call, boundMs);
}

function bound({ engine }: EngineWork, call: Call, ms: number): void {
  schedule(engine.queue, engine.queue.now + ofMillis(ms), () => giveUp(engine, call));
}

function tell(work: EngineWork, input: Input): void {
  work.changes += 1;
  if (!work.hasEnded) work.give(input);
}

/** A list counts only if nothing changed while it was made: an older truth must not follow a newer. */
function relist(work: EngineWork): void {
  if (work.listing) return;
  work.listing = true;
  list(work);
}

function list(work: EngineWork): void {
  const { engine, changes } = work;
  if (work.hasEnded) return;
  if (work.busy > 0) return listLater(work);
  const call = listInstances(engine, (outcome) => {
    const isOvertaken = work.busy > 0 || work.changes !== changes;
    if (outcome.ok && isOvertaken) return listLater(work);
    if (outcome.ok) tell(work, { kind: 'instancesListed', instances: outcome.value });
    work.listing = false;
  });
  bound(work, call, CALL_MS);
}

function listLater(work: EngineWork): void {
  const { queue } = work.engine;
  schedule(queue, queue.now + ofMillis(RELIST_RETRY_MS), () => list(work));
}
