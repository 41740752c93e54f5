/** How a service says that it is well. */
import type { ComponentSpec, Healthcheck } from '../../../protocol/component/spec.ts';
import { seconds } from '../../../protocol/base/time.ts';
import type * as z from 'zod';
import { complain, duration, flag, integer, mapping, text, texts, ways } from '../fields.ts';
import type { Surroundings } from './surroundings.ts';

export type HealthcheckField =
  | { readonly kind: 'on'; readonly check: Healthcheck }
  /** The user wants none: by what that is said, and the keys that say nothing beside it. */
  | { readonly kind: 'off'; readonly by: string; readonly unread: readonly string[] };

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

/** Undefined: nothing is said. */
export const healthcheckField: z.ZodType<HealthcheckField | undefined> = mapping({
  test: test.optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
  retries: integer(0, RETRIES_MAX).optional(),
  start_period: duration.optional(),
  disable: flag.optional(),
}).transform((fields, context): HealthcheckField | undefined => {
  const { disable, test: written, ...others } = fields;
  if (disable === true) {
    const unread = namesIn({ ...others, test: written === 'off' ? undefined : written });
    return { kind: 'off', by: 'disable: true', unread };
  }
  if (written === 'off') return { kind: 'off', by: 'test: NONE', unread: namesIn(others) };
  if (written === undefined && namesIn(others).length === 0) return undefined;
  if (written === undefined) {
    const why = 'what an image brings along cannot be changed in part';
    const next = 'write test: [CMD, program, …]';
    return complain(context, { message: 'missing: test', why, next, unsupported: true });
  }
  // As in Docker, zero means the default.
  const check = {
    test: written,
    intervalMs: fields.interval || seconds(30),
    timeoutMs: fields.timeout || seconds(30),
    retries: fields.retries || 3,
    startPeriodMs: fields.start_period ?? seconds(0),
  };
  return { kind: 'on', check };
});

const namesIn = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(fields).filter((key) => fields[key] !== undefined);

/** Where none is added: what else is said of it, and the one of the image. */
export function adviseHealthcheck(
  { name, image, heartbeat }: ComponentSpec,
  field: HealthcheckField | undefined,
  { warnings }: Surroundings,
): void {
  if (field?.kind !== 'off') return;
  const path = ['services', name, 'healthcheck'];
  for (const key of field.unread) {
    const why = `${field.by} adds no healthcheck`;
    const next = 'leave one of the two out';
    warnings.push({ path: [...path, key], on: 'key', message: 'ignored', why, next });
  }
  if (image === undefined || heartbeat !== undefined) return;
  const why = 'a healthcheck that the image brings along stays on';
  warnings.push({ path, on: 'key', message: 'no healthcheck is added', why });
}
