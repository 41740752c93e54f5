/** How far a changed spec has come, by the component's record. */
import type { Component } from '../record/record.ts';
import type { RolloutView } from './view.ts';

/** Undefined: there is nothing to tell. */
export function rolloutOf({ spec, revision, slots, rollout }: Component): RolloutView | undefined {
  if (rollout === undefined || revision === undefined) return undefined;
  const { paused, refused } = rollout;
  const own = slots.filter(({ slot }) => spec.mode === 'global' || slot <= spec.replicas);
  const why = paused ?? refused?.why;
  return {
    revision,
    state: paused !== undefined ? 'paused' : refused !== undefined ? 'takenBack' : 'going',
    done: own.filter(({ former, trial }) => former === undefined && trial !== true).length,
    total: own.length,
    trial: slots.filter(({ trial }) => trial === true).map(({ slot }) => slot),
    ...(refused === undefined ? {} : { refused: refused.revision }),
    ...(why === undefined ? {} : { why }),
  };
}
