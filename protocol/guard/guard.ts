/**
 * The guard of one machine: it lets strict instances run only as long as the agent's lease surely holds
 * (README.md §9, strict singletons). It knows nothing of clusters; its clock counts suspend, and is not
 * the agent's.
 *
 *     (no warrant) ──vouch──▶ may begin, runs ──V − F──▶ stands still ──V──▶ killed
 *          ▲                        ▲                        │
 *          └── withdrawn, begun     └──── a later V ─────────┘
 *
 *  X6 What has no warrant, or was made under a term before its first, is killed on sight.
 *  X7 From V − F on it stands still; it goes on once startMarginMs are left again; at V it is killed.
 *  X8 Nothing begins past its gate but under a warrant of the agent that is connected now.
 */
import type { Key, Term } from '../base/ids.ts';
import { after, before, earlier, type Instant } from '../base/time.ts';
import type { Config } from '../config.ts';

/** What the agent vouches for: nobody else runs the slot before `until` (V), on the guard's clock. */
export type Warrant = {
  /** The term since which the slot is held without a gap: what is older may run no more. */
  readonly first: Term;
  readonly until: Instant;
};

export type Guard = { readonly warrants: Map<Key, Warrant> };

/** A strict instance as the guard finds it. */
export type Ward = {
  readonly id: string;
  readonly key: Key;
  readonly term: number;
  readonly isStill: boolean;
};

export type Act = { readonly kind: 'freeze' | 'thaw' | 'kill'; readonly id: string };

type Margins = Pick<Config, 'freezeMs' | 'startMarginMs'>;

export const createGuard = (): Guard => ({ warrants: new Map() });

/** An agent has connected, and holds nothing yet (X8). */
export const begin = ({ warrants }: Guard): void => warrants.clear();

/** Undefined: the agent answers for the slot no longer. */
export function vouch({ warrants }: Guard, key: Key, warrant: Warrant | undefined): void {
  if (warrant === undefined) warrants.delete(key);
  else warrants.set(key, warrant);
}

/** Whether an instance that is about to begin may (X8). */
export function mayBegin(guard: Guard, margins: Margins, now: Instant, ward: Ward): boolean {
  return verdict(guard, margins, now, ward) === 'runs';
}

/** What is to be done about these instances now. */
export function watch(
  guard: Guard,
  margins: Margins,
  now: Instant,
  wards: readonly Ward[],
): readonly Act[] {
  return wards.flatMap((ward): readonly Act[] => {
    const { id, isStill } = ward;
    switch (verdict(guard, margins, now, ward)) {
      case 'dies':
        return [{ kind: 'kill', id }];
      case 'stands':
        return isStill ? [] : [{ kind: 'freeze', id }];
      case 'runs':
        return isStill && mayGoOn(guard, margins, now, ward) ? [{ kind: 'thaw', id }] : [];
    }
  });
}

function verdict(
  { warrants }: Guard,
  { freezeMs }: Margins,
  now: Instant,
  { key, term }: Ward,
): 'runs' | 'stands' | 'dies' {
  const warrant = warrants.get(key);
  if (warrant === undefined || term < warrant.first) return 'dies'; // X6
  if (now >= warrant.until) return 'dies';
  return now >= before(warrant.until, freezeMs) ? 'stands' : 'runs'; // X7
}

function mayGoOn(
  { warrants }: Guard,
  { startMarginMs }: Margins,
  now: Instant,
  { key }: Ward,
): boolean {
  const warrant = warrants.get(key);
  return warrant !== undefined && warrant.until >= after(now, startMarginMs);
}

/** When to look again although nothing happens. */
export function watchAt({ warrants }: Guard, { freezeMs }: Margins, now: Instant) {
  let at: Instant | undefined;
  for (const { until } of warrants.values())
    for (const due of [before(until, freezeMs), until]) if (due > now) at = earlier(at, due);
  return at;
}
