/**
 * S32 An instance is replaced because others have changed it only where they have, where it is of no job,
 *     and no faster than repairs of its slot back off. As one that others have stand still only a strict
 *     one, which they have.
 */
import type { Effect } from '../../protocol/effect.ts';
import type { StopWhy } from '../../protocol/reconcile/instance.ts';
import type { Seat } from '../../protocol/reconcile/table.ts';
import { type Instance, isStrict, seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';

type Pace = { readonly count: number; readonly atMs: number };

export type DriftChecker = {
  readonly report: Report;
  /** Of each seat of a life: how many repairs in a row, and when the last one was. */
  readonly paces: WeakMap<Seat, Pace>;
};

export const createDriftChecker = (report: Report): DriftChecker => ({
  report,
  paces: new WeakMap(),
});

export function checkDrift(
  checker: DriftChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind !== 'stopInstance') continue;
    const { engineId } = effect;
    const seat = agent.core.slots.byEngineId.get(engineId);
    const { stop, ended } = seat?.instances.get(engineId) ?? {};
    if (seat === undefined || stop === undefined || !REPAIRS.has(stop.why)) continue;
    // Others have started it again.
    if (ended !== undefined) continue;
    // Told once more, as it still runs.
    if (seat.repairs.at < stop.at) continue;
    const where = `${seatName(seat.component, seat.slot)} on ${host.id}`;
    const instance = host.engine.instances.get(engineId);
    const wrong = instance === undefined ? undefined : whyWrong(stop.why, instance);
    if (wrong !== undefined) checker.report('S32', `${where} is replaced, and ${wrong}`);
    checkPace(checker, seat, where, localNow(agent, now));
  }
}

const REPAIRS: ReadonlySet<StopWhy> = new Set(['drifted', 'renumbered', 'readdressed', 'stuck']);

function whyWrong(why: StopWhy, instance: Instance): string | undefined {
  if (why === 'stuck') {
    if (!isStrict(instance)) return 'only what is strict may be stuck';
    return instance.stills.daemon ? undefined : 'nobody has had it stand still';
  }
  if (instance.spec.job !== undefined) return 'is an attempt of a job';
  // Whether its slot has given the number up is S33's to say, and S36's where what it depends on is.
  return why !== 'drifted' || instance.wasChanged ? undefined : 'nobody has changed it';
}

function checkPace({ report, paces }: DriftChecker, seat: Seat, where: string, atMs: number): void {
  const { restartMinMs, restartMaxMs, restartResetMs } = CONFIG;
  const { count, atMs: lastMs } = paces.get(seat) ?? { count: 0, atMs: -Infinity };
  const leastMs = Math.min(restartMinMs * 2 ** (count - 1), restartMaxMs);
  const waitedMs = atMs - lastMs;
  if (waitedMs < leastMs)
    report(
      'S32',
      `${where} is replaced ${waitedMs} ms after repair ${count} in a row, the least is ${leastMs} ms`,
    );
  paces.set(seat, { count: waitedMs < leastMs + restartResetMs ? count + 1 : 1, atMs });
}
