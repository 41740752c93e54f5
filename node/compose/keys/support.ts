/** Holds a file to the table of keys: nothing in it is dropped in silence. */
import { expected, flag, kindOf } from '../fields.ts';
import { type Place, PLACES } from './places.ts';
import { FLAG } from './shapes.ts';
import { nearest } from '../nearest.ts';
import type { Finding, Path } from '../problems.ts';

export type Findings = {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
};

export function checkKeys(file: unknown): Findings {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for (const place of PLACES) {
    for (const [path, value] of matches(file, place.at, [])) {
      if (kindOf(value) !== 'mapping') continue;
      for (const [key, inner] of Object.entries(value as object)) {
        const finding = judge(place, key, inner, value as object);
        if (finding === undefined) continue;
        const { verdict, on, ...complaint } = finding;
        const where = { path: [...path, key], on, ...complaint } as const;
        (verdict === 'refused' ? errors : warnings).push(where);
      }
    }
  }
  return { errors, warnings };
}

type Judgment = Omit<Finding, 'path'> & { readonly verdict: 'refused' | 'ignored' };

function judge(
  { keys, at }: Place,
  key: string,
  value: unknown,
  beside: object,
): Judgment | undefined {
  const support = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (support === 'honored') return undefined;
  if (support !== undefined) {
    const { shape, reasonIn, ...unread } = support;
    // An empty key is as good as absent.
    if (value === null) return undefined;
    if (!shape.fits(value))
      return { verdict: 'refused', on: 'value', message: expected(shape.what, value) };
    if (asksNothing(value) || (shape === FLAG && isOff(value))) return undefined;
    const reason = reasonIn === undefined ? {} : reasonIn(value, beside);
    if (reason === undefined) return undefined;
    const message = support.verdict === 'refused' ? 'not supported yet' : 'ignored';
    return { on: 'key', message, ...unread, ...reason, unsupported: true };
  }
  const inOurs = at.includes('x-millrace');
  if (key === 'x-millrace') {
    const next = 'move it to the service or to the top of the file';
    return { verdict: 'refused', on: 'key', message: 'not read here', next };
  }
  if (key.startsWith('x-') && !inOurs) return undefined;
  const meant = nearest(key, Object.keys(keys));
  if (meant === undefined) {
    const next =
      belongsTo(key) ??
      (at.length === 0 && isService(value)
        ? 'a service belongs under services:'
        : 'docs/compose.md lists the keys that are');
    return { verdict: 'refused', on: 'key', message: 'unknown key', next };
  }
  return { verdict: 'refused', on: 'key', message: `unknown key, did you mean ${meant}?` };
}

/** As files of the first version had them at the top. */
function isService(value: unknown): boolean {
  if (kindOf(value) !== 'mapping') return false;
  return ['image', 'build', 'command'].some((key) => Object.hasOwn(value as object, key));
}

/** Where a key is known that is not known here. */
function belongsTo(key: string): string | undefined {
  const place = PLACES.find(({ at, keys }) => at[0] === 'services' && Object.hasOwn(keys, key));
  if (place === undefined) return undefined;
  const at = place.at.map((step, index) => (step === '*' && index === 1 ? 'NAME' : step)).join('.');
  return `it belongs under ${at.replace('.#', '[]')}`;
}

/** `privileged: false` and `networks: {}` change nothing: not worth a word. */
function asksNothing(value: unknown): boolean {
  if (value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A flag may be a word. */
const isOff = (value: unknown): boolean => flag.safeParse(value).data === false;

/** What lies where `at` points. */
function matches(value: unknown, at: readonly string[], path: Path): [Path, unknown][] {
  const [step, ...rest] = at;
  if (step === undefined) return [[path, value]];
  if (step === '#')
    return Array.isArray(value)
      ? value.flatMap((inner, index) => matches(inner, rest, [...path, index]))
      : [];
  if (kindOf(value) !== 'mapping') return [];
  const entries = Object.entries(value as object);
  return entries
    .filter(([key]) => step === '*' || step === key)
    .flatMap(([key, inner]) => matches(inner, rest, [...path, key]));
}
