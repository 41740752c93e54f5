/** Who this host is at this moment: the keys it leads, for whoever checks or shows it. */
import { type Key, type Term, term } from '../base/ids.ts';
import type { Instant } from '../base/time.ts';
import { type Core, turnOf } from '../core/state.ts';
import { heldUntil } from '../lease/hold.ts';

export type HeldKey = { readonly key: Key; readonly term: Term; readonly validUntil: Instant };

/** Every key held at `now` by this host's own clock; each until `validUntil`. */
export function heldKeys(core: Core, now: Instant): readonly HeldKey[] {
  const { leases, council } = core;
  if (leases === undefined || core.cloned || leases.holder.holds.size === 0) return [];
  const turn = turnOf(core, now);
  const held: HeldKey[] = [];
  for (const [key, hold] of leases.holder.holds) {
    const validUntil = heldUntil(leases.holder, leases.links, turn, council.roster, key);
    if (now < validUntil) held.push({ key, term: hold.term ?? term(0), validUntil });
  }
  return held;
}
