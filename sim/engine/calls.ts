/**
 * What the daemon is asked to do: each call takes a few steps, between which it may be given up, its
 * agent may die, and the daemon may hang or restart.
 */
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import type { Observed } from '../../protocol/input.ts';
import { exponential, happens, within } from '../choice.ts';
import { type Micros, ofMillis, schedule } from '../event-queue.ts';
import {
  type Answer,
  atDaemon,
  type Call,
  type Engine,
  type Instance,
  isRough,
  type Refusal,
} from './engine.ts';
import {
  create,
  discard,
  drawProgram,
  isAlive,
  kill,
  launch,
  nameOf,
  type Request,
  setStill,
  terminate,
} from './instance.ts';

const refusal = (code: Refusal['code'], reason: string, permanent = false): Refusal => ({
  code,
  reason,
  permanent,
});
const UNAVAILABLE = refusal('unavailable', 'the engine does not answer');

/** Makes a new instance and starts it. Answers when it runs; on failure it leaves nothing behind. */
export function startInstance(engine: Engine, request: Request, answer: Answer<Observed>): Call {
  const { start } = engine.chances;
  const [call, settle] = open(engine, answer, false);
  takeStep(engine, call, exponential(start, ofMillis(50)), () => {
    const made = make(engine, request);
    if (!made.ok) return settle(made);
    call.made = made.value;
    takeStep(engine, call, exponential(start, ofMillis(250)), () => {
      const why = startMade(engine, made.value);
      if (why !== undefined) return settle(fail(why));
      // It says what has become of it by then.
      takeStep(engine, call, ofMillis(1), () => settle(ok(made.value.observed)));
    });
  });
  return call;
}

function make(engine: Engine, request: Request): Result<Instance, Refusal> {
  const { programOf = (spec) => drawProgram(engine, spec), instances, chances } = engine;
  const program = programOf(request.spec);
  if (program === undefined) return fail(refusal('bad-spec', 'there is no such program', true));
  if (isRough(engine) && happens(chances.refusal, 50))
    return fail(refusal('failed', 'the engine is busy'));
  const namesake = [...instances.values()].find(({ name }) => name === nameOf(request));
  if (namesake !== undefined && isAlive(namesake))
    return fail(refusal('conflict', `it runs already as ${namesake.name}`));
  if (namesake !== undefined) discard(engine, namesake);
  return ok(create(engine, request, program));
}

/** Why it does not run now. */
function startMade(engine: Engine, made: Instance): Refusal | undefined {
  if (!engine.instances.has(made.observed.engineId))
    return refusal('failed', 'it was removed while it was being started');
  if (isRough(engine) && happens(engine.chances.refusal, 25)) {
    discard(engine, made);
    return refusal('failed', 'the engine could not start it');
  }
  const bound = [...engine.instances.values()].filter((other) => other !== made && isAlive(other));
  if (bound.some((other) => sharesPort(other, made))) {
    discard(engine, made);
    return refusal('conflict', 'port is already allocated');
  }
  launch(engine, made);
  return undefined;
}

const sharesPort = (a: Instance, b: Instance): boolean =>
  a.spec.ports.some(({ published, protocol }) =>
    b.spec.ports.some(
      (port) =>
        published === port.published && protocol === port.protocol && published !== undefined,
    ),
  );

/** Asks it to end, kills it after the grace, and answers when it has ended. */
export function stopInstance(
  engine: Engine,
  { engineId, graceMs }: { readonly engineId: string; readonly graceMs: number },
  answer: Answer<void>,
): Call {
  const [call, settle] = open(engine, answer, true);
  takeStep(engine, call, exponential(engine.chances.stop, ofMillis(20)), () => {
    const instance = engine.instances.get(engineId);
    if (instance === undefined)
      return settle(fail(refusal('not-found', `there is no ${engineId}`, true)));
    if (!isAlive(instance)) return settle(ok(undefined));
    instance.awaited.push(() => settle(ok(undefined)));
    if (graceMs > 0) terminate(engine, instance);
    takeStep(engine, call, ofMillis(graceMs), () => kill(engine, instance));
  });
  return call;
}

export const freezeInstance = (engine: Engine, engineId: string, answer: Answer<void>): Call =>
  still(engine, engineId, true, answer);

export const thawInstance = (engine: Engine, engineId: string, answer: Answer<void>): Call =>
  still(engine, engineId, false, answer);

/** Answers when it stands still, or goes on. May be repeated. */
function still(engine: Engine, engineId: string, isFrozen: boolean, answer: Answer<void>): Call {
  const [call, settle] = open(engine, answer, true);
  takeStep(engine, call, exponential(engine.chances.still, ofMillis(20)), () => {
    const instance = engine.instances.get(engineId);
    if (instance === undefined)
      return settle(fail(refusal('not-found', `there is no ${engineId}`, true)));
    if (!isAlive(instance)) return settle(fail(refusal('conflict', 'it has ended', true)));
    setStill(engine, instance, isFrozen);
    settle(ok(undefined));
  });
  return call;
}

