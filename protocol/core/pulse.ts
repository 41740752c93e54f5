/**
 * Whether the engine of this host answers. Its driver asks it every other second, with a bound, and says
 * how each question ended. A host whose engine is silent says so in its facts: it is given nothing new,
 * and what its engine was asked to start and has not goes elsewhere. What runs there runs on, and its
 * agent lives: nobody believes the host dead by it.
 *
 *     answers ──two questions in a row unanswered, 5 s since the first──▶ silent
 *        ▲                                                                   │
 *        └──────────────────────────── any answer ◀──────────────────────────┘
 *
 * Two, because an agent that has stood still itself finds its own question too late to be answered.
 */
import { after, before, between, type Instant, type Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import { journal, type Turn } from '../turn.ts';
import type { Core } from './state.ts';

export type Pulse = {
  /** Questions in a row without an answer, and when the first of them was asked. */
  missed: number;
  missingSince: Instant | undefined;
  silent: boolean;
};

export const createPulse = (): Pulse => ({ missed: 0, missingSince: undefined, silent: false });

const MISSED_MIN = 2;

export function onEngineAsked(
  { pulse, startedAt }: Core,
  turn: Turn,
  { agoMs, answered }: { readonly agoMs: Millis; readonly answered: boolean },
): void {
  if (answered) return end(pulse, turn);
  const askedAt = before(turn.now, agoMs);
  pulse.missed += 1;
  pulse.missingSince ??= askedAt > startedAt ? askedAt : startedAt;
}

export function tendPulse({ pulse, config }: Core, turn: Turn): void {
  const dueAt = silentAt(pulse, config);
  if (dueAt === undefined || turn.now < dueAt) return;
  pulse.silent = true;
  say(turn, 'the engine does not answer: what runs goes on, nothing is started or stopped');
}

export const pulseDeadline = ({ pulse, config }: Core): Instant | undefined =>
  silentAt(pulse, config);

/** Where an agent stood still the second question may have ended before the time has passed. */
const silentAt = (
  { silent, missed, missingSince }: Pulse,
  { engineSilentMs }: Config,
): Instant | undefined =>
  silent || missed < MISSED_MIN || missingSince === undefined
    ? undefined
    : after(missingSince, engineSilentMs);

function end(pulse: Pulse, turn: Turn): void {
  const { silent, missingSince = turn.now } = pulse;
  Object.assign(pulse, createPulse());
  if (!silent) return;
  const seconds = Math.round(between(missingSince, turn.now) / 1000);
  say(turn, `the engine answers again, after ${seconds} s`);
  // Its events may have been lost.
  turn.out.push({ kind: 'listInstances' });
}

/** How long after the agent's start the engine has fallen silent; undefined: it answers. */
export function silentAfterMs({ pulse, startedAt }: Core): Millis | undefined {
  const { silent, missingSince } = pulse;
  return silent && missingSince !== undefined ? between(startedAt, missingSince) : undefined;
}

const say = (turn: Turn, text: string): void => journal(turn, 'engine', [turn.self], text);
