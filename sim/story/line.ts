/** One line of a story. */
import type { Micros } from '../event-queue.ts';

/** When there are too many, those of the highest weight go first, and of those the earliest. */
export type Line = { readonly at: Micros; readonly weight: Weight; readonly text: string };
export const WEIGHT = {
  /** What the step that broke the rule was given. */
  last: 0,
  /** Done to those the verdict names, and not long before. */
  deed: 1,
  decisive: 2,
  causal: 3,
  /** Whatever else was done. */
  farDeed: 4,
  aside: 5,
} as const;
type Weight = (typeof WEIGHT)[keyof typeof WEIGHT];

export const clock = (at: Micros): string => `${(at / 1e6).toFixed(3)} s`;

/** Shorter than this, a way through the network or a disk is not worth a word. */
export const LATE_US = 100_000;
export const seconds = (us: Micros): string => `${Number((us / 1e6).toFixed(1))} s`;
