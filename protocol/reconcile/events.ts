/**
 * What the engine and the user say happened. These update the table and the journal, and repeat what
 * was asked in vain; the core calls `reconcile` after them in the same step, and that acts.
 *
 * An engine's answers, its events and its lists arrive by different ways and overtake each other:
 * an exit may come before the answer to the start, a list may be older than both.
 */
import type { ComponentId } from '../base/ids.ts';
import { after, between, type Instant, later, type Millis, NEVER, seconds } from '../base/time.ts';
import { FRESH, judge } from '../component/restart.ts';
import type { RestartPolicy } from '../component/spec.ts';
import type { Observed } from '../input.ts';
import { instanceEntry } from '../inventory/entry.ts';
import type { Turn } from '../turn.ts';
import { stillText, tellDrift } from './drift.ts';
import {
  end,
  firstSeen,
  healthSeen,
  type Instance,
  isLive,
  isOverdue,
  isStartedAgain,
  seenAgain,
  driftSeen,
  stillnessSeen,
  type StopWhy,
  UNKNOWN_GRACE_MS,
  vanished,
} from './instance.ts';
import {
  currentOf,
  dropInstance,
  nextAt,
  inOrder,
  noteEarlyEnd,
  noteRemoved,
  NOW,
  type Outcome,
  putInstance,
  type Seat,
  seatOf,
  type Slots,
} from './table.ts';
import { delayText, exitText, lengthText, tell } from './words.ts';

/** A list may be this old when it arrives: what is younger may be missing from it and yet exist. */
const LIST_AGE_MAX_MS = seconds(10);
/** Beyond the grace of a stop before a list that still shows the instance makes us ask again. */
const STOP_SLACK_MS = seconds(5);
/** An engine's passing refusal is retried under every policy: nothing has run. */
const ALWAYS: RestartPolicy = { kind: 'always' };

/** The whole truth of the engine; the first one opens `reconcile` for action. */
export function onListed(slots: Slots, turn: Turn, instances: readonly Observed[]): void {
  slots.listed = true;
  const listed = new Set(instances.map(({ engineId }) => engineId));
  for (const observed of instances) note(slots, turn, observed);
  for (const seat of inOrder(slots)) {
    for (const instance of seat.instances.values()) {
      if (!listed.has(instance.observed.engineId)) missing(slots, turn, seat, instance);
      else askAgain(slots, turn, seat, instance);
    }
  }
}

/** A start succeeded, or the engine reports one running that we did not start. What is gone by now comes late. */
export function onStarted(slots: Slots, turn: Turn, observed: Observed): void {
  const { component, slot, attempt, engineId } = observed;
  const start = slots.seats.get(instanceEntry(component, slot))?.starting;
  const isGone = slots.removed.has(engineId);
  if (isGone && start?.attempt !== attempt) return;
  // `created` would contradict the event itself; an instance that has ended by now says so.
  note(slots, turn, observed.state === 'created' ? { ...observed, state: 'running' } : observed);
  const ended = slots.earlyEnds.get(engineId);
  slots.earlyEnds.delete(engineId);
  if (ended !== undefined) onExited(slots, turn, { engineId, ...ended });
  if (isGone) onRemoved(slots, turn, engineId);
}

export type Refusal = {
  readonly component: ComponentId;
  readonly slot: number;
  readonly attempt: number;
  readonly permanent: boolean;
  readonly reason: string;
};

/** A start failed and left nothing behind. */
export function onRefused(slots: Slots, turn: Turn, refusal: Refusal): void {
  const seat = slots.seats.get(instanceEntry(refusal.component, refusal.slot));
  const start = seat?.starting;
  if (seat === undefined || start === undefined || start.attempt !== refusal.attempt) return;
  seat.starting = undefined;
  seat.dirty = true;
  for (const [engineId, { observed }] of seat.instances)
    if (observed.attempt === refusal.attempt) dropInstance(slots, seat, engineId);
  seat.outcome = {
    attempt: start.attempt,
    revision: start.revision,
    term: start.term,
    state: refusal.permanent ? 'rejected' : 'failed',
    reason: refusal.reason,
  };
  // A start of a spec that is not wanted any more says nothing about the one that is.
  if (seat.desired !== undefined && seat.revision === start.revision)
    countRefusal(turn, seat, refusal, seat.outcome);
}

