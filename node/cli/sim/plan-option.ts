/** Which random faults are asked for on the command line. */
import type { Plan } from '../../../sim/scenario/plan.ts';
import { usageFailure } from '../failure.ts';
import { parsePlan } from './scenario-file.ts';

export function readPlan(words: string, option: string): Plan {
  const read = parsePlan(words.split(','));
  if (read.ok) return read.plan;
  throw usageFailure(`${option} ${words} cannot be used`, read.why, read.next);
}
