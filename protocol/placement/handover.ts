/**
 * How a slot leaves a host that is drained, or has too many (`rebalance.ts`): the other one starts it
 * first. Pure; asked by the component's leader.
 *
 *     A has it ──A gives it──▶ B has it, from A ──B runs it, and is well──▶ B has it
 *                                      └─ nothing of it runs on A, or A is dead ──▲
 *
 * `from` is a host that keeps what it runs, and restarts it, but starts nothing anew. So there is
 * never less than before, and for a moment there may be two. Where two must not be, A ends it first:
 * a strict slot by its own lease, and one with a named volume, as two would write to two of them.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import type { Slot } from '../record/record.ts';
import { hasData } from './fit.ts';

/** What a host says of a slot, if it says anything. */
export type Reported = (slot: number, host: HostId) => InstanceReport | undefined;

export const mayOverlap = (spec: ComponentSpec): boolean =>
  spec.mode !== 'global' && spec.singleton !== 'strict' && spec.job === undefined && !hasData(spec);

export type Handing = {
  readonly spec: ComponentSpec;
  readonly reported: Reported;
  /** Suspects count as alive; who is no member does not. */
  readonly isAlive: (host: HostId) => boolean;
};

/** Who runs it still for the host that has it now; undefined: nobody needs to. */
export function stillFrom(
  { spec, reported, isAlive }: Handing,
  { slot, host, from }: Slot,
): HostId | undefined {
  if (from === undefined || !mayOverlap(spec) || !isAlive(from)) return undefined;
  const there = reported(slot, from);
  // Of an agent that has just started nothing is known yet.
  if (there !== undefined && !goesOn(there)) return undefined;
  const here = isAlive(host) ? reported(slot, host) : undefined;
  return here !== undefined && (isServing(here) || hasEnded(spec, here)) ? undefined : from;
}

/** Who is to run it on while another host takes it over from this one, which is drained. */
export function handsOver({ spec, reported }: Handing, slot: number, host: HostId): boolean {
  const there = reported(slot, host);
  return mayOverlap(spec) && (there === undefined || goesOn(there));
}

/** It runs, and nothing speaks against it. */
export const isServing = ({ state, health }: InstanceReport): boolean =>
  state === 'running' && (health === 'none' || health === 'healthy');

const goesOn = ({ state }: InstanceReport): boolean =>
  state === 'running' || state === 'starting' || state === 'preparing';

/** It has ended as it was to: elsewhere it would only be done once more. */
function hasEnded({ restart }: ComponentSpec, { state }: InstanceReport): boolean {
  if (restart.kind === 'no') return state === 'complete' || state === 'failed';
  return restart.kind === 'onFailure' && state === 'complete';
}

/** What has ended for good has nothing to move. */
export function isDone(
  { spec, reported }: Pick<Handing, 'spec' | 'reported'>,
  slot: number,
  host: HostId,
): boolean {
  const report = reported(slot, host);
  return report !== undefined && hasEnded(spec, report);
}
