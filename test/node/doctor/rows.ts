/** Each row of a table of checks is one thing that can be wrong, with what is said of it. */
import { expect } from 'vitest';
import type { Verdict } from '../../../node/doctor/check.ts';
import { checksOf } from '../../../node/doctor/checks.ts';
import type { Examined } from '../../../node/doctor/facts.ts';

export const of = (examined: Examined, check: string) =>
  checksOf(examined, false).filter((each) => each.check === check);

/** `verdict found` of each finding of one check, and the fix behind it. */
export const lines = (examined: Examined, check: string): readonly string[] =>
  of(examined, check).map(({ verdict, found, fix }) => `${verdict} ${found} | ${fix ?? ''}`);

export type Row = readonly [
  reason: string,
  examined: Examined,
  Verdict,
  found: RegExp,
  fix: RegExp,
];

export function expectRow(check: string, [, examined, verdict, found, fix]: Row): void {
  const [first, ...more] = of(examined, check);
  expect(more).toEqual([]);
  expect(first?.verdict).toBe(verdict);
  expect(first?.found).toMatch(found);
  expect(first?.fix ?? '').toMatch(fix);
}
