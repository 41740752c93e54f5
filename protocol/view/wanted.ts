/** How many instances of a component are wanted. */
import type { ComponentSpec } from '../component/spec.ts';

/** `all`: one on every host that fits, `fill`: as many as find room on each. */
export type Wanted = number | 'all' | 'fill';

export function wantedOf({
  mode,
  placement,
  replicas,
}: Pick<ComponentSpec, 'mode' | 'placement' | 'replicas'>): Wanted {
  if (mode !== 'global') return replicas;
  return placement?.fill === true ? 'fill' : 'all';
}
