/**
 * Desired minus observed, one safe step at a time, for the slots of this host.
 *
 *     adopt what runs ─▶ stop what must not run ─▶ start what is missing ─▶ remove what has ended
 *
 * Invariants, each proved in test/protocol/reconcile/:
 *  1. Nothing is touched before the engine has been listed: adoption comes first.
 *  2. At most one start or stop per slot is under way. Beside it, at most one removal of an ended
 *     instance: an engine that cannot remove must not keep a slot down.
 *  3. A start is asked for only when no instance of the slot runs or is being started (S13).
 *  4. Attempts of one slot rise strictly, and above all that were ever observed.
 *  5. A slot that is neither desired nor known to be unwanted is not touched at all.
 *  6. A running instance of the wanted spec is stopped only for bad health, by a user, as a duplicate,
 *     because its contract says so of a host that is isolated, or as a job whose time is up; one of
 *     another spec, that others have changed, or that looks for what it depends on where that is not any
 *     more, only when its successor may start at once.
 *  7. What runs of a slot that was taken from this host, and is not decided on yet, is left alone.
 *
 * A start without an answer stays under way until the engine shows its instance: an image may take
 * minutes to arrive, and a second start would be a second instance.
 */
import { assert, unreachable } from '../base/assert.ts';
import type { ComponentId } from '../base/ids.ts';
import { after, earlier, FOREVER, type Millis, millis } from '../base/time.ts';
import { sameData } from '../base/same.ts';
import { toldOf } from '../component/addresses.ts';
import { withChosen } from '../component/port.ts';
import { FRESH, mayGoOn, mayRestart, settle } from '../component/restart.ts';
import type { Turn } from '../turn.ts';
import { isRepair, noteMoved, noteRepair, noteStuck, repairDeadline, whyRepair } from './drift.ts';
import { countFailure, judgeEnd } from './endings.ts';
import { stopInstance } from './events.ts';
import { type Instance, isLive, type StopWhy, UNKNOWN_GRACE_MS } from './instance.ts';
import { refreshReport } from './report.ts';
import {
  ASK_AGAIN_MS,
  currentOf,
  type DesiredSlot,
  forgetSeat,
  inOrder,
  isLawful,
  isRival,
  liveOf,
  nextAt,
  NOW,
  putInstance,
  type RivalSlot,
  type Seat,
  seatDeadline,
  seatOf,
  type SlotLease,
  type Slots,
  timeoutOf,
  type Wait,
} from './table.ts';
import { STOP_TEXT, tell } from './words.ts';

export type Wish = {
  /** Each slot once. */
  readonly desired: readonly DesiredSlot[];
  /**
   * Whether a slot that is not desired must not run here. False where its component's committed
   * assignment is not known: then it is left alone.
   */
  readonly unwanted: (component: ComponentId, slot: number) => boolean;
  /** What an unwanted slot waits for before its instance is told to stop; undefined: nothing. */
  readonly waitOf: (component: ComponentId) => Wait | undefined;
  /** Slots that are not desired, whose instances are left alone for now. */
  readonly rivals: readonly RivalSlot[];
  /** Of a strict slot; undefined: the slot is not strict. */
  readonly leaseOf: (component: ComponentId, slot: number) => SlotLease | undefined;
  /** This agent was stalled and may have missed newer assignments: nothing new is started yet. */
  readonly holdStarts: boolean;
};

/** A start or a stop, and a removal; beside them each instance may be killed for want of a lease. */
const STEPS_MAX = 2;

type Step =
  | { readonly kind: 'start'; readonly desired: DesiredSlot }
  | {
      readonly kind: 'stop';
      readonly instance: Instance;
      readonly why: StopWhy;
    }
  | { readonly kind: 'freeze' | 'thaw'; readonly instance: Instance }
  | { readonly kind: 'remove'; readonly instance: Instance }
  /** Nothing is left of a slot that is not desired. */
  | { readonly kind: 'forget' };

