/** Which random faults a run has beside those of its timeline: none, the swarm's, or some kinds only. */
import { type Options, quiet } from '../options.ts';
import { drawOptions } from '../swarm.ts';
import { drawOnly, type FaultKind } from '../plagues.ts';

export type Plan = 'none' | 'swarm' | readonly FaultKind[];

/** The options of one seed under this plan. */
export function optionsUnder(plan: Plan, seed: number): Options {
  const drawn = drawOptions(seed);
  if (plan === 'swarm') return drawn;
  const { hostCount, voterCount, stormMs, workload } = drawn;
  const calm = { ...quiet(seed, hostCount, stormMs), voterCount, workload };
  return plan === 'none' ? calm : { ...calm, ...drawOnly(seed, plan) };
}
