/**
 * Removes one-off tasks that are over and whose `agentctl run` is gone: nobody else destroys their stacks.
 * The leader of a task does it, so that it is done whichever host is lost.
 */
import { randomUUID } from 'node:crypto';
import { stackKey } from '../../protocol/base/ids.ts';
import { committedOf, type CommittedRecords } from '../../protocol/record/committed.ts';
import type { ClusterView, StackView } from '../../protocol/view/view.ts';
import type { Logger } from '../log.ts';
import { isRun } from './label.ts';

/** How long the output of a task that is over is kept for an `agentctl` that may come back. */
export const SWEEP_MS = 600_000;
const LOOK_MS = 15_000;

export type SweepInit = {
  readonly host: string;
  readonly committed: CommittedRecords;
  readonly view: () => ClusterView;
  readonly destroy: (stack: string, deployId: string) => Promise<unknown>;
  readonly now: () => number;
  readonly log: Logger;
};

export interface Sweep extends Disposable {
  /** To be called now and then; it does so itself, too. */
  look(): Promise<void>;
}

export function sweepRuns(init: SweepInit): Sweep {
  const { host, committed, now, log } = init;
  const overSince = new Map<string, number>();

  const isTask = (name: string): boolean => {
    const value = committedOf(committed, stackKey(name))?.value;
    const spec = value?.kind === 'stack' ? value.spec : undefined;
    return spec?.components.some(isRun) === true;
  };

  async function look(): Promise<void> {
    const over = init
      .view()
      .stacks.filter((stack) => isOver(stack) && isTask(stack.name) && isLedBy(stack, host))
      .map(({ name }) => name);
    for (const name of overSince.keys()) if (!over.includes(name)) overSince.delete(name);
    for (const name of over) {
      const since = overSince.get(name) ?? now();
      overSince.set(name, since);
      if (now() - since < SWEEP_MS) continue;
      log.info({ stack: name }, 'a task is over and nobody waits for it: it is removed');
      // What fails is tried again with the next look.
      await init.destroy(name, randomUUID().replaceAll('-', ''));
    }
  }

  const timer = setInterval(() => {
    look().catch((error: unknown) => log.warn({ error: String(error) }, 'a task is not removed'));
  }, LOOK_MS).unref();
  return { look, [Symbol.dispose]: () => clearInterval(timer) };
}

const slotsOf = ({ components }: StackView) => components.flatMap(({ slots }) => slots);

function isOver(stack: StackView): boolean {
  const slots = slotsOf(stack);
  return (
    slots.length > 0 &&
    slots.every(({ ended, instance }) => ended !== undefined || instance?.state === 'rejected')
  );
}

const isLedBy = ({ components }: StackView, host: string): boolean =>
  components.every(({ leader }) => leader?.host === host);
