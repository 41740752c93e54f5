/**
 * Which strict slots this host may run at this moment, and until when (README.md §9, strict singletons).
 *
 *     assigned ──campaign──▶ held until V ──the guard has V──▶ may run ──V − F──▶ stands still
 *                                ▲                                │                    │
 *                                └────────── renewed ─────────────┴────────────────────┘ goes on
 *
 * A strict slot is a leased key of class strict. What counts is the smaller of what the voters have
 * granted and what the guard has acknowledged: an instance that this agent forgets, or cannot reach, is
 * frozen by the guard before any other host can hold the key. Nobody computes another's ending.
 *
 *  X1 Nothing is started unless V − now ≥ startMarginMs, with the guard's word for V.
 *  X2 Only the guard freezes and thaws (`guard/guard.ts`). What still runs when half of F is left, and
 *     whatever lives without the guard's word, is killed from here.
 *  X3 What was made under a term that has ended runs under no other: it is killed.
 *  X4 A key is not released while an instance made under it lives, nor what an earlier start of this
 *     agent has bound.
 *  X5 No strict key is tried for before the instances here are known and the guard answers.
 *  X9 An agent that is to end for good, or as its machine reboots, first ends what is strict here, with its
 *     grace, and returns the keys by X4: nobody has to wait until they run out.
 */
import { type ComponentId, type Key, slotKey, type Term } from '../base/ids.ts';
import { after, before, earlier, type Instant, millis, NEVER, seconds } from '../base/time.ts';
import type { Warrant } from '../guard/guard.ts';
import { instanceEntry } from '../inventory/entry.ts';
import { classOf } from '../lease/class.ts';
import { heldUntil } from '../lease/hold.ts';
import type { Leases } from '../lease/leases.ts';
import { hasLife, type SlotLease } from '../reconcile/table.ts';
import { specOf } from '../rollout/version.ts';
import { journal, type Turn } from '../turn.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/** One strict slot that is held here, and what its guard knows of it. */
type Guarded = {
  /** The term since which it is held without a gap; ballots raised since then left none (H5). */
  readonly first: Term;
  /** V as acknowledged by the guard. */
  until: Instant;
  /** V as last told to it. */
  toldUntil: Instant;
};

export type Guarding = {
  isPresent: boolean;
  /** When its guard was there last; NEVER: no guard ever was. */
  seenAt: Instant;
  readonly slots: Map<Key, Guarded>;
  /** The agent is to end: what is strict is not for this host any more (X9). */
  yields: boolean;
};

export const createGuarding = (): Guarding => ({
  isPresent: false,
  seenAt: NEVER,
  slots: new Map(),
  yields: false,
});

/** A guard that is away for longer has ended: strict slots go elsewhere. */
const GUARD_MISSED_MS = seconds(10);

/** Whether strict slots may be given to this host. */
export const isGuarded = ({ guarding }: Core, { now }: Turn): boolean =>
  guarding.isPresent ||
  (guarding.seenAt !== NEVER && now < after(guarding.seenAt, GUARD_MISSED_MS));

/** X5. */
export const mayLeadStrict = ({ slots, guarding }: Core): boolean =>
  slots.listed && guarding.isPresent;

/** X4: it is not strict, or nothing here was made under it and lives. */
export function isFree({ slots }: Core, key: Key): boolean {
  if (classOf(key) === 'normal') return true;
  const seat = slots.seats.get(`instance/${key.slice('slot/'.length)}`);
  // Without a lease: what lives there is of a spec that is not strict any more.
  return slots.listed && (seat?.lease === undefined || !hasLife(seat));
}

/** Every strict slot that this host is to hold: assigned to it, or still running here (X4). */
export function strictKeys(core: Core): readonly Key[] {
  const keys = new Set<Key>();
  if (core.identity.facts.runs !== 'nothing' && !core.guarding.yields)
    for (const { assignment, slot, spec } of know(core).here) {
      if (spec.singleton !== 'strict') continue;
      const { component, slots } = assignment.component;
      // What has ended needs no key.
      if (slots.some((each) => each.slot === slot && each.ended !== undefined)) continue;
      keys.add(slotKey(component, slot));
    }
  for (const seat of core.slots.seats.values())
    if (seat.lease !== undefined && hasLife(seat)) keys.add(slotKey(seat.component, seat.slot));
  return [...keys].sort();
}

/** Nothing strict is left here to be ended first (X9). */
export const hasYielded = (core: Core): boolean => strictKeys(core).length === 0;