/** Call after every event and at `slotsDeadline`; cheap when nothing has changed. */
export function reconcile(slots: Slots, turn: Turn, wish: Wish): void {
  desire(slots, wish);
  if (!slots.listed) return; // invariant 1
  slots.deadline = undefined;
  for (const seat of inOrder(slots)) {
    const unwanted = seat.desired === undefined && wish.unwanted(seat.component, seat.slot);
    const wait = unwanted ? wish.waitOf(seat.component) : undefined;
    noteWait(turn, seat, wait);
    take(slots, turn, seat);
    takeSteps(slots, turn, seat, unwanted);
    refreshReport(slots, seat);
    slots.deadline = earlier(slots.deadline, seatDeadline(seat, turn));
    slots.deadline = earlier(slots.deadline, repairDeadline(seat, turn));
    slots.deadline = earlier(slots.deadline, seat.desired?.waitsUntil);
    if (seat.waits !== undefined) slots.deadline = earlier(slots.deadline, wait?.until);
  }
}

function takeSteps(slots: Slots, turn: Turn, seat: Seat, unwanted: boolean): void {
  for (let count = 0; ; count++) {
    const step = nextStep(seat, turn, unwanted, slots.hold);
    if (step === undefined) return;
    // An agent that stops here is restarted; one that never comes back is not.
    assert(
      count < STEPS_MAX + seat.instances.size,
      'reconcile: each step takes away its own reason',
    );
    perform(slots, turn, seat, step);
    if (step.kind === 'forget') return;
  }
}

function desire(slots: Slots, wish: Wish): void {
  slots.round += 1;
  for (const desired of wish.desired) {
    const seat = seatOf(slots, desired.component, desired.slot);
    seat.round = slots.round;
    const policy = seat.desired?.spec.restart;
    seat.dirty ||= seat.desired === undefined || !sameWish(seat.desired, desired);
    seat.desired = desired;
    if (seat.revision === desired.revision) {
      if (policy !== undefined && !sameData(policy, desired.spec.restart))
        reconsider(seat, desired);
      continue;
    }
    seat.revision = desired.revision;
    seat.history = FRESH;
    seat.next = NOW;
    if (desired.spec.job !== undefined) judgeAnew(slots, seat, desired);
  }
  for (const seat of slots.seats.values()) {
    // Nearly always there is none.
    const rival = wish.rivals.find(
      ({ component, slot }) => component === seat.component && slot === seat.slot,
    );
    seat.dirty ||= seat.rival?.revision !== rival?.revision;
    seat.rival = rival;
    const lease = wish.leaseOf(seat.component, seat.slot);
    seat.dirty ||= seat.lease?.allows !== lease?.allows;
    seat.lease = lease;
  }
  const held = slots.hold !== wish.holdStarts;
  slots.hold = wish.holdStarts;
  for (const seat of slots.seats.values()) {
    seat.dirty ||= held;
    if (seat.round === slots.round || seat.desired === undefined) continue;
    seat.desired = undefined;
    seat.revision = undefined;
    seat.restartAsked = false;
    seat.dirty = true;
  }
}

/** The slot was taken from this host and is back: how its attempt here ended counts still (J2). */
function judgeAnew(slots: Slots, seat: Seat, { revision }: DesiredSlot): void {
  const current = currentOf(seat);
  if (current?.judged !== true || current.observed.revision !== revision) return;
  putInstance(slots, seat, { ...current, judged: false });
}

/** It has another restart policy now: what was given up under the former may go on under this one. */
function reconsider(seat: Seat, { spec: { restart } }: DesiredSlot): void {
  const state = seat.outcome?.state;
  if (seat.next.kind !== 'done' || (state !== 'complete' && state !== 'failed')) return;
  if (!mayGoOn(state, restart)) return;
  seat.history = FRESH;
  seat.next = NOW;
  seat.dirty = true;
}

const sameWish = (a: DesiredSlot, b: DesiredSlot): boolean =>
  a.revision === b.revision &&
  a.term === b.term &&
  a.mayStart === b.mayStart &&
  a.waitsFor === b.waitsFor &&
  a.ended?.state === b.ended?.state &&
  a.isolation === b.isolation;

/** Takes note of what time and the engine have done to a desired slot. */
function take(slots: Slots, turn: Turn, seat: Seat): void {
  const { desired } = seat;
  if (desired === undefined) return;
  noteStuck(seat, turn);
  noteMoved(seat, turn);
  const current = currentOf(seat);
  if (current !== undefined) {
    if (isLive(current)) adopt(slots, turn, seat, current, desired);
    else judgeEnd(slots, turn, seat, current, desired);
  }
  const wellSince = current === undefined ? undefined : current.wellSince;
  const history = settle(seat.history, desired.spec, wellSince, turn);
  if (history !== seat.history) {
    if (seat.history.crashLoop && !history.crashLoop) tell(turn, seat, 'no longer in a crash loop');
    seat.history = history;
    seat.dirty = true;
  }
  if (seat.next.kind === 'at') seat.next = nextAt(seat.next.at, turn.now);
}

