/** How a simulation ends for scripts; 0 and 2 are as everywhere. */
import type { Verdict } from '../../../sim/run.ts';
import { Failure } from '../failure.ts';

export const SIM_EXIT = {
  passed: 0,
  /** A rule of safety or an expectation was broken. */
  unsafe: 10,
  /** No convergence after the faults, or a limit was exceeded. */
  stuck: 11,
  /** One seed went two ways. */
  twoWays: 12,
  /** The simulator itself failed. */
  broken: 13,
} as const;

export const exitOf = ({ kind }: Verdict): number => SIM_EXIT[kind];

/** What nobody expected, on the way through a simulation. */
export function brokenBy(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure(
    {
      code: 'simulator',
      what: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      why: 'the simulator itself failed: probably a defect in it',
      next: 'try again with MILLRACE_DEBUG=1 and report what it prints',
      exit: SIM_EXIT.broken,
    },
    { cause },
  );
}
