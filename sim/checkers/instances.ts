/** S13 Never two running instances of one slot on one host, but for what others have started again. */
import type { Observed } from '../../protocol/input.ts';
import { seatName } from '../engine/engine.ts';
import { isAlive } from '../engine/instance.ts';
import type { Host } from '../host.ts';
import type { Report } from './report.ts';

export type InstanceChecker = {
  readonly report: Report;
  starts: number;
};

export const createInstanceChecker = (report: Report): InstanceChecker => ({ report, starts: 0 });

export function checkTwins(checker: InstanceChecker, host: Host, started: Observed): void {
  checker.starts += 1;
  const { component, slot, engineId } = started;
  for (const other of host.engine.instances.values()) {
    const { observed } = other;
    if (!isAlive(other) || observed.engineId === engineId || other.isStartedAgain) continue;
    if (observed.component !== component || observed.slot !== slot) continue;
    const both = `${observed.engineId} and ${engineId}`;
    checker.report('S13', `${host.id} runs ${seatName(component, slot)} twice: ${both}`);
  }
}
