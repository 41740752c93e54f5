/** Which spec a slot has by its component's record, while a change of it is under way. */
import { specDigest } from '../component/digest.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { Component, Rollout, Slot, Version } from '../record/record.ts';

/** U1: what the slot is to be made from, wherever it is. */
export function specOf(
  {
    spec,
    rollout,
  }: Pick<Component, 'spec'> & { readonly rollout?: Pick<Rollout, 'former'> | undefined },
  { former }: Pick<Slot, 'former'>,
): ComponentSpec {
  if (former === undefined) return spec;
  const known = rollout?.former.find(({ revision }) => revision === former);
  return known === undefined ? spec : asWanted(known.spec, spec);
}

/**
 * `spec`, but all that is no matter of revisions as `wanted` has it: how many there are and where, and
 * what only agents read. That holds for every slot as soon as it is wanted, whatever the slot is made from.
 */
export function asWanted(spec: ComponentSpec, wanted: ComponentSpec): ComponentSpec {
  const { placement: _, update: __, rollback: ___, steering: ____, ...rest } = spec;
  const { onIsolation: _____, onHeal: ______, inspect: _______, ...made } = rest;
  const { mode, replicas, restart, dependsOn, stopGraceMs } = wanted;
  const { placement, update, rollback, steering, onIsolation, onHeal, inspect } = wanted;
  return {
    ...made,
    mode,
    replicas,
    restart,
    dependsOn,
    stopGraceMs,
    ...(placement === undefined ? {} : { placement }),
    ...(update === undefined ? {} : { update }),
    ...(rollback === undefined ? {} : { rollback }),
    ...(steering === undefined ? {} : { steering }),
    ...(onIsolation === undefined ? {} : { onIsolation }),
    ...(onHeal === undefined ? {} : { onHeal }),
    ...(inspect === undefined ? {} : { inspect }),
  };
}

/** A user has put a former spec back, and slots still have what it makes room for. */
export const isUndoing = (
  { spec: { steering } }: Pick<Version, 'spec'>,
  former: readonly Version[],
): boolean => former.some(({ revision }) => revision === steering?.undoes);

/** Of a record without one: what was made from an equal spec needs no new instance. */
export function revisionIn({ revision, spec }: Component, wanted: Version): string {
  if (revision !== undefined) return revision;
  const digest = specDigest(spec);
  return digest === specDigest(wanted.spec) ? wanted.revision : digest;
}
