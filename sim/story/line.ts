/** One line of a story. */
import type { Micros } from '../event-queue.ts';

/** When there are too many, those of the highest weight go first, and of those the earliest. */
export type Line = { readonly at: Micros; readonly weight: Weight; readonly text: string };
export const WEIGHT = { deed: 0, decisive: 1, causal: 2, aside: 3 } as const;
type Weight = (typeof WEIGHT)[keyof typeof WEIGHT];

export const clock = (at: Micros): string => `${(at / 1e6).toFixed(3)} s`;