/** Follows the leases: tells the guard of every V, and takes back what has ended. */
export function tellGuard(core: Core, leases: Leases, turn: Turn): void {
  const { slots, isPresent } = core.guarding;
  if (!isPresent) return;
  for (const key of slots.keys()) {
    if (isHeldNow(core, leases, turn, key)) continue;
    slots.delete(key);
    turn.out.push({ kind: 'guardSlot', key });
  }
  for (const key of strictKeys(core)) {
    const first = leases.holder.holds.get(key)?.term;
    if (first === undefined || !isHeldNow(core, leases, turn, key)) continue;
    const until = untilOf(core, leases, turn, key);
    const known = slots.get(key) ?? { first, until: NEVER, toldUntil: NEVER };
    slots.set(key, known);
    if (until <= known.toldUntil) continue;
    known.toldUntil = until;
    turn.out.push({ kind: 'guardSlot', key, warrant: { first: known.first, until } });
  }
}

/** A guard answers, and knows of nothing yet. */
export function onGuardJoined(core: Core, turn: Turn): void {
  core.guarding.slots.clear();
  core.guarding.isPresent = true;
  core.guarding.seenAt = turn.now;
}

/** The guard will act at `until` − F; an old acknowledgment changes nothing. */
export function onGuardAcknowledged(core: Core, key: Key, { first, until }: Warrant): void {
  const known = core.guarding.slots.get(key);
  if (known?.first === first && until > known.until) known.until = until;
}

/** The guard is silent: nobody would freeze what runs, so nothing strict may. */
export function onGuardLost(core: Core, turn: Turn): void {
  if (!core.guarding.isPresent) return;
  core.guarding.slots.clear();
  core.guarding.isPresent = false;
  core.guarding.seenAt = turn.now;
  journal(turn, 'guard', [turn.self], 'its guard does not answer: strict instances are stopped');
}

/** What the lease of a strict slot allows now; undefined: the slot is not strict. */
export function leaseOf(
  core: Core,
  leases: Leases,
  turn: Turn,
  component: ComponentId,
  slot: number,
): SlotLease | undefined {
  const assigned = know(core).assignments.get(component)?.component;
  const mark = assigned?.slots.find((each) => each.slot === slot) ?? {};
  const isStrict = assigned !== undefined && specOf(assigned, mark).singleton === 'strict';
  const seat = core.slots.seats.get(instanceEntry(component, slot));
  const isLeft = seat?.lease !== undefined && hasLife(seat);
  if (!isStrict && !isLeft) return undefined;
  const key = slotKey(component, slot);
  const term = leases.holder.holds.get(key)?.term;
  const guarded = core.guarding.slots.get(key);
  if (term === undefined || guarded === undefined) return { allows: 'nothing' };
  const until = sooner(guarded.until, untilOf(core, leases, turn, key));
  return { allows: allowed(core, until, turn.now), term, first: guarded.first };
}

function allowed({ config }: Core, until: Instant, now: Instant): SlotLease['allows'] {
  if (until >= after(now, config.startMarginMs)) return 'start'; // X1
  if (until > after(now, lateMs(config.freezeMs))) return 'run';
  return until > now ? 'stand' : 'nothing';
}

/** By then the guard has frozen it. */
const lateMs = (freezeMs: number) => millis(Math.floor(freezeMs / 2));

/** When less is allowed than now, or the guard is missed for too long. */
export function strictDeadline(core: Core, leases: Leases, turn: Turn): Instant | undefined {
  const { isPresent, seenAt, slots } = core.guarding;
  const missedAt = after(seenAt, GUARD_MISSED_MS);
  let deadline = isPresent || missedAt <= turn.now ? undefined : missedAt;
  for (const [key, { until }] of slots) {
    const end = sooner(until, untilOf(core, leases, turn, key));
    for (const due of [before(end, lateMs(core.config.freezeMs)), end])
      if (due > turn.now) deadline = earlier(deadline, due);
  }
  return deadline;
}

const sooner = (a: Instant, b: Instant): Instant => (a < b ? a : b);
const untilOf = (core: Core, { holder, links }: Leases, turn: Turn, key: Key): Instant =>
  heldUntil(holder, links, turn, core.council.roster, key);
const isHeldNow = (core: Core, leases: Leases, turn: Turn, key: Key): boolean =>
  turn.now < untilOf(core, leases, turn, key);
