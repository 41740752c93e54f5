/**
 * What others do to an instance that runs, behind the agent's back, and what is done about it.
 *
 *     changed ──may its successor start, and is it time?──▶ told to stop, and replaced
 *     frozen ──was that not asked for here?──▶ thawed; what is strict ──too long──▶ replaced
 *     ended or removed ──▶ as if it had ended by itself (`endings.ts`)
 *
 * Invariants, each proved in test/protocol/reconcile/drift.test.ts:
 *  1. It is stopped only when another may start at once, and runs on as it is until then.
 *  2. An attempt of a job is left to its end: another would be one more than was asked for (J2).
 *  3. Repairs of a slot back off (`component/repair.ts`), and count as no failure.
 */
import { after, between, type Instant, later, seconds } from '../base/time.ts';
import { hasOtherNumber } from '../component/port.ts';
import { repairableAt, repaired } from '../component/repair.ts';
import type { Turn } from '../turn.ts';
import { type Instance, isLive, type StopWhy } from './instance.ts';
import { currentOf, type DesiredSlot, type Seat } from './table.ts';
import { lengthText, tell } from './words.ts';

/** So long a strict one may stand still under a lease before someone else must have done it. */
const STUCK_MS = seconds(5);

/** Since when a strict instance stands still that may run: its guard would have let it go on by now. */
export function noteStuck(seat: Seat, { now }: Turn): void {
  const current = currentOf(seat);
  const isHeld =
    seat.lease?.allows === 'start' &&
    current !== undefined &&
    isLive(current) &&
    current.observed.state === 'paused';
  seat.stuckSince = isHeld ? (seat.stuckSince ?? now) : undefined;
}

/** Why the live instance is to be replaced by one as it was made; asked where that may start at once. */
export function whyRepair(
  seat: Seat,
  desired: DesiredSlot,
  live: Instance,
  turn: Turn,
): Repair | undefined {
  const at = repairAt(seat, desired, live, turn);
  if (at === undefined || turn.now < at) return undefined;
  if (isDrifted(desired, live)) return 'drifted';
  return isRenumbered(desired, live, turn) ? 'renumbered' : 'stuck';
}

type Repair = Extract<StopWhy, 'drifted' | 'renumbered' | 'stuck'>;
export const isRepair = (why: StopWhy): why is Repair =>
  why === 'drifted' || why === 'renumbered' || why === 'stuck';

export function noteRepair(seat: Seat, { now, config }: Turn): void {
  seat.repairs = repaired(seat.repairs, now, config);
}

/** When it is to be replaced, if nothing else happens. */
export function repairDeadline(seat: Seat, turn: Turn): Instant | undefined {
  const live = currentOf(seat);
  if (live === undefined || seat.desired === undefined) return undefined;
  const at = repairAt(seat, seat.desired, live, turn);
  return at !== undefined && at > turn.now ? at : undefined;
}

/** Undefined: there is nothing to repair. */
function repairAt(
  seat: Seat,
  desired: DesiredSlot,
  live: Instance,
  turn: Turn,
): Instant | undefined {
  if (live.stop !== undefined || !isLive(live)) return undefined;
  const at = repairableAt(seat.repairs, turn.config);
  if (isDrifted(desired, live)) return at;
  if (isRenumbered(desired, live, turn)) return at;
  return seat.stuckSince === undefined ? undefined : later(at, after(seat.stuckSince, STUCK_MS));
}

const isDrifted = ({ spec }: DesiredSlot, { observed }: Instance): boolean =>
  observed.drift !== undefined && spec.job === undefined;

/** P3. An engine that binds another number than it was told is so asked again ever more slowly. */
const isRenumbered = (
  { spec, ports }: DesiredSlot,
  { observed }: Instance,
  { config }: Turn,
): boolean => spec.job === undefined && hasOtherNumber(spec, ports, observed.ports, config);

/** `before`: what was known of it to differ until now. */
export function tellDrift(
  turn: Turn,
  seat: Seat,
  before: string | undefined,
  { observed: { drift } }: Instance,
): void {
  if (drift === before) return;
  if (drift === undefined) return tell(turn, seat, 'is again as it was made');
  tell(turn, seat, `someone else has changed it: ${drift}${nextText(seat, turn)}`);
}

function nextText({ desired, repairs }: Seat, { now, config }: Turn): string {
  if (desired === undefined) return '';
  if (desired.spec.job !== undefined) return '; an attempt of a job is left to its end';
  const at = repairableAt(repairs, config);
  return at > now ? `; replaced ${lengthText(between(now, at))} later` : '';
}

/** Of one that stands still or goes on. */
export function stillText(
  { desired, lease }: Seat,
  { asked }: Instance,
  isFrozen: boolean,
): string {
  if (!isFrozen) return 'goes on';
  if (lease !== undefined || asked?.what === 'freeze') return 'frozen';
  const isOwn = desired !== undefined && desired.isolation === undefined;
  return isOwn ? 'frozen by someone else, and told to go on' : 'frozen by someone else';
}
