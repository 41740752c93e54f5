/** The kinds of value that Compose keys hold, each with a complaint that says what was expected. */
import * as z from 'zod';
import { type Millis, millis } from '../../protocol/base/time.ts';
import type { Result } from '../../protocol/base/result.ts';
import type { Complaint, Finding, Path } from './problems.ts';

export type Context = z.core.$RefinementCtx;
type Kind = 'text' | 'number' | 'flag' | 'list' | 'mapping' | 'nothing';

/** Ends a transform: `return complain(context, …)`. */
export function complain(context: Context, complaint: Complaint, path: Path = []): never {
  const { message, ...rest } = complaint;
  context.addIssue({ code: 'custom', message, params: rest, path: [...path] });
  return z.NEVER;
}

/** The issues of a parse as findings below `at`. */
export function findingsOf(error: z.ZodError, at: Path): Finding[] {
  return error.issues.map((issue) => {
    const path = [...at, ...issue.path.map((step) => (typeof step === 'symbol' ? '' : step))];
    const params = issue.code === 'custom' ? (issue.params as Omit<Complaint, 'message'>) : {};
    return { path, on: 'value', message: issue.message, ...params };
  });
}

const wanting = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => expected(what, issue.input),
});

export function expected(what: string, value: unknown): string {
  return value === undefined ? `missing: ${what}` : `expected ${what}, got ${said(value)}`;
}

export const text = z.string(wanting('text'));
/** Text that may be typed as a number, as ports and the values of variables are. */
export const scalar = z.union([z.string(), z.number(), z.boolean()], wanting('text'));
export const array = <T extends z.ZodType>(item: T) => z.array(item, wanting('a list'));
export const texts = array(text);

/** A mapping whose keys are known; an empty key (`ports:`) is as good as absent. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess(dropNothing, z.object(shape, wanting('a mapping')));
}

/** A mapping whose keys are the user's. Kept as pairs: names may be anything. */
export const pairs = z
  .custom<object>((value) => kindOf(value) === 'mapping', wanting('a mapping'))
  .transform((value): readonly (readonly [string, unknown])[] => Object.entries(value));

function dropNothing(value: unknown): unknown {
  if (kindOf(value) !== 'mapping') return value;
  return Object.fromEntries(Object.entries(value as object).filter(([, inner]) => inner !== null));
}

/** Also `"3"`: what a variable stood for is text. */
export function integer(min: number, max: number) {
  return z.unknown().transform((value, context) => {
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max)
      return number;
    const what = `a whole number from ${min} to ${max}`;
    return complain(context, { message: expected(what, value) });
  });
}

/** The words of YAML 1.1, in any case; Compose takes them too. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'n', 'no', 'off'].map((word) => [word, false] as const),
]);

export const flag = z.unknown().transform((value, context) => {
  const meant = typeof value === 'string' ? FLAGS.get(value.toLowerCase()) : value;
  if (typeof meant === 'boolean') return meant;
  return complain(context, { message: expected('true or false', value) });
});

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const LENGTH = /^(?:(?:\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(?:ns|us|µs|ms|[smhdw]))+$/;
/** The longest that a timer can wait, about 24 days. */
const LENGTH_MS_MAX = 0x7f_ff_ff_ff;

/** `1m30s`, `1.5h`, `500ms`; parts of a millisecond count as one. */
export const duration = z.unknown().transform((value, context): Millis => {
  if (value === '0' || value === 0) return millis(0);
  if (typeof value !== 'string' || !LENGTH.test(value))
    return complain(context, { message: expected('a duration such as 1m30s or 500ms', value) });
  let length = 0;
  for (const [, count, unit = ''] of value.matchAll(/([\d.]+)([a-zµ]+)/g))
    length += Number(count) * (UNIT_MS[unit] ?? 0);
  if (length > LENGTH_MS_MAX)
    return complain(context, { message: `${value} is too long, at most 24d are possible` });
  return millis(Math.max(0, Math.ceil(length - 1e-9)));
});

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
const SIZE = /^(\d{1,15}(?:\.\d{0,9})?|\.\d{1,9}) ?([bkmgt]?)(?:i?b)?$/i;

/** `64m`, `1.5gb`; a number is bytes. */
export const bytes = z.unknown().transform((value, context): number => {
  const written = typeof value === 'number' ? String(value) : value;
  const [, count, unit = ''] = typeof written === 'string' ? (SIZE.exec(written) ?? []) : [];
  if (count === undefined)
    return complain(context, { message: expected('a size such as 64m or 1gb', value) });
  return Math.floor(Number(count) * (BYTES[unit.toLowerCase()] ?? 1));
});

/** A mapping of names to texts, or a list of NAME=value; sorted by name. */
export const namedTexts = ways<Readonly<Record<string, string>>>(
  'a mapping or a list of NAME=value',
  {
    mapping: pairs.transform((entries, context) =>
      byName(
        entries.map(([name, value]) => {
          const read = scalar.nullable().safeParse(value);
          if (read.success) return [name, read.data === null ? '' : String(read.data)] as const;
          complain(context, { message: expected('text', value) }, [name]);
          return [name, ''] as const;
        }),
      ),
    ),
    list: texts.transform((lines) =>
      byName(
        lines.map((written) => {
          const [name = '', ...value] = written.split('=');
          return [name, value.join('=')] as const;
        }),
      ),
    ),
  },
);

/** Sorted. */
export const byName = (
  entries: readonly (readonly [string, string])[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Reads what is written as one line, such as `8080:80`. */
export function line<T>(what: string, read: (line: string) => Result<T, Complaint>) {
  return z.string(wanting(what)).transform((value, context): T => {
    const outcome = read(value);
    return outcome.ok ? outcome.value : complain(context, outcome.error);
  });
}

/**
 * A key with a short and a long way to write it. The kind of the value decides which schema reads it,
 * so that its complaint is about what the user meant.
 */
export function ways<T>(what: string, schemas: Partial<Record<Kind, z.ZodType<T>>>) {
  return z.unknown().transform((value, context): T => {
    const schema = value === undefined ? undefined : schemas[kindOf(value)];
    if (schema === undefined) return complain(context, { message: expected(what, value) });
    const outcome = schema.safeParse(value);
    if (outcome.success) return outcome.data;
    for (const { path, on: _, ...complaint } of findingsOf(outcome.error, []))
      complain(context, complaint, path);
    return z.NEVER;
  });
}

export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'flag';
  return typeof value === 'object' ? 'mapping' : 'number';
}

function said(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  const kind = kindOf(value);
  return kind === 'nothing' ? kind : `a ${kind}`;
}
