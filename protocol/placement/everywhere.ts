/** Global components (rule 4): one slot on each alive host that fits, or as many as find room there. */
import { SLOTS_MAX } from '../limits.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { assign, decide, type Draft, isGone, type Leaver, ownOn, withhold } from './draft.ts';
import { whyNotPlace } from './fit.ts';
import type { Rejection } from './reasons.ts';

/** Returns why hosts were not taken. */
export function placeEverywhere(draft: Draft, leavers: readonly Leaver[]): readonly Rejection[] {
  const { component, spec } = draft.request;
  for (const leaver of leavers) {
    const { slot, host, why } = leaver;
    if (withhold(draft, leaver)) continue;
    if (isGone(draft, leaver)) draft.moved += 1;
    decide(draft, 'removed', slot, `${component}.${slot} leaves ${host}: ${why}`);
  }
  const taken = new Set(draft.slots.map(({ slot }) => slot));
  const rejected: Rejection[] = [];
  let free = 1;
  for (const host of draft.hosts.values()) {
    let why = whyNotPlace(spec, host, ownOn(draft, host.id));
    if (why !== undefined) rejected.push({ host: host.id, why });
    while (why === undefined) {
      while (taken.has(free)) free += 1;
      if (free > SLOTS_MAX) return rejected;
      taken.add(free);
      assign(draft, { slot: free, host: host.id });
      decide(
        draft,
        'placed',
        free,
        `${component}.${free} goes to ${host.id}: ${rule(spec)}`,
        host.id,
      );
      why = whyNotPlace(spec, host, ownOn(draft, host.id));
    }
  }
  return rejected;
}

const rule = ({ placement }: ComponentSpec): string =>
  placement?.fill === true ? 'as many as find room' : 'one on every host that fits';