function countRefusal(
  turn: Turn,
  seat: Seat,
  { permanent, reason }: Refusal,
  outcome: Outcome,
): void {
  if (permanent) {
    seat.next = { kind: 'done' };
    return tell(
      turn,
      seat,
      `rejected: ${reason}; retried when its spec changes or a user restarts it`,
    );
  }
  const [history, verdict] = judge(seat.history, ALWAYS, { kind: 'refused' }, turn);
  seat.history = history;
  if (verdict.kind !== 'restart') return;
  seat.next = nextAt(verdict.at, turn.now);
  const text = `could not be started: ${reason}, ${delayText(between(turn.now, verdict.at))}`;
  seat.outcome = { ...outcome, reason: text };
  tell(turn, seat, text);
}

export type Exit = {
  readonly engineId: string;
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  readonly signal?: string;
};

export function onExited(slots: Slots, turn: Turn, exit: Exit): void {
  const { engineId, exitCode, oomKilled, signal } = exit;
  const ended = { at: turn.now, exitCode, oomKilled };
  const seat = slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat === undefined || instance === undefined) return noteEarlyEnd(slots, engineId, ended);
  if (instance.ended !== undefined) return;
  resolveStart(seat, instance.observed.attempt);
  putInstance(slots, seat, end(instance, ended));
  const how = instance.stop === undefined ? lifeText(instance, turn) : ' as asked';
  const isOthers = instance.stop === undefined && signal !== undefined;
  const by = isOthers ? `; someone had its engine send ${signal}` : '';
  tell(turn, seat, `ended${how}: ${exitText(ended)}${by}`);
}

export function onHealth(
  slots: Slots,
  turn: Turn,
  engineId: string,
  health: 'starting' | 'healthy' | 'unhealthy',
): void {
  const seat = slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat === undefined || instance === undefined || instance.ended !== undefined) return;
  if (instance.observed.health === health) return;
  putInstance(slots, seat, healthSeen(instance, health, turn.now));
  if (health !== 'starting') tell(turn, seat, `${health}${lifeText(instance, turn)}`);
}

export function onFrozen(slots: Slots, turn: Turn, engineId: string, isFrozen: boolean): void {
  const seat = slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat === undefined || instance === undefined || instance.ended !== undefined) return;
  if ((instance.observed.state === 'paused') === isFrozen) return;
  putInstance(slots, seat, stillnessSeen(instance, isFrozen, turn.now));
  tell(turn, seat, stillText(seat, instance, isFrozen));
}

export function onDrifted(
  slots: Slots,
  turn: Turn,
  engineId: string,
  drift: string | undefined,
): void {
  const seat = slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat === undefined || instance === undefined || !isLive(instance)) return;
  const changed = driftSeen(instance, drift, turn.now);
  putInstance(slots, seat, changed);
  tellDrift(turn, seat, instance.observed.drift, changed);
}

export function onRemoved(slots: Slots, turn: Turn, engineId: string): void {
  noteRemoved(slots, engineId);
  const seat = slots.byEngineId.get(engineId);
  const instance = seat?.instances.get(engineId);
  if (seat !== undefined && instance !== undefined) leave(slots, turn, seat, instance);
}

/**
 * A user wants a new instance; not counted as a failure, and the way out of `rejected`, `failed` and
 * a crash loop. False: this slot is not desired on this host, or is one of a job that is over.
 */
export function onRestartCommand(
  slots: Slots,
  turn: Turn,
  component: ComponentId,
  slot: number,
): boolean {
  const seat = slots.seats.get(instanceEntry(component, slot));
  if (seat?.desired === undefined || seat.desired.ended !== undefined) return false;
  const current = currentOf(seat);
  seat.history = FRESH;
  seat.next = NOW;
  seat.dirty = true;
  // One that is being started is new already.
  seat.restartAsked =
    seat.starting === undefined &&
    current !== undefined &&
    isLive(current) &&
    current.stop === undefined;
  tell(turn, seat, 'a user asked for a restart');
  return true;
}

