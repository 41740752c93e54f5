/** S13 Never two running instances of one slot on one host. */
import type { Observed } from '../../protocol/input.ts';
import { running, seatName } from '../engine/engine.ts';
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
  const twin = running(host.engine).find(
    (other) => other.engineId !== engineId && other.component === component && other.slot === slot,
  );
  if (twin !== undefined)
    checker.report(
      'S13',
      `${host.id} runs ${seatName(component, slot)} twice: ${twin.engineId} and ${engineId}`,
    );
}
