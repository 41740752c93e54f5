/**
 * Whether the processes of instances stand still. The kernel tells nobody when someone sends SIGSTOP or
 * SIGCONT, so it is looked at.
 */
import type { EventFeed } from '../event-feed.ts';
import { activityOf, readStat } from './identity.ts';
import { idOf, type Instance, isRunning } from './instance.ts';

/** How late it may be noticed. One small file of the kernel per instance is read as often. */
export const STILLNESS_POLL_MS = 1_000;

export type Stillness = {
  /** We have done it. */
  note(instance: Instance, isStill: boolean): void;
  /** Tells what others have done since. */
  look(): void;
};

export function createStillness(
  instances: ReadonlyMap<string, Instance>,
  boot: string,
  feed: Pick<EventFeed, 'publish'>,
): Stillness {
  const still = new WeakSet<Instance>();

  function note(instance: Instance, isStill: boolean): void {
    if (isStill) still.add(instance);
    else still.delete(instance);
    feed.publish({ kind: isStill ? 'frozen' : 'thawed', id: idOf(instance.record) });
  }

  return {
    note,
    look() {
      for (const instance of instances.values()) {
        const { process } = instance.record;
        const activity = activityOf(process, boot);
        if (!isRunning(instance) || activity === 'gone') continue;
        // What waits for a child that stands still shows as busy, and goes on no more than that.
        if (readStat(process.pid)?.state === 'D') continue;
        const isStill = activity === 'paused';
        if (isStill !== still.has(instance)) note(instance, isStill);
      }
    },
  };
}