/** How long an instance has lived, where this agent can know. */
const lifeText = ({ ours, since }: Instance, { now }: Turn): string =>
  ours ? ` after ${lengthText(between(since, now))}` : '';

/** Takes in one instance as reported, whatever was known of it. */
function note(slots: Slots, turn: Turn, observed: Observed): void {
  const seat = seatOf(slots, observed.component, observed.slot);
  const known = seat.instances.get(observed.engineId);
  if (known?.ended !== undefined && isStartedAgain(known, observed))
    return endAgain(turn, seat, observed);
  const ours = seat.starting?.attempt === observed.attempt;
  const instance =
    known === undefined
      ? firstSeen(observed, turn.now, ours)
      : seenAgain(known, observed, turn.now);
  putInstance(slots, seat, instance);
  if (isLive(instance)) tellDrift(turn, seat, known?.observed.drift, instance);
  if (!ours || (!isLive(instance) && instance.ended === undefined)) return;
  resolveStart(seat, observed.attempt);
  if (isLive(instance)) tell(turn, seat, startedText(seat, observed, turn));
}

/** What has ended never runs again for us, and its successor is there or on its way: it has to go. */
function endAgain(turn: Turn, seat: Seat, { engineId, attempt }: Observed): void {
  const graceMs = seat.desired?.spec.stopGraceMs ?? UNKNOWN_GRACE_MS;
  tell(turn, seat, `someone has started attempt ${attempt} again, which had ended: told to stop`);
  turn.out.push({ kind: 'stopInstance', engineId, graceMs });
}

function startedText(seat: Seat, { attempt }: Observed, { now }: Turn): string {
  let endedAt: Instant | undefined;
  for (const { ended } of seat.instances.values())
    if (ended !== undefined) endedAt = later(endedAt ?? NEVER, ended.at);
  const when =
    endedAt === undefined ? '' : `, ${lengthText(between(endedAt, now))} after the last one ended`;
  return `started (attempt ${attempt})${when}`;
}

function resolveStart(seat: Seat, attempt: number): void {
  if (seat.starting?.attempt !== attempt) return;
  seat.starting = undefined;
  seat.hasRun = true;
  seat.dirty = true;
}

/** An instance that a list does not show. */
function missing(slots: Slots, turn: Turn, seat: Seat, instance: Instance): void {
  if (instance.gone || turn.now < after(instance.since, LIST_AGE_MAX_MS)) return;
  leave(slots, turn, seat, instance);
}

function leave(slots: Slots, turn: Turn, seat: Seat, instance: Instance): void {
  // Never ran: it leaves no end to judge.
  if (!isLive(instance) && instance.ended === undefined)
    return dropInstance(slots, seat, instance.observed.engineId);
  if (isLive(instance)) tell(turn, seat, 'ended: removed from the engine by someone else');
  putInstance(slots, seat, vanished(instance, turn.now));
}

/** A request whose outcome the list contradicts was lost or could not be met. */
function askAgain(slots: Slots, turn: Turn, seat: Seat, instance: Instance): void {
  const { stop, removing } = instance;
  if (stop !== undefined && isLive(instance) && isOverdue(stop, turn.now, STOP_SLACK_MS)) {
    tell(turn, seat, 'still runs after it was told to stop; told again');
    stopInstance(slots, turn, seat, instance, stop.why, stop.graceMs);
  } else if (removing) {
    turn.out.push({ kind: 'removeInstance', engineId: instance.observed.engineId });
  }
}

export function stopInstance(
  slots: Slots,
  turn: Turn,
  seat: Seat,
  instance: Instance,
  why: StopWhy,
  graceMs: Millis,
): void {
  putInstance(slots, seat, { ...instance, stop: { why, at: turn.now, graceMs } });
  turn.out.push({ kind: 'stopInstance', engineId: instance.observed.engineId, graceMs });
}
