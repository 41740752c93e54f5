/** A cluster, what it runs, what befalls it and what is expected of it. Plain data: it goes to threads. */
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { Options } from '../options.ts';
import type { Timed } from './act.ts';
import type { Expectation } from './expect.ts';
import { optionsUnder, type Plan } from './plan.ts';

/** What of the world a scenario decides, whatever the faults are. */
export type Setting = Partial<
  Pick<
    Options,
    | 'calm'
    | 'delayMeanMs'
    | 'discovery'
    | 'duplicatePermille'
    | 'gossip'
    | 'lossPermille'
    | 'ratesPermille'
    | 'tailMs'
    | 'tailPermille'
    | 'transport'
  >
>;

/** Bounds on the figures of all runs together; undefined: any will do. */
export type Limits = {
  /** Of each component, the least share of its time in which one instance served, in permille. */
  readonly availabilityPermille?: number;
  readonly failoverP50Ms?: number;
  readonly failoverP99Ms?: number;
  readonly restartP99Ms?: number;
  readonly longestDoubleMs?: number;
  /** A second. */
  readonly messagesPerHost?: number;
};

export type Scenario = {
  readonly name: string;
  readonly hostCount: number;
  readonly voterCount: Options['voterCount'];
  /** How long faults go on; then all are over, and all must come right. */
  readonly forMs: number;
  /** Random ones begin then; what runs has come up by then, if all goes well. */
  readonly faultsFromMs: number;
  readonly faults: Plan;
  readonly setting: Setting;
  /** Deployed in the beginning. */
  readonly stacks: readonly StackSpec[];
  readonly timeline: readonly Timed[];
  readonly expect: readonly Expectation[];
  readonly limits: Limits;
};

export function optionsOf(scenario: Scenario, seed: number): Options {
  const { hostCount, voterCount, forMs, faultsFromMs, faults, setting, stacks } = scenario;
  // A user's programs end by faults that are named, and the hosts have come up before those begin.
  const { lifeMs: _life, growth: _growth, ...drawn } = optionsUnder(faults, seed);
  return {
    ...drawn,
    hostCount,
    voterCount,
    stormMs: forMs,
    stormFromMs: faultsFromMs,
    ...setting,
    workload: { kind: 'given', stacks },
  };
}
