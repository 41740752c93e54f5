/** How an instance came to its end, and when the slot gets its next one. */
import { term as termOf } from '../base/ids.ts';
import { after, between } from '../base/time.ts';
import { judge } from '../component/restart.ts';
import type { SlotEnd } from '../record/record.ts';
import type { Turn } from '../turn.ts';
import type { Instance } from './instance.ts';
import { type DesiredSlot, nextAt, NOW, putInstance, type Seat, type Slots } from './table.ts';
import { delayText, exitText, lengthText, tell } from './words.ts';

/** Exit code after SIGKILL. */
const KILLED = 137;

/** Counts the end of the last instance, once, if it was one of the wanted spec. */
export function judgeEnd(
  slots: Slots,
  turn: Turn,
  seat: Seat,
  last: Instance,
  desired: DesiredSlot,
): void {
  const { ended, judged, stop, observed } = last;
  if (ended === undefined || judged || observed.revision !== desired.revision) return;
  putInstance(slots, seat, { ...last, judged: true });
  if (stop !== undefined) {
    seat.next = NOW;
    return;
  }
  const { exitCode } = ended;
  if (desired.ended !== undefined) return noteOver(seat, last, desired.ended, exitText(ended));
  if (seat.lease !== undefined && exitCode === KILLED && !ended.oomKilled) {
    // Its guard has done this, or nobody can tell: no failure of its own.
    seat.next = nextAt(after(turn.now, turn.config.restartMinMs), turn.now);
    return;
  }
  const known = exitCode !== undefined && exitCode >= 0 ? exitCode : undefined;
  countFailure(turn, seat, last, { kind: 'exited', exitCode: known }, exitText(ended));
}

/** Its run is over by the record, whatever this host would make of it. */
function noteOver(seat: Seat, { observed }: Instance, { state }: SlotEnd, reason: string): void {
  const { attempt, revision } = observed;
  seat.next = { kind: 'done' };
  seat.outcome = { attempt, revision, term: termOf(observed.term), state, reason };
  seat.dirty = true;
}

/** `text`: what went wrong, for journal and report. */
export function countFailure(
  turn: Turn,
  seat: Seat,
  { observed }: Instance,
  ending: Parameters<typeof judge>[2],
  text: string,
): void {
  if (seat.desired === undefined) return;
  const was = seat.history.crashLoop;
  const [history, verdict] = judge(seat.history, seat.desired.spec.restart, ending, turn);
  seat.history = history;
  seat.dirty = true;
  let reason = text;
  if (verdict.kind === 'restart') {
    reason += `, ${delayText(between(turn.now, verdict.at))}`;
    seat.next = nextAt(verdict.at, turn.now);
  } else {
    if (verdict.kind === 'failed') reason += `, ${verdict.why}`;
    seat.next = { kind: 'done' };
  }
  const state = verdict.kind === 'complete' ? 'complete' : 'failed';
  const { attempt, revision } = observed;
  seat.outcome = { attempt, revision, term: termOf(observed.term), state, reason };
  tell(turn, seat, `${state}: ${reason}`);
  if (!history.crashLoop || was) return;
  const window = lengthText(turn.config.restartWindowMs);
  tell(
    turn,
    seat,
    `crash loop: ${history.failures.length} failures within ${window}; goes on slowly`,
  );
}