/** Removes an ended instance; a running one is killed first. May be repeated. */
export function removeInstance(engine: Engine, engineId: string, answer: Answer<void>): Call {
  const [call, settle] = open(engine, answer, true);
  takeStep(engine, call, exponential(engine.chances.stop, ofMillis(50)), () => {
    const instance = engine.instances.get(engineId);
    if (instance === undefined) return settle(ok(undefined));
    const take = (): void => {
      if (call.isOver) return;
      discard(engine, instance);
      settle(ok(undefined));
    };
    if (!isAlive(instance)) return take();
    instance.awaited.push(take);
    kill(engine, instance);
  });
  return call;
}

/** Whether the daemon is there: no call that changes or lists anything, and none that waits behind one. */
export function pingEngine(engine: Engine, answer: (isThere: boolean) => void): void {
  const { queue, faults } = engine;
  if (faults.restart > 0) return schedule(queue, queue.now + PING_TAKES, () => answer(false));
  schedule(queue, queue.now + PING_TAKES, () => atDaemon(engine, () => answer(true)));
}

const PING_TAKES = ofMillis(1);

/** First which there are, then what each of them is: another moment for each. */
export function listInstances(engine: Engine, answer: Answer<readonly Observed[]>): Call {
  const { list } = engine.chances;
  const [call, settle] = open(engine, answer, false);
  takeStep(engine, call, exponential(list, ofMillis(10)), () => {
    const ids = [...engine.instances.keys()];
    takeStep(engine, call, exponential(list, ofMillis(10)), () =>
      settle(ok(ids.flatMap((id) => engine.instances.get(id)?.observed ?? []))),
    );
  });
  return call;
}

/** Called off by whoever asked: a start takes back what it has made. */
export function giveUp(engine: Engine, call: Call): void {
  if (call.isOver) return;
  close(engine, call);
  const refuse = (): void => call.refuse(refusal('aborted', 'it was called off'));
  if (call.made === undefined) return refuse();
  removeInstance(engine, call.made.observed.engineId, refuse);
}

/** The connection to the daemon is broken, and so are all calls. */
export function breakCalls(engine: Engine): void {
  for (const call of engine.calls) {
    close(engine, call);
    settleStart(engine, call);
    refuseSoon(engine, call);
  }
}

/** The agent has died: what it had asked for has been done, will be, or never. */
export function abandonCalls(engine: Engine): void {
  for (const call of engine.calls) {
    // An engine may go on with a stop by itself, or forget it.
    if (call.outlivesAgent && !happens(engine.chances.limbo, 500)) continue;
    close(engine, call);
    settleStart(engine, call);
  }
}

/** Nobody is left to do or to hear anything. */
export function forgetCalls(engine: Engine): void {
  for (const call of engine.calls) close(engine, call);
}

/** A start that is broken off has happened or not: it does not happen later. */
function settleStart(engine: Engine, { made }: Call): void {
  if (made?.observed.state !== 'created' || happens(engine.chances.limbo, 500)) return;
  if (engine.instances.has(made.observed.engineId)) launch(engine, made);
}

/** A call, and how its answer is sent on its way. */
function open<T>(
  engine: Engine,
  answer: Answer<T>,
  outlivesAgent: boolean,
): readonly [Call, Answer<T>] {
  const refuse = (why: Refusal): void => answer(fail(why));
  const call: Call = { outlivesAgent, refuse, isOver: false, made: undefined };
  engine.calls.add(call);
  if (engine.faults.restart > 0) {
    close(engine, call);
    refuseSoon(engine, call);
  }
  const settle: Answer<T> = (outcome) =>
    schedule(engine.queue, engine.queue.now + answerTakes(engine), () => {
      if (call.isOver) return;
      close(engine, call);
      answer(outcome);
    });
  return [call, settle];
}

function close(engine: Engine, call: Call): void {
  call.isOver = true;
  engine.calls.delete(call);
}

function refuseSoon(engine: Engine, call: Call): void {
  schedule(engine.queue, engine.queue.now + answerTakes(engine), () => call.refuse(UNAVAILABLE));
}

/** Now and then long enough for events to overtake it. */
function answerTakes(engine: Engine): Micros {
  const { answer } = engine.chances;
  const takes = exponential(answer, ofMillis(2));
  return isRough(engine) && happens(answer, 50) ? takes + ofMillis(within(answer, 1, 300)) : takes;
}

function takeStep(engine: Engine, call: Call, takes: Micros, run: () => void): void {
  schedule(engine.queue, engine.queue.now + takes, () =>
    atDaemon(engine, () => {
      if (!call.isOver) run();
    }),
  );
}
