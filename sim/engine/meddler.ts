/**
 * Someone who has a hand on the engine beside the agent, as a user at the machine has, or a tool that
 * knows nothing of us: what is done comes from outside, and the agent hears of it by events and lists.
 */
import { type Engine, type Instance, isStrict } from './engine.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import { change, discard, end, isRunning, setStill, startAgain, terminate } from './instance.ts';

export type Meddling = 'changed' | 'frozen' | 'stopped' | 'removed' | 'restarted';

const KILLED = 137;

/** To one of those that run; which one, counted among them. */
export function meddle(engine: Engine, nth: number, how: Meddling): void {
  const all = [...engine.instances.values()].filter(isRunning);
  const instance = all[nth % all.length];
  if (instance !== undefined) meddleWith(engine, instance, how);
}

export const meddleWith = (engine: Engine, instance: Instance, how: Meddling): void =>
  DONE[how](engine, instance);

const DONE: { readonly [how in Meddling]: (engine: Engine, instance: Instance) => void } = {
  changed: change,
  frozen: (engine, instance) => setStill(engine, instance, true),
  stopped: terminate,
  restarted: restart,
  removed(engine, instance) {
    end(engine, instance, KILLED);
    discard(engine, instance);
  },
};

const RESTART_TAKES = ofMillis(100);

/** Ends it, and soon starts the very same once more. A job would be run again, and a guard has the last word. */
function restart(engine: Engine, instance: Instance): void {
  if (instance.spec.job !== undefined || isStrict(instance)) return;
  end(engine, instance, KILLED);
  schedule(engine.queue, engine.queue.now + RESTART_TAKES, () => {
    if (engine.instances.get(instance.observed.engineId) === instance) startAgain(engine, instance);
  });
}
