/**
 * What makes a run what it is, to be run again or made smaller: its options, the faults and commands
 * with their times, and the numbers drawn at every other choice point. A number that is missing is 0,
 * the mildest choice, so a tape survives edits of itself and small edits of the code.
 */
import type { Draws } from './choice.ts';
import type { Micros } from './event-queue.ts';
import type { Options } from './options.ts';
import type { HostIndex, Strike } from './strike.ts';
import type { Errand } from './workload.ts';

/** Something done to the simulated world from outside. */
export type Deed =
  | (Timing & { readonly kind: 'strike'; readonly strike: Strike })
  | (Timing & { readonly kind: 'command'; readonly host: HostIndex; readonly errand: Errand });

type Timing = {
  readonly at: Micros;
  /** By the timeline of a scenario, and not drawn. */
  readonly isPlanned?: boolean;
};

export type Tape = {
  readonly format: 1;
  readonly options: Options;
  /** In the order of their times. */
  readonly deeds: readonly Deed[];
  readonly draws: Draws;
};
