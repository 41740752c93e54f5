/** What the slots of a component have to tell, in the words of its one note. */
import type { InstanceView, RolloutView, SlotView } from './view.ts';

/** Of a digest, as much as people read. */
const REVISION_CHARS = 7;

/** It answers its healthcheck, or has none. */
export const isWell = (instance: InstanceView | undefined): boolean =>
  instance?.health === 'healthy' || instance?.health === 'none';

const serves = ({ instance }: SlotView): boolean =>
  instance?.state === 'complete' || (instance?.state === 'running' && isWell(instance));

/** Why a changed spec has not come to all slots, and never will by itself. */
export function haltNote(rollout: RolloutView | undefined): string | undefined {
  if (rollout === undefined || rollout.state === 'going') return undefined;
  const { state, done, total, refused = '', refusedAt, why = '' } = rollout;
  if (state === 'paused') return `rollout paused at ${done} of ${total}: ${why}`;
  const when = refusedAt === undefined ? '' : `, deployed ${refusedAt},`;
  return `${refused.slice(0, REVISION_CHARS)}${when} is quarantined, and not tried again: ${why}`;
}

/** How far it is, and what it waits for. */
export function rolloutNote(rollout: RolloutView | undefined): string | undefined {
  if (rollout === undefined || rollout.state !== 'going') return undefined;
  const { done, total, trial } = rollout;
  const waits = trial.length === 0 ? '' : `, slot ${trial.join(' and ')} on trial`;
  return `rollout: ${done} of ${total} done${waits}`;
}

/** Of the first slot that is in a crash loop; the mark outlives the crashes. */
export function crashNote(slots: readonly SlotView[]): string | undefined {
  const marked = slots.filter(({ instance }) => instance?.crashLoop === true);
  const found = marked.find((slot) => !serves(slot)) ?? marked[0];
  if (found === undefined) return undefined;
  if (serves(found)) return `slot ${found.slot} was in a crash loop and runs again`;
  return `crash loop: slot ${found.slot}, ${found.instance?.reason ?? startNote(found)}`;
}

/** The reason that a slot gives while one does not serve; undefined: all serve, or none says why. */
export function troubleNote(slots: readonly SlotView[]): string | undefined {
  const unwell = slots.filter((slot) => !serves(slot));
  const told = unwell.find(({ note, instance }) => (note ?? instance?.reason) !== undefined);
  return told?.note ?? told?.instance?.reason;
}

/** What the first slot that does not serve is waiting for. */
export function waitNote(slots: readonly SlotView[]): string | undefined {
  const unwell = slots.find((slot) => !serves(slot));
  return unwell === undefined ? undefined : startNote(unwell);
}

function startNote({ instance }: SlotView): string {
  const failures = instance?.restarts ?? 0;
  const after =
    failures === 0 ? '' : `, after ${failures} ${failures === 1 ? 'failure' : 'failures'}`;
  if (instance?.state !== 'running') return `starting${after}`;
  return `${instance.health === 'unhealthy' ? 'unhealthy' : 'runs, not healthy yet'}${after}`;
}

/** How far a job has come; nothing is left to be done if it is over. */
export function jobNote(slots: readonly SlotView[]): {
  readonly isOver: boolean;
  readonly text: string;
} {
  const complete = slots.filter(({ ended }) => ended === 'complete').length;
  const failed = slots.find(({ ended }) => ended === 'failed');
  const isOver = slots.length > 0 && slots.every(({ ended }) => ended !== undefined);
  if (failed !== undefined) {
    const { reason, exitCode } = failed.instance ?? {};
    const how = reason ?? (exitCode === undefined ? undefined : `exit ${exitCode}`);
    const text = `slot ${failed.slot} has failed for good${how === undefined ? '' : `: ${how}`}`;
    return { isOver: true, text };
  }
  const many = slots.length === 1 ? 'complete' : `${complete} of ${slots.length} are complete`;
  return { isOver, text: slots.length === 1 && complete === 0 ? 'a job, under way' : many };
}
