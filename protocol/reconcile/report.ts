/** What everyone is told of a slot on this host: the instance that fills it, or the last that did. */
import { type Term, term } from '../base/ids.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import type { SlotEnd } from '../record/record.ts';
import type { Ended, Instance } from './instance.ts';
import { isLive } from './instance.ts';
import { currentOf, type DesiredSlot, isRival, type Seat, type Slots } from './table.ts';
import { exitText, STOP_TEXT } from './words.ts';

/** Makes the report anew if the seat has changed, and raises `slots.version` if it reads otherwise. */
export function refreshReport(slots: Slots, seat: Seat): void {
  if (!seat.dirty || slots.seats.get(seat.name) !== seat) return;
  seat.dirty = false;
  const before = slots.reports.get(seat.name);
  const report = reportOf(seat, slots.hold);
  if (
    report === undefined ? before === undefined : JSON.stringify(before) === JSON.stringify(report)
  )
    return;
  if (report === undefined) slots.reports.delete(seat.name);
  else slots.reports.set(seat.name, report);
  slots.version += 1;
}

type Rest = Omit<InstanceReport, 'kind' | 'component' | 'slot' | 'restarts' | 'crashLoop'>;

function reportOf(seat: Seat, hold: boolean): InstanceReport | undefined {
  const rest = restOf(seat, waitText(seat.desired, hold));
  if (rest === undefined) return undefined;
  const current = currentOf(seat);
  return {
    kind: 'instance',
    component: seat.component,
    slot: seat.slot,
    restarts: seat.history.failures.length,
    crashLoop: seat.history.crashLoop,
    ...rest,
    ...(current !== undefined && isRival(seat, current) ? { isRival: true } : {}),
    ...(isOver(seat, rest) ? { isOver: true } : {}),
  };
}

const isOver = ({ desired, next }: Seat, { state, revision }: Rest): boolean =>
  next.kind === 'done' &&
  revision === desired?.revision &&
  (state === 'complete' || state === 'failed');

function restOf(seat: Seat, waits: string | undefined): Rest | undefined {
  const { starting, outcome, desired } = seat;
  const current = currentOf(seat);
  if (starting !== undefined) {
    const { attempt, revision, term: under } = starting;
    const state = current?.observed.attempt === attempt ? 'starting' : 'preparing';
    return { state, health: 'none', attempt, revision, term: under, ports: [] };
  }
  if (current !== undefined && isLive(current))
    return seat.waits === undefined
      ? ofLive(current, desired, waits)
      : { ...ofLive(current, desired), reason: seat.waits };
  if (outcome !== undefined && outcome.attempt > (current?.observed.attempt ?? -1)) {
    const reason = joined(outcome.reason, waits);
    return { ...outcome, reason, health: 'none', ports: [] };
  }
  if (current?.ended !== undefined) return ofEnded(seat, current, current.ended, waits);
  if (desired === undefined) return undefined;
  const { revision, term: under, ended } = desired;
  if (ended !== undefined) return ofRecord(ended, revision, under);
  const reason = waits === undefined ? {} : { reason: waits };
  return {
    state: 'pending',
    health: 'none',
    attempt: 0,
    revision,
    term: under,
    ports: [],
    ...reason,
  };
}

function liveText(
  { observed, stop }: Pick<Instance, 'observed' | 'stop'>,
  outdated: boolean,
  waits: string | undefined,
): string | undefined {
  if (stop !== undefined) return STOP_TEXT[stop.why];
  if (outdated) return joined('runs an older spec', waits);
  const still = observed.state === 'paused' ? 'frozen' : undefined;
  const drift = observed.drift === undefined ? [] : [`changed by someone else: ${observed.drift}`];
  const all = [still, ...drift].filter((text) => text !== undefined).join('; ');
  return all === '' ? undefined : joined(all, waits);
}

function ofLive(
  { observed, stop }: Instance,
  desired: DesiredSlot | undefined,
  waits?: string,
): Rest {
  const { engineId, pid, startedAt, ports, health, attempt, revision } = observed;
  const outdated = desired !== undefined && desired.revision !== revision && stop === undefined;
  const reason = liveText({ observed, stop }, outdated, waits);
  return {
    state: stop === undefined ? 'running' : 'stopping',
    health,
    attempt,
    revision,
    term: term(observed.term),
    engineId,
    ...(pid === undefined ? {} : { pid }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(reason === undefined ? {} : { reason }),
    ports,
  };
}

function ofEnded(seat: Seat, { observed, stop }: Instance, ended: Ended, waits?: string): Rest {
  const { engineId, startedAt, attempt, revision } = observed;
  const outcome = seat.outcome?.attempt === attempt ? seat.outcome : undefined;
  const byCode = ended.exitCode === 0 ? 'complete' : 'failed';
  const waiting = seat.next.kind === 'done' ? undefined : waits;
  return {
    state: outcome?.state ?? (stop === undefined ? byCode : 'shutdown'),
    health: 'none',
    attempt,
    revision,
    term: term(observed.term),
    engineId,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(ended.exitCode === undefined ? {} : { exitCode: ended.exitCode }),
    reason: joined(
      outcome?.reason ?? (stop === undefined ? exitText(ended) : STOP_TEXT[stop.why]),
      waiting,
    ),
    ports: [],
  };
}

/** It ended here, and the engine has nothing of it any more. */
function ofRecord({ state, attempt = 0, exitCode }: SlotEnd, revision: string, under: Term): Rest {
  const code = exitCode === undefined ? {} : { exitCode };
  return { state, health: 'none', attempt, revision, term: under, ...code, ports: [] };
}

const joined = (text: string, more: string | undefined): string =>
  more === undefined ? text : `${text}; ${more}`;

function waitText(desired: DesiredSlot | undefined, hold: boolean): string | undefined {
  if (desired === undefined) return undefined;
  if (desired.waitsFor !== undefined) return desired.waitsFor;
  if (!desired.mayStart) return 'waits until it may start';
  return hold ? 'waits for newer assignments after a stall of this agent' : undefined;
}
