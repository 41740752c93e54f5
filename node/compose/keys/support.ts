/** Holds a file to the table of keys: nothing in it is dropped in silence. */
import { kindOf } from '../fields.ts';
import { type Place, PLACES } from './places.ts';
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
        const finding = judge(place, key, inner);
        if (finding === undefined) continue;
        const { verdict, ...complaint } = finding;
        const where = { path: [...path, key], on: 'key', ...complaint } as const;
        (verdict === 'refused' ? errors : warnings).push(where);
      }
    }
  }
  return { errors, warnings };
}

type Judgment = Omit<Finding, 'path' | 'on'> & { readonly verdict: 'refused' | 'ignored' };

function judge({ keys, at }: Place, key: string, value: unknown): Judgment | undefined {
  const support = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (support === 'honored') return undefined;
  if (support !== undefined) {
    if (asksNothing(value)) return undefined;
    const message = support.verdict === 'refused' ? 'not supported yet' : 'ignored';
    return { message, ...support, unsupported: true };
  }
  const inOurs = at.includes('x-millrace');
  if (key === 'x-millrace') {
    const next = 'move it to the service or to the top of the file';
    return { verdict: 'refused', message: 'not read here', next };
  }
  if (key.startsWith('x-') && !inOurs) return undefined;
  const meant = nearest(key, Object.keys(keys));
  if (meant === undefined) {
    const next = 'docs/compose.md lists the keys that are';
    return { verdict: 'refused', message: 'unknown key', next };
  }
  return { verdict: 'refused', message: `unknown key, did you mean ${meant}?` };
}

/** `privileged: false` and `networks: {}` change nothing: not worth a word. */
function asksNothing(value: unknown): boolean {
  if (value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** What lies where `at` points, with `*` for every key or position. */
function matches(value: unknown, at: readonly string[], path: Path): [Path, unknown][] {
  const [step, ...rest] = at;
  if (step === undefined) return [[path, value]];
  if (step !== '*') {
    const inner = kindOf(value) === 'mapping' ? (value as Record<string, unknown>)[step] : null;
    return inner === null || inner === undefined ? [] : matches(inner, rest, [...path, step]);
  }
  const entries: (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : kindOf(value) === 'mapping'
      ? Object.entries(value as object)
      : [];
  return entries.flatMap(([key, inner]) => matches(inner, rest, [...path, key]));
}
