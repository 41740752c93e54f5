/**
 * S26, what one revision is: of two specs that have the same an instance is made alike. They are compared
 * here member by member; `digest.ts` makes one word of them.
 */
import { sameData } from '../../protocol/base/same.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Component } from '../../protocol/record/record.ts';

const MEMBERS = [
  'image',
  'entrypoint',
  'command',
  'process',
  'environment',
  'ports',
  'volumes',
  'files',
  'healthcheck',
  'container',
  'singleton',
] as const satisfies readonly (keyof ComponentSpec)[];

/** A new spec that is taken for the one before: nothing would be replaced by it. */
export function ofMembers(before: Component, after: Component): string | undefined {
  if (before.revision !== after.revision) return undefined;
  const other = MEMBERS.find((name) => !sameData(before.spec[name], after.spec[name]));
  return other === undefined ? undefined : `has other ${other} under the same revision`;
}
