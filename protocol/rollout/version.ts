/** Which spec a slot has by its component's record, while a change of it is under way. */
import type { ComponentSpec } from '../component/spec.ts';
import type { Component, Rollout, Slot } from '../record/record.ts';

/** U1: what the slot is to be made from, wherever it is. */
export function specOf(
  {
    spec,
    rollout,
  }: Pick<Component, 'spec'> & { readonly rollout?: Pick<Rollout, 'former'> | undefined },
  { former }: Pick<Slot, 'former'>,
): ComponentSpec {
  if (former === undefined) return spec;
  return rollout?.former.find(({ revision }) => revision === former)?.spec ?? spec;
}
