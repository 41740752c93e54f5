/**
 * S13 Never two running instances of one slot on one host.
 * R9  A host starts only what a committed assignment gave to it.
 */
import type { ComponentId } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Observed } from '../../protocol/input.ts';
import type { Committed } from '../../protocol/record/record.ts';
import { running, seatName } from '../engine/engine.ts';
import type { Host } from '../host.ts';
import type { Report } from './report.ts';

export type InstanceChecker = {
  readonly report: Report;
  /** `COMPONENT.SLOT HOST TERM` of every committed assignment. */
  readonly assigned: Set<string>;
  starts: number;
};

export const createInstanceChecker = (report: Report): InstanceChecker => ({
  report,
  assigned: new Set(),
  starts: 0,
});

const seatOn = (component: ComponentId, slot: number, host: string, term: number): string =>
  `${seatName(component, slot)} ${host} ${term}`;

export function checkStart(checker: InstanceChecker, host: Host, started: Observed): void {
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

export function checkAssigned(
  checker: InstanceChecker,
  host: Host,
  effects: readonly Effect[],
): void {
  for (const effect of effects) {
    if (effect.kind === 'startInstance') {
      const { component, slot, term } = effect;
      if (!checker.assigned.has(seatOn(component, slot, host.id, term)))
        checker.report(
          'R9',
          `${host.id} starts ${seatName(component, slot)}, assigned to it by no record of term ${term}`,
        );
    }
    if (effect.kind !== 'persist') continue;
    for (const { name, value } of effect.writes)
      if (name.startsWith('committed/')) note(checker, value as Committed);
  }
}

function note({ assigned }: InstanceChecker, { revision, value }: Committed): void {
  if (value.kind !== 'component') return;
  for (const { slot, host } of value.slots)
    assigned.add(seatOn(value.component, slot, host, revision.term));
}
