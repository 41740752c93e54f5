/** What befalls an engine from outside. What goes on returns how to end it. */
import { exponential } from '../choice.ts';
import { ofMillis } from '../event-queue.ts';
import { breakCalls, forgetCalls } from './calls.ts';
import { deliver, type Engine, type Instance } from './engine.ts';
import { end, isRunning, setWell } from './instance.ts';

/** One of those that run ends by itself, or falls ill; which one, counted among those it can befall. */
export function exitNth(engine: Engine, nth: number, how: 'exit' | 'unhealthy'): void {
  const canBefall = ({ spec }: Instance): boolean =>
    how === 'exit' || spec.healthcheck !== undefined;
  const all = [...engine.instances.values()].filter(
    (instance) => isRunning(instance) && canBefall(instance),
  );
  const instance = all[nth % all.length];
  if (instance === undefined) return;
  if (how === 'exit') end(engine, instance, 1);
  else setWell(engine, instance, false);
}

/** Every instance that is started ends soon after. */
export function crashLoop(engine: Engine): () => void {
  return during(engine, 'crashLoop', () => {});
}

/** Others change every instance that is started soon after. */
export function changeEach(engine: Engine): () => void {
  return during(engine, 'meddle', () => {});
}

/** The daemon answers nothing and tells of nothing; afterwards it does what it was asked, in order. */
export function hang(engine: Engine): () => void {
  return during(engine, 'hang', () => {
    for (const run of engine.kept.splice(0)) run();
  });
}

/** How long until the agent has opened the event stream again. */
const REOPEN_MS = 1000;

/**
 * The daemon is away. What was asked of it fails, what happens meanwhile is told to nobody, and
 * afterwards the agent has to list.
 */
export function restartDaemon(engine: Engine, instances: 'survive' | 'die'): () => void {
  const undo = during(engine, 'restart', () => {
    const takes = exponential(engine.chances.event, ofMillis(REOPEN_MS / 5));
    deliver(engine, { kind: 'resync' }, takes);
  });
  breakCalls(engine);
  engine.kept.length = 0;
  if (instances === 'die')
    for (const instance of engine.instances.values()) end(engine, instance, 137);
  return undo;
}

/** The machine has died with all that ran on it; what is left is found as ended. */
export function killAll(engine: Engine): void {
  forgetCalls(engine);
  for (const instance of engine.instances.values()) end(engine, instance, 137);
  engine.kept.length = 0;
}

/** Faults of one kind may overlap: only the last to end ends it. */
function during(engine: Engine, kind: keyof Engine['faults'], over: () => void): () => void {
  const { faults } = engine;
  faults[kind] += 1;
  noteAway(engine);
  return () => {
    faults[kind] -= 1;
    noteAway(engine);
    if (faults[kind] === 0) over();
  };
}

function noteAway(engine: Engine): void {
  const { faults, queue } = engine;
  if (faults.hang > 0 || faults.restart > 0) engine.awaySince ??= queue.now;
  else if (engine.awaySince !== undefined) {
    engine.awaySince = undefined;
    engine.backAt = queue.now;
  }
}
