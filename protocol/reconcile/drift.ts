/**
 * What becomes wrong of an instance that runs, and no fault of its own, and what is done about it: others
 * change it behind the agent's back, its number is given to another, what it depends on moves.
 *
 *     changed ──may its successor start, and is it time?──▶ told to stop, and replaced
 *     told where others are ──nothing of that is true any more──▶ for long enough: replaced
 *     frozen ──was that not asked for here?──▶ thawed; what is strict ──too long──▶ replaced
 *     ended or removed ──▶ as if it had ended by itself (`endings.ts`)
 *
 * Invariants, each proved in test/protocol/reconcile/drift.test.ts:
 *  1. It is stopped only when another may start at once, and runs on as it is until then.
 *  2. An attempt of a job is left to its end: another would be one more than was asked for (J2).
 *  3. Repairs of a slot back off (`component/repair.ts`), and count as no failure.
 */
import { after, between, earlier, type Instant, later, seconds } from '../base/time.ts';
import { isSamePort, lostPort, type PortReach } from '../component/addresses.ts';
import { hasOtherNumber } from '../component/port.ts';
import { repairableAt, repaired } from '../component/repair.ts';
import type { Turn } from '../turn.ts';
import { type Instance, isLive, type StopWhy } from './instance.ts';
import { currentOf, type DesiredSlot, type Seat } from './table.ts';
import { lengthText, tell } from './words.ts';

/** So long a strict one may stand still under a lease before someone else must have done it. */
const STUCK_MS = seconds(5);
/**
 * So long what it depends on must be found elsewhere. An instance that ends and starts again in its place is
 * away for a moment, and an agent that has just started has not heard of all.
 */
const MOVED_MS = seconds(5);

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

/** Since when what it depends on is found elsewhere only (N3); an attempt of a job is left to its end. */
export function noteMoved(seat: Seat, turn: Turn): void {
  const { desired } = seat;
  const current = currentOf(seat);
  const isLooking = current !== undefined && isLive(current) && current.stop === undefined;
  const lost =
    isLooking && desired?.reach !== undefined && desired.spec.job === undefined
      ? lostPort(current.observed.addresses, desired.reach)
      : undefined;
  if (lost === undefined) {
    seat.movedSince = undefined;
    return;
  }
  if (seat.movedSince === undefined) tell(turn, seat, lostText(current, lost));
  seat.movedSince ??= turn.now;
}

function lostText(current: Instance | undefined, lost: PortReach): string {
  const told = current?.observed.addresses?.find((port) => isSamePort(port, lost))?.at ?? [];
  const [now = ''] = lost.at;
  const was = told.length === 0 ? 'it was told of none' : `it was told ${told.join(', ')}`;
  return `${lost.on} is found at ${now} for port ${lost.target}, and ${was}`;
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
  if (isRenumbered(desired, live, turn)) return 'renumbered';
  const movedAt = movedUntil(seat);
  return movedAt !== undefined && movedAt <= turn.now ? 'readdressed' : 'stuck';
}

type Repair = Extract<StopWhy, 'drifted' | 'renumbered' | 'readdressed' | 'stuck'>;
const REPAIRS: ReadonlySet<StopWhy> = new Set<Repair>([
  'drifted',
  'renumbered',
  'readdressed',
  'stuck',
]);
export const isRepair = (why: StopWhy): why is Repair => REPAIRS.has(why);

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
  const { stuckSince } = seat;
  const stuckAt = stuckSince === undefined ? undefined : after(stuckSince, STUCK_MS);
  const due = earlier(stuckAt, movedUntil(seat));
  return due === undefined ? undefined : later(at, due);
}

const movedUntil = ({ movedSince }: Seat): Instant | undefined =>
  movedSince === undefined ? undefined : after(movedSince, MOVED_MS);

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
