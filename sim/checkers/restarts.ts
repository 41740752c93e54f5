/**
 * S13 Attempts of a slot rise, and it is restarted no faster than its backoff allows: once at once, then
 *     after a delay that doubles up to a longest one, which every restart beyond the budget takes.
 *
 * Delays run from a failure, which comes after the start before it: between two starts they hold the more.
 */
import { componentKey, stackKey, stackOf } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';
import type { Start } from './starts.ts';

/** The starts of one slot of one spec in a row. */
type Streak = {
  readonly revision: string;
  startedAt: number;
  starts: number;
  readonly mark: string;
};
type Life = {
  readonly agent: Agent;
  readonly streaks: Map<string, Streak>;
  readonly attempts: Map<string, number>;
};

export type RestartChecker = { readonly report: Report; readonly lives: Map<Host, Life> };

export const createRestartChecker = (report: Report): RestartChecker => ({
  report,
  lives: new Map(),
});

export function checkRestarts(
  checker: RestartChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  let life = checker.lives.get(host);
  if (life?.agent !== agent)
    checker.lives.set(host, (life = { agent, streaks: new Map(), attempts: new Map() }));
  // A user's wish starts anew.
  if (input.kind === 'commandGiven' && input.command.kind === 'restart')
    life.streaks.delete(seatName(input.command.component, input.command.slot));
  for (const effect of effects)
    if (effect.kind === 'startInstance') checkRestart(checker, host, life, effect, now);
}

function checkRestart(
  { report }: RestartChecker,
  host: Host,
  { agent, streaks, attempts }: Life,
  start: Start,
  now: Micros,
): void {
  const { component, slot, attempt, revision } = start;
  const seat = seatName(component, slot);
  const last = attempts.get(seat) ?? 0;
  if (attempt <= last)
    report('S13', `${host.id} starts ${seat} as attempt ${attempt} after ${last}`);
  attempts.set(seat, attempt);
  const at = localNow(agent, now);
  const mark = wishOf(agent, start);
  const streak = streaks.get(seat);
  const goesOn =
    streak?.revision === revision &&
    streak.mark === mark &&
    at - streak.startedAt < CONFIG.restartResetMs;
  if (!goesOn) {
    streaks.set(seat, { revision, startedAt: at, starts: 1, mark });
    return;
  }
  const waitedMs = at - streak.startedAt;
  const leastMs = leastDelayMs(streak.starts);
  if (waitedMs < leastMs)
    report(
      'S13',
      `${host.id} starts ${seat} ${waitedMs} ms after start ${streak.starts} in a row, the least is ${leastMs} ms`,
    );
  streak.startedAt = at;
  streak.starts += 1;
}

/** While the records about a slot are the same, it has been wanted all the time. */
function wishOf({ core }: Agent, { component }: Start): string {
  const records = [componentKey(component), stackKey(stackOf(component))].map((key) => {
    const { term, seq } = core.committed.byKey.get(key)?.revision ?? { term: 0, seq: 0 };
    return `${term}.${seq}`;
  });
  return records.join(' ');
}

/** Before the next start, after so many failures: jitter takes off a quarter at most. */
function leastDelayMs(failures: number): number {
  const { restartMinMs, restartMaxMs, restartBudget } = CONFIG;
  if (failures === 1) return 0;
  const delayMs = failures > restartBudget ? restartMaxMs : restartMinMs * 2 ** (failures - 2);
  return Math.floor(Math.min(delayMs, restartMaxMs) * 0.75);
}
