/**
 * Which of several running instances of one slot stays, once the hosts that were taken for dead can be
 * heard again (`on_heal`). Pure; asked by the component's leader before it looks at anything else.
 *
 *     a slot leaves a dead host ──▶ `left` names it ──it reports what runs──▶ one is chosen, `left` shrinks
 *
 *  keepOldest  the host that had the slot first
 *  keepLeader  the host that leads the component, if it is one of them; else as it is assigned
 *  (absent)    as it is assigned: nobody is remembered
 *
 * Age is the order of assignments, never a clock: what was restarted where it was is as old as before.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { RIVALS_MAX } from '../limits.ts';
import type { Slot } from '../record/record.ts';

export type Healing = {
  /** Whether an alive host says that it runs the slot beside the one that has it. */
  readonly runs: (host: HostId) => boolean;
  readonly isAlive: (host: HostId) => boolean;
  /** Who leads the component and decides. */
  readonly leader: HostId;
};

/** The slot as it is to be: the same object where there is nothing to choose yet. */
export function heal({ onHeal }: ComponentSpec, slot: Slot, healing: Healing): Slot {
  const left = slot.left ?? [];
  if (left.length === 0) return slot;
  if (onHeal === undefined) return seated(slot.slot, slot.host, []);
  const present = left.filter(healing.runs);
  const [oldest] = present;
  if (oldest === undefined) return slot;
  const absent = left.filter((host) => !present.includes(host));
  if (onHeal === 'keepOldest')
    return seated(slot.slot, oldest, left.slice(0, left.indexOf(oldest)));
  if (present.includes(healing.leader)) return seated(slot.slot, healing.leader, absent);
  const keeper = healing.isAlive(slot.host) ? slot.host : (present.at(-1) ?? slot.host);
  return seated(slot.slot, keeper, absent);
}

/** What is remembered when a slot moves from a host that may only be out of reach. */
export function rivalsAfter(
  { onHeal }: ComponentSpec,
  { host, left = [] }: Slot,
  to: HostId,
): readonly HostId[] {
  if (onHeal === undefined) return [];
  return [...left, host].filter((each) => each !== to).slice(0, RIVALS_MAX);
}

/** `from`: who hands it over, unless that is the host itself. */
export function seated(slot: number, host: HostId, left: readonly HostId[], from?: HostId): Slot {
  const others = left.filter((each) => each !== from);
  return {
    slot,
    host,
    ...(others.length === 0 ? {} : { left: others }),
    ...(from === undefined || from === host ? {} : { from }),
  };
}
