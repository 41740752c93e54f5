/** How far a changed spec has come, by the component's record. */
import { sameData } from '../base/same.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { Component } from '../record/record.ts';
import { isUndoing } from '../rollout/version.ts';
import type { RolloutView } from './view.ts';

const HELD = 'a user holds it';

/** `wanted`: as the stack has it. Undefined: there is nothing to tell. */
export function rolloutOf(
  { spec, revision, slots, rollout }: Component,
  wanted: ComponentSpec,
): RolloutView | undefined {
  if (rollout === undefined || revision === undefined) return undefined;
  const { former, paused, refused } = rollout;
  const own = slots.filter(({ slot }) => spec.mode === 'global' || slot <= spec.replicas);
  const done = own.filter((slot) => slot.former === undefined && slot.trial !== true).length;
  const isHeld = spec.steering?.held === true && former.length > 0;
  const isBack = refused !== undefined || isUndoing({ spec }, former);
  const why = paused ?? (isHeld ? HELD : refused?.why);
  const isPaused = paused !== undefined || isHeld;
  return {
    revision,
    ...(former[0] === undefined ? {} : { from: former[0].revision }),
    state: isPaused ? 'paused' : refused !== undefined ? 'takenBack' : 'going',
    ...(isBack ? { isBack } : {}),
    ...(isHeld ? { held: true } : {}),
    ...(sameData(spec.steering ?? {}, wanted.steering ?? {}) ? {} : { pending: true }),
    done,
    total: own.length,
    trial: slots.filter(({ trial }) => trial === true).map(({ slot }) => slot),
    ...(refused === undefined ? {} : { refused: refused.revision }),
    ...(refused?.at === undefined ? {} : { refusedAt: refused.at }),
    ...(why === undefined ? {} : { why }),
  };
}