function adopt(
  slots: Slots,
  turn: Turn,
  seat: Seat,
  current: Instance,
  desired: DesiredSlot,
): void {
  const { attempt, revision, startedAt } = current.observed;
  if (current.ours || current.adopted || revision !== desired.revision) return;
  const since = startedAt === undefined ? '' : `, running since ${startedAt}`;
  tell(turn, seat, `adopted as it is (attempt ${attempt}${since})`);
  putInstance(slots, seat, { ...current, adopted: true });
}

/** The one next safe step; undefined: nothing to do, or not now. */
function nextStep(seat: Seat, turn: Turn, unwanted: boolean, hold: boolean): Step | undefined {
  const { desired } = seat;
  const live = liveOf(seat);
  const unlawful = live.find((instance) => !isLawful(seat.lease, instance));
  if (unlawful !== undefined) return { kind: 'stop', instance: unlawful, why: 'fenced' };
  if (live[0] !== undefined && isRival(seat, live[0]))
    return isolatedStep(live[0], turn, seat.rival?.isolation);
  if (desired === undefined && !unwanted) return forgottenStep(seat); // invariant 5
  const busy = seat.starting !== undefined || live.some(({ stop }) => stop !== undefined);
  if (!busy) {
    const duplicate = live[1];
    if (duplicate !== undefined) return { kind: 'stop', instance: duplicate, why: 'duplicate' };
    const step =
      desired === undefined ? endStep(seat, live[0]) : keepStep(seat, turn, desired, live[0], hold);
    if (step !== undefined) return step;
  }
  return removeStep(seat, live[0]) ?? forgottenStep(seat);
}

function endStep({ waits }: Seat, live: Instance | undefined): Step | undefined {
  const isDue = live !== undefined && waits === undefined;
  return isDue ? { kind: 'stop', instance: live, why: 'unwanted' } : undefined;
}

/** What is told to stop waits no more. */
function noteWait(turn: Turn, seat: Seat, wait: Wait | undefined): void {
  const runs = wait !== undefined && liveOf(seat).some(({ stop }) => stop === undefined);
  const why = runs ? wait.why : undefined;
  if (seat.waits === why) return;
  if (seat.waits === undefined && why !== undefined)
    tell(turn, seat, `not wanted any more; ${why}`);
  seat.waits = why;
  seat.dirty = true;
}

function keepStep(
  seat: Seat,
  turn: Turn,
  desired: DesiredSlot,
  live: Instance | undefined,
  hold: boolean,
): Step | undefined {
  /** A successor may start as soon as the slot is free. */
  const mayStart = seat.lease === undefined || seat.lease.allows === 'start';
  const startable = isStartable(desired) && !hold && mayStart;
  if (live === undefined)
    return startable && seat.next.kind === 'now' ? { kind: 'start', desired } : undefined;
  if (desired.isolation !== undefined) return isolatedStep(live, turn, desired.isolation);
  const why = whyStop(seat, desired, live, startable, turn);
  if (why !== undefined) return { kind: 'stop', instance: live, why };
  // What is strict is thawed by its guard (X2).
  return hold || seat.lease !== undefined ? undefined : stillStep(live, turn, 'thaw');
}

function isolatedStep(
  live: Instance,
  turn: Turn,
  isolation: DesiredSlot['isolation'],
): Step | undefined {
  if (isolation === 'stop') return { kind: 'stop', instance: live, why: 'isolated' };
  return isolation === 'freeze' ? stillStep(live, turn, 'freeze') : undefined;
}

/** Freezes or thaws it, unless that has been done or asked for. */
function stillStep(live: Instance, { now }: Turn, kind: 'freeze' | 'thaw'): Step | undefined {
  if ((live.observed.state === 'paused') === (kind === 'freeze')) return undefined;
  const isAsked = live.asked?.what === kind && now < after(live.asked.at, ASK_AGAIN_MS);
  return isAsked ? undefined : { kind, instance: live };
}

const isStartable = ({ mayStart, waitsFor, ended }: DesiredSlot): boolean =>
  mayStart && waitsFor === undefined && ended === undefined;

