/**
 * S13 Attempts of a slot rise, and it is restarted no faster than its backoff allows: once at once, then
 *     after a delay that doubles up to a longest one, which every restart beyond the budget takes.
 *
 * Delays run from a failure, which comes after the start before it: between two starts they hold the more.
 */
import { type ComponentId, componentOf, stackKey, stackOf } from '../../protocol/base/ids.ts';
import { FRESH } from '../../protocol/component/restart.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import { instanceEntry } from '../../protocol/inventory/entry.ts';
import type { Committed } from '../../protocol/record/record.ts';
import type { StopWhy } from '../../protocol/reconcile/instance.ts';
import { currentOf } from '../../protocol/reconcile/table.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';
import type { Start } from './starts.ts';

/** The starts of one slot in a row, of one spec and under one policy. */
type Streak = {
  readonly component: ComponentId;
  readonly revision: string;
  readonly policy: string;
  startedAt: number;
  starts: number;
};
type Life = {
  readonly agent: Agent;
  readonly streaks: Map<string, Streak>;
  readonly attempts: Map<string, number>;
  /** Of the committed records at the last look. */
  version: number;
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
    checker.lives.set(
      host,
      (life = { agent, streaks: new Map(), attempts: new Map(), version: 0 }),
    );
  forgetUnwanted(life);
  forgetGivenUp(life);
  // A user's wish starts anew.
  if (input.kind === 'commandGiven' && input.command.kind === 'restart')
    life.streaks.delete(instanceEntry(input.command.component, input.command.slot));
  for (const effect of effects) {
    if (effect.kind === 'persist') forgetUndeployed(life, effect.writes);
    if (effect.kind === 'startInstance') checkRestart(checker, host, life, effect, now);
    if (effect.kind === 'stopInstance') forgetStopped(life, effect.engineId);
  }
}

/** What was stopped as its host was isolated, for want of a lease, of a number, of what it depends on, or as others meddle, has not failed. */
function forgetStopped({ agent, streaks }: Life, engineId: string): void {
  const seat = agent.core.slots.byEngineId.get(engineId);
  const why = seat?.instances.get(engineId)?.stop?.why;
  if (seat !== undefined && why !== undefined && FAULTLESS.has(why)) streaks.delete(seat.name);
}

const FAULTLESS: ReadonlySet<StopWhy> = new Set([
  'isolated',
  'fenced',
  'drifted',
  'renumbered',
  'readdressed',
  'stuck',
]);

function checkRestart(
  { report }: RestartChecker,
  host: Host,
  { agent, streaks, attempts }: Life,
  start: Start,
  now: Micros,
): void {
  const { component, slot, attempt, revision, spec } = start;
  const policy = JSON.stringify(spec.restart);
  const seat = seatName(component, slot);
  const name = instanceEntry(component, slot);
  const last = attempts.get(name) ?? 0;
  if (attempt <= last)
    report('S13', `${host.id} starts ${seat} as attempt ${attempt} after ${last}`);
  attempts.set(name, attempt);
  const { failures, crashLoop } = agent.core.slots.seats.get(name)?.history ?? FRESH;
  if (failures.length > CONFIG.restartBudget && !crashLoop)
    report('S13', `${host.id} does not call ${failures.length} failures of ${seat} a crash loop`);
  const at = localNow(agent, now);
  const streak = streaks.get(name);
  const isInRow =
    streak?.revision === revision && streak.policy === policy && !wasKilled(agent, start);
  const goesOn = isInRow && at - streak.startedAt < CONFIG.restartResetMs;
  if (!goesOn) {
    streaks.set(name, { component, revision, policy, startedAt: at, starts: 1 });
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

/** A strict instance that was killed, most likely by its guard, has not failed. */
function wasKilled({ core }: Agent, { component, slot, spec }: Start): boolean {
  const seat = core.slots.seats.get(instanceEntry(component, slot));
  const last = seat === undefined ? undefined : currentOf(seat);
  return spec.singleton === 'strict' && last?.ended?.exitCode === 137;
}

/** What was not wanted here for a while starts anew. */
function forgetUnwanted(life: Life): void {
  const { committed, slots } = life.agent.core;
  // Between two messages of many nothing is done yet about what is wanted.
  if (life.agent.isBehind || committed.version === life.version) return;
  life.version = committed.version;
  for (const [name, { revision }] of life.streaks)
    if (slots.seats.get(name)?.revision !== revision) life.streaks.delete(name);
}

/** A stack may have been without it for a moment only, between two deploys of one step. */
function forgetUndeployed({ streaks }: Life, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    const record = name.startsWith('committed/') ? (value as Committed | undefined) : undefined;
    if (record?.value.kind !== 'stack') continue;
    const wanted = record.value.spec?.components.map((one) => one.name) ?? [];
    for (const [seat, { component }] of streaks)
      if (stackKey(stackOf(component)) === record.key && !wanted.includes(componentOf(component)))
        streaks.delete(seat);
  }
}

/** What had ended for good under another policy goes on with a clean sheet. */
function forgetGivenUp({ agent, streaks }: Life): void {
  for (const [name, { policy }] of streaks) {
    const seat = agent.core.slots.seats.get(name);
    if (seat?.next.kind === 'done' && policy !== JSON.stringify(seat.desired?.spec.restart))
      streaks.delete(name);
  }
}

/** Before the next start, after so many failures: jitter takes off a quarter at most. */
function leastDelayMs(failures: number): number {
  const { restartMinMs, restartMaxMs, restartBudget } = CONFIG;
  if (failures === 1) return 0;
  const delayMs = failures > restartBudget ? restartMaxMs : restartMinMs * 2 ** (failures - 2);
  return Math.floor(Math.min(delayMs, restartMaxMs) * 0.75);
}
