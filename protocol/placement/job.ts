/**
 * What is different about the slots of a job (rule 7 of `place.ts`): they come to an end, and are to be
 * run once, so that nothing is done about one that would begin it a second time without need.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { Slot, SlotEnd } from '../record/record.ts';
import type { PlacementHost } from './fit.ts';

/** What a host has said of a slot in the present run: an attempt was begun, one is under way, or all is over. */
export type Progress = 'none' | 'begun' | 'busy' | SlotEnd;

type Asked = {
  readonly spec: ComponentSpec;
  readonly progress: (slot: number, host: HostId) => Progress;
};

/** How the slot has ended, by the record or by its host's word, which may have been its last. */
export function endOf({ spec, progress }: Asked, slot: Slot): SlotEnd | undefined {
  if (spec.job === undefined) return undefined;
  const said = progress(slot.slot, slot.host);
  return slot.ended ?? (typeof said === 'object' ? said : undefined);
}

/** Its host may not be the best any more, but beginning it anew elsewhere would be worse. */
export function staysThere(
  { spec, progress }: Asked,
  slot: number,
  host: PlacementHost | undefined,
): boolean {
  if (spec.job === undefined || host === undefined) return false;
  return host.alive ? progress(slot, host.id) === 'busy' : spec.mode === 'global';
}

/** It was begun on a host that is gone, and is to be tried once only. */
export const isLost = ({ spec, progress }: Asked, slot: number, host: HostId): boolean =>
  spec.job !== undefined && spec.restart.kind === 'no' && progress(slot, host) !== 'none';

/** `shop.backup.2 has failed on h1 (exit 3)` */
export function endText(name: string, host: HostId, { state, exitCode }: SlotEnd): string {
  if (state === 'complete') return `${name} is complete, on ${host}`;
  const how = exitCode === undefined ? '' : ` (exit ${exitCode})`;
  return `${name} has failed for good, on ${host}${how}`;
}
