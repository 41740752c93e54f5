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
  freezeInstance,
  giveUp,
  listInstances,
  removeInstance,
  startInstance,
  stopInstance,
  thawInstance,
} from './calls.ts';
import type { Answer, Call, Engine, Listener, Refusal } from './engine.ts';
import type { Request } from './instance.ts';

export type EngineEffect = Extract<
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

export type EngineWork = {
  readonly engine: Engine;
  readonly give: (input: Input) => void;
  readonly listener: Listener;
  /** Calls under way that change instances, and a count of all changes told so far. */
  busy: number;
  changes: number;
  listing: boolean;
  /** Starts of which only a list can say that they have come to nothing. */
  readonly doubts: Refused[];
  hasEnded: boolean;
};

/** Failures of a start after which the instance may run nevertheless. */
const DOUBTFUL: ReadonlySet<Refusal['code']> = new Set(['unavailable', 'aborted', 'conflict']);
type Refused = Extract<Input, { readonly kind: 'instanceRefused' }>;

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
    doubts: [],
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
  /** What has become of it is told by events, and where it fails by a list. */
  const orRelist = ({ ok }: Result<void, Refusal>): void => {
    if (!ok) relist(work);
  };
  switch (effect.kind) {
    case 'startInstance': {
      const answer: Answer<Observed> = (outcome) => tellOfStart(work, effect, outcome);
      return act(work, START_MS, answer, (done) => startInstance(engine, effect, done));
    }
    case 'stopInstance': {
      const boundMs = effect.graceMs + CALL_MS;
      return act(work, boundMs, orRelist, (done) => stopInstance(engine, effect, done));
    }
    case 'freezeInstance':
      return act(work, CALL_MS, orRelist, (done) => freezeInstance(engine, effect.engineId, done));
    case 'thawInstance':
      return act(work, CALL_MS, orRelist, (done) => thawInstance(engine, effect.engineId, done));
    case 'removeInstance':
      return act(work, CALL_MS, orRelist, (done) => removeInstance(engine, effect.engineId, done));
    case 'listInstances':
      return relist(work);
  }
}

function act<T>(
  work: EngineWork,
  boundMs: number,
  answer: Answer<T>,
  begin: (done: Answer<T>) => Call,
): void {
  work.busy += 1;
  const call = begin((outcome) => {
    answer(outcome);
    work.busy -= 1;
    work.changes += 1;
  });
  bound(work, call, boundMs);
}

function tellOfStart(
  work: EngineWork,
  { component, slot, attempt }: Request,
  outcome: Result<Observed, Refusal>,
): void {
  if (outcome.ok) return tell(work, { kind: 'instanceStarted', instance: outcome.value });
  const { code, permanent, reason } = outcome.error;
  const refused = { component, slot, attempt, permanent, reason };
  if (!DOUBTFUL.has(code)) return tell(work, { kind: 'instanceRefused', ...refused });
  work.doubts.push({ kind: 'instanceRefused', ...refused });
  relist(work);
}

function bound({ engine }: EngineWork, call: Call, ms: number): void {
  schedule(engine.queue, engine.queue.now + ofMillis(ms), () => giveUp(engine, call));
}

function tell(work: EngineWork, input: Input): void {
  work.changes += 1;
  work.give(input);
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
    if (outcome.ok) tellList(work, outcome.value);
    work.listing = false;
  });
  bound(work, call, CALL_MS);
}

function tellList(work: EngineWork, instances: readonly Observed[]): void {
  tell(work, { kind: 'instancesListed', instances });
  for (const doubt of work.doubts.splice(0))
    if (!instances.some((instance) => hasRun(instance, doubt))) tell(work, doubt);
}

const hasRun = ({ component, slot, attempt, state }: Observed, start: Refused): boolean =>
  state !== 'created' &&
  component === start.component &&
  slot === start.slot &&
  attempt === start.attempt;

function listLater(work: EngineWork): void {
  const { queue } = work.engine;
  schedule(queue, queue.now + ofMillis(RELIST_RETRY_MS), () => list(work));
}
