/**
 * S26, what users say of a rollout: while one holds it nothing is taken, nor taken back; what was paused
 * goes on, and what was taken back is tried again, only by a user's word, and what had failed before it
 * counts no more.
 * Of the revisions before it is remembered what became of them.
 */
import { sameData } from '../../protocol/base/same.ts';
import { specDigest } from '../../protocol/component/digest.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { HISTORY_MAX } from '../../protocol/limits.ts';
import type { Component, Past } from '../../protocol/record/record.ts';

export type Words = {
  readonly before: Component;
  readonly after: Component;
  /** As the leader knows the stack's spec. */
  readonly wanted: ComponentSpec | undefined;
  readonly isTooMany: boolean;
};

/** A word to go on that the record before does not show. */
export function isResumed({ before, wanted }: Pick<Words, 'before' | 'wanted'>): boolean {
  const word = wanted?.steering?.resumed;
  return word !== undefined && word !== before.spec.steering?.resumed;
}

/** Slots still have what a user has put another one in place of. */
export function isUndoing(before: Component, after: Component, wanted: ComponentSpec): boolean {
  const undoes = wanted.steering?.undoes;
  // What comes back is not undone itself, whatever its name stands for.
  if (undoes === undefined || undoes === after.revision) return false;
  const there = (before.rollout?.former ?? []).map(({ revision }) => revision);
  if (before.revision !== after.revision) there.push(before.revision ?? '');
  return there.includes(undoes);
}

export function ofPauses(words: Words): string | undefined {
  const { before, after, wanted, isTooMany } = words;
  if (!sameData(after.spec.steering ?? {}, wanted?.steering ?? {}))
    return 'does not note what users have said';
  if (before.revision !== after.revision) return undefined;
  const was = before.rollout?.paused !== undefined;
  const is = after.rollout?.paused !== undefined;
  if (was && !is && !isResumed(words))
    return 'goes on though it was paused, and nobody has said so';
  if (was && is && isResumed(words) && !isTooMany)
    return 'stays paused though a user has said that it is to go on';
  if (after.rollout === undefined || !isUnderWay(after)) return undefined;
  const forgiven =
    was && isResumed(words) ? before.rollout?.failed.length : before.rollout?.forgiven;
  const told = after.rollout.forgiven ?? 0;
  return told === (forgiven ?? 0) ? undefined : `forgives ${told} failures, of ${forgiven ?? 0}`;
}

const isUnderWay = ({ slots }: Component): boolean =>
  slots.some(({ former, trial }) => former !== undefined || trial === true);

export function ofHistory({ before, after, wanted }: Words): string | undefined {
  const { history = [] } = after;
  const last = history.at(-1);
  if (last?.revision !== after.revision) return `its history ends with ${last?.revision}`;
  if (history.length > HISTORY_MAX) return `remembers ${history.length} revisions`;
  const lost = (before.history ?? []).find(
    ({ revision }) => !history.some((one) => one.revision === revision),
  );
  if (lost !== undefined && history.length < HISTORY_MAX) return `forgets ${lost.revision}`;
  const without = history.slice(0, -1).find((one) => specIn(after, one) === undefined);
  if (without !== undefined) return `has the spec of ${without.revision} no more`;
  if (before.revision === undefined || before.revision === after.revision) return undefined;
  const ended = history.find(({ revision }) => revision === before.revision);
  if (ended === undefined) return `forgets ${before.revision}`;
  if (!isSpecOf(before, specIn(after, ended), wanted))
    return `has another spec of ${ended.revision}`;
  const became = endOf(before, after);
  return ended.became === became
    ? undefined
    : `${ended.revision} became ${ended.became}, not ${became}`;
}

/** As the record had it, or as the stack has asked for the same revision since. */
const isSpecOf = (
  { spec }: Component,
  kept: ComponentSpec | undefined,
  wanted: ComponentSpec | undefined,
): boolean =>
  sameData(kept, spec) ||
  (wanted !== undefined && specDigest(wanted) === specDigest(spec) && sameData(kept, wanted));

const specIn = ({ rollout }: Component, { revision, spec }: Past): ComponentSpec | undefined =>
  spec ?? rollout?.former.find((version) => version.revision === revision)?.spec;

function endOf(before: Component, after: Component): Past['became'] {
  if (after.rollout?.refused?.revision === before.revision) return 'takenBack';
  if (after.spec.steering?.undoes === before.revision) return 'undone';
  if (before.rollout?.paused !== undefined) return 'paused';
  return isUnderWay(before) ? 'overtaken' : 'done';
}
