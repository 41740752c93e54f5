/** What seeds have been through: which rare states, and which faults in which phase. Plain data, so that threads can hand it over. */
import type { Mark } from './marks.ts';
import type { Phase } from './phases.ts';

export type Coverage = {
  readonly seeds: number;
  /** How many of the seeds saw each. */
  readonly marks: { readonly [mark in Mark]?: number };
  /** How often each kind of fault has struck a host in each phase; a host may be in several. */
  readonly matrix: { readonly [fault: string]: PhaseCounts };
};
export type PhaseCounts = { readonly [phase in Phase]?: number };

export const NOTHING_COVERED: Coverage = { seeds: 0, marks: {}, matrix: {} };

export function mergeCoverage(a: Coverage, b: Coverage): Coverage {
  const matrix: { [fault: string]: PhaseCounts } = { ...a.matrix };
  for (const [fault, counts] of Object.entries(b.matrix))
    matrix[fault] = added(matrix[fault] ?? {}, counts);
  return { seeds: a.seeds + b.seeds, marks: added(a.marks, b.marks), matrix };
}

type Counts<Name extends string> = { readonly [name in Name]?: number };

function added<Name extends string>(a: Counts<Name>, b: Counts<Name>): Counts<Name> {
  const sum: { [name in Name]?: number } = { ...a };
  for (const [name, count] of Object.entries(b) as [Name, number][])
    sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
