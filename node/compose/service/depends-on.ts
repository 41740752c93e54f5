/** What must be there before a service starts. */
import * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Dependency } from '../../../protocol/component/spec.ts';
import {
  complain,
  expected,
  findingsOf,
  flag,
  line,
  mapping,
  pairs,
  texts,
  ways,
} from '../fields.ts';
import type { Complaint } from '../problems.ts';

const CONDITIONS: Readonly<Record<string, Dependency['condition']>> = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
};

const KNOWN = `one of ${Object.keys(CONDITIONS).join(', ')}`;

const long = mapping({
  condition: line(KNOWN, (written): Result<Dependency['condition'], Complaint> => {
    const condition = Object.hasOwn(CONDITIONS, written) ? CONDITIONS[written] : undefined;
    return condition === undefined ? fail({ message: expected(KNOWN, written) }) : ok(condition);
  }),
  required: flag.optional(),
  restart: flag.optional(),
});

export const dependsOnField: z.ZodType<readonly Dependency[]> = ways('a list or a mapping', {
  list: texts.transform((names) =>
    [...new Set(names)].map((on): Dependency => ({
      on,
      condition: 'started',
      required: true,
      restart: false,
    })),
  ),
  mapping: pairs.transform((entries, context) =>
    entries.map(([on, value]): Dependency => {
      const read = long.safeParse(value);
      if (read.success) {
        const { condition, required = true, restart = false } = read.data;
        return { on, condition, required, restart };
      }
      for (const { path, on: _, ...complaint } of findingsOf(read.error, [on]))
        complain(context, complaint, path);
      return z.NEVER;
    }),
  ),
});
