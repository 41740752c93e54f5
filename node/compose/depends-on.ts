/** What must be there before a service starts. */
import * as z from 'zod';
import type { Dependency } from '../../protocol/component/spec.ts';
import { complain, findingsOf, flag, mapping, pairs, text, texts, ways } from './fields.ts';

const CONDITIONS: Readonly<Record<string, Dependency['condition']>> = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
};

const long = mapping({
  condition: text.transform((written, context): Dependency['condition'] => {
    const condition = Object.hasOwn(CONDITIONS, written) ? CONDITIONS[written] : undefined;
    if (condition !== undefined) return condition;
    const known = Object.keys(CONDITIONS).join(', ');
    return complain(context, { message: `expected one of ${known}, got ${written}` });
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