/** Invariant 6. */
function whyStop(
  seat: Seat,
  desired: DesiredSlot,
  live: Instance,
  startable: boolean,
  turn: Turn,
): StopWhy | undefined {
  const { observed } = live;
  if (startable && observed.revision !== desired.revision) return 'replaced';
  if (startable && seat.restartAsked) return 'restart';
  if ((timeoutOf(desired, live) ?? FOREVER) <= turn.now) return 'timeout';
  const repair = startable ? whyRepair(seat, desired, live, turn) : undefined;
  if (repair !== undefined) return repair;
  // Stopping what the policy will not start again would turn bad health into none at all.
  const restartable = desired.ended === undefined && mayRestart(seat.history, desired.spec.restart);
  return observed.health === 'unhealthy' && restartable ? 'unhealthy' : undefined;
}

/** What has ended is kept, for its logs, until its successor runs or nothing is wanted here. */
function removeStep(seat: Seat, live: Instance | undefined): Step | undefined {
  const all = [...seat.instances.values()];
  if (all.some(({ removing }) => removing)) return undefined;
  const kept = seat.desired === undefined ? undefined : (live ?? currentOf(seat));
  const instance = all.find(
    (candidate) =>
      !candidate.gone &&
      !isLive(candidate) &&
      // Created and never started is nobody's last instance, unless it is being started right now.
      (candidate.ended === undefined
        ? candidate.observed.attempt !== seat.starting?.attempt
        : candidate !== kept),
  );
  return instance === undefined ? undefined : { kind: 'remove', instance };
}

function forgottenStep(seat: Seat): Step | undefined {
  if (seat.desired !== undefined || seat.starting !== undefined) return undefined;
  const left = [...seat.instances.values()].some(({ gone }) => !gone);
  return left ? undefined : { kind: 'forget' };
}

function perform(slots: Slots, turn: Turn, seat: Seat, step: Step): void {
  switch (step.kind) {
    case 'start':
      return start(turn, seat, { ...step.desired, term: seat.lease?.term ?? step.desired.term });
    case 'stop':
      return giveUp(slots, turn, seat, step.instance, step.why);
    case 'freeze':
    case 'thaw': {
      const { engineId } = step.instance.observed;
      putInstance(slots, seat, { ...step.instance, asked: { what: step.kind, at: turn.now } });
      turn.out.push({ kind: `${step.kind}Instance`, engineId });
      return;
    }
    case 'remove':
      putInstance(slots, seat, { ...step.instance, removing: true });
      turn.out.push({ kind: 'removeInstance', engineId: step.instance.observed.engineId });
      return;
    case 'forget':
      return forgetSeat(slots, seat);
    default:
      return unreachable(step);
  }
}

function start(
  turn: Turn,
  seat: Seat,
  { component, slot, revision, term, spec: wanted, ports, reach }: DesiredSlot,
): void {
  assert(seat.starting === undefined, 'reconcile 2: one start per slot');
  seat.attempt += 1; // invariant 4
  const { attempt } = seat;
  seat.starting = { attempt, revision, term, since: turn.now };
  seat.restartAsked = false;
  seat.dirty = true;
  const spec = withChosen(wanted, ports);
  const told = reach === undefined ? {} : { addresses: toldOf(reach) };
  turn.out.push({ kind: 'startInstance', component, slot, attempt, revision, term, spec, ...told });
}

function giveUp(slots: Slots, turn: Turn, seat: Seat, instance: Instance, why: StopWhy): void {
  tell(turn, seat, `told to stop (attempt ${instance.observed.attempt}): ${STOP_TEXT[why]}`);
  if (why === 'unhealthy') countFailure(turn, seat, instance, { kind: 'unhealthy' }, 'unhealthy');
  if (why === 'timeout')
    countFailure(turn, seat, instance, { kind: 'timedOut' }, STOP_TEXT.timeout);
  if (isRepair(why)) noteRepair(seat, turn);
  const judged = instance.judged || why === 'unhealthy' || why === 'timeout';
  stopInstance(slots, turn, seat, { ...instance, judged }, why, graceOf(seat, instance, why));
}

function graceOf({ lease, desired }: Seat, { observed }: Instance, why: StopWhy): Millis {
  // A farewell is no reason to outlive the lease, and to say it a frozen one would have to go on.
  const isStill = lease !== undefined && observed.state === 'paused';
  if (why === 'fenced' || isStill) return millis(0);
  return desired?.spec.stopGraceMs ?? UNKNOWN_GRACE_MS;
}
