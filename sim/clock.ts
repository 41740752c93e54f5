/** A host's lease clock: its own origin and its own speed, within the rate error that is promised. */
import { type Instant, instant } from '../protocol/base/time.ts';
import type { Micros } from './event-queue.ts';

export type Clock = {
  /** How much faster than the world, in thousandths. */
  readonly ratePermille: number;
  readonly offsetMs: number;
};

export const readClock = ({ ratePermille, offsetMs }: Clock, at: Micros): Instant =>
  instant(offsetMs + Math.floor((at * (1000 + ratePermille)) / 1_000_000));

/** The first moment at which the clock shows `reading` or more. */
export const momentOf = ({ ratePermille, offsetMs }: Clock, reading: Instant): Micros =>
  Math.ceil(((reading - offsetMs) * 1_000_000) / (1000 + ratePermille));
