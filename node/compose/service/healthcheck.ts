/** How a service says that it is well. */
import type { Healthcheck } from '../../../protocol/component/spec.ts';
import { seconds } from '../../../protocol/base/time.ts';
import type * as z from 'zod';
import { complain, duration, flag, integer, mapping, text, texts, ways } from '../fields.ts';

/** `off`: the user wants none. */
export type HealthcheckField = Healthcheck | 'off';

type Test = Healthcheck['test'] | 'off';

const RETRIES_MAX = 1_000;

const test = ways<Test>('text or a list that begins with CMD, CMD-SHELL or NONE', {
  text: text.transform((written): Test => ({ kind: 'shell', line: written })),
  list: texts.transform(([first, ...rest], context): Test => {
    if (first === 'NONE') return 'off';
    const [only] = rest;
    if (first === 'CMD' && only !== undefined) return { kind: 'exec', words: rest };
    if (first === 'CMD-SHELL' && only !== undefined && rest.length === 1)
      return { kind: 'shell', line: only };
    const message =
      first === 'CMD' || first === 'CMD-SHELL'
        ? `${first} wants ${first === 'CMD' ? 'words' : 'exactly one line'} behind it`
        : `the first word must be CMD, CMD-SHELL or NONE, got ${JSON.stringify(first ?? '')}`;
    return complain(context, { message });
  }),
});

export const healthcheckField: z.ZodType<HealthcheckField> = mapping({
  test: test.optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
  retries: integer(0, RETRIES_MAX).optional(),
  start_period: duration.optional(),
  disable: flag.optional(),
}).transform((fields, context): HealthcheckField => {
  if (fields.disable === true || fields.test === 'off') return 'off';
  if (fields.test === undefined) {
    const why = 'what an image brings along cannot be changed in part';
    const next = 'write test: [CMD, program, …]';
    return complain(context, { message: 'missing: test', why, next, unsupported: true });
  }
  // As in Docker, zero means the default.
  return {
    test: fields.test,
    intervalMs: fields.interval || seconds(30),
    timeoutMs: fields.timeout || seconds(30),
    retries: fields.retries || 3,
    startPeriodMs: fields.start_period ?? seconds(0),
  };
});
