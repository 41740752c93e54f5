/**
 * Variables in the values of a Compose file:
 *
 *     $$            a dollar sign
 *     $V  ${V}      the value, empty if unset (and told)
 *     ${V:-word}    word if V is unset or empty      ${V-word}   word if V is unset
 *     ${V:?word}    refused if V is unset or empty   ${V?word}   refused if V is unset
 *     ${V:+word}    word if V is neither             ${V+word}   word if V is set
 *
 * `word` may hold variables itself and is looked at only where it is used. A dollar sign before
 * anything else stands for itself. Source: compose-spec "Interpolation", compose-go `template`.
 */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Complaint } from '../problems.ts';

export type Lookup = (name: string) => string | undefined;

export type Interpolated = {
  readonly text: string;
  /** Names that were neither set nor given a default. */
  readonly unset: readonly string[];
};

/** Larger values are refused: a few variables in a row can multiply without end. */
const RESULT_CHARS_MAX = 1 << 20;
const DEPTH_MAX = 16;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const BRACED = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([\s\S]*))?$/;

/** How each of the unset is told. */
export const notSet = (name: string): string =>
  `the variable ${name} is not set, it counts as empty`;

type Expansion = { readonly lookup: Lookup; readonly unset: Set<string> };

export function interpolate(template: string, lookup: Lookup): Result<Interpolated, Complaint> {
  const unset = new Set<string>();
  const expanded = expand(template, { lookup, unset }, 0);
  return expanded.ok ? ok({ text: expanded.value, unset: [...unset] }) : expanded;
}

function expand(template: string, expansion: Expansion, depth: number): Result<string, Complaint> {
  if (depth > DEPTH_MAX) return fail({ message: `variables nested over ${DEPTH_MAX} deep` });
  let text = '';
  let at = 0;
  for (let dollar = template.indexOf('$'); dollar >= 0; dollar = template.indexOf('$', at)) {
    text += template.slice(at, dollar);
    const found = variableAt(template, dollar, expansion, depth);
    if (!found.ok) return found;
    text += found.value.text;
    at = found.value.end;
    if (text.length > RESULT_CHARS_MAX)
      return fail({ message: `over ${RESULT_CHARS_MAX} characters once its variables are in` });
  }
  return ok(text + template.slice(at));
}

type Span = { readonly text: string; readonly end: number };

function variableAt(
  template: string,
  dollar: number,
  expansion: Expansion,
  depth: number,
): Result<Span, Complaint> {
  const start = dollar + 1;
  if (template[start] === '$') return ok({ text: '$', end: start + 1 });
  if (template[start] === '{') {
    const close = closingBrace(template, start);
    const whole = template.slice(dollar, close < 0 ? dollar + 40 : close + 1);
    if (close < 0) return invalid(whole, 'the closing brace is missing');
    const value = braced(template.slice(start + 1, close), whole, expansion, depth);
    return value.ok ? ok({ text: value.value, end: close + 1 }) : value;
  }
  NAME.lastIndex = start;
  const [name] = NAME.exec(template) ?? [];
  if (name === undefined) return ok({ text: '$', end: start });
  return ok({ text: valueOf(name, expansion), end: start + name.length });
}

function braced(
  body: string,
  whole: string,
  expansion: Expansion,
  depth: number,
): Result<string, Complaint> {
  const [, name, operator, word = ''] = BRACED.exec(body) ?? [];
  if (name === undefined) return invalid(whole, 'a variable is a letter, then letters and digits');
  if (operator === undefined) return ok(valueOf(name, expansion));
  const value = expansion.lookup(name);
  // With a colon an empty value counts as none.
  const present = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return present ? expand(word, expansion, depth + 1) : ok('');
  if (present) return ok(value);
  if (operator.endsWith('-')) return expand(word, expansion, depth + 1);
  return required(name, word, expansion, depth);
}

function required(
  name: string,
  word: string,
  expansion: Expansion,
  depth: number,
): Result<string, Complaint> {
  const said = expand(word, expansion, depth + 1);
  if (!said.ok) return said;
  const next = `set ${name} in the environment or in .env`;
  const why = said.value === '' ? {} : { why: said.value };
  return fail({ message: `the variable ${name} must have a value`, ...why, next });
}

function valueOf(name: string, { lookup, unset }: Expansion): string {
  const value = lookup(name);
  if (value === undefined) unset.add(name);
  return value ?? '';
}

/** Braces inside count, so that a default may hold JSON. Below zero: there is none. */
function closingBrace(template: string, open: number): number {
  let depth = 0;
  for (let at = open; at < template.length; at += 1) {
    if (template[at] === '{') depth += 1;
    else if (template[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

function invalid(whole: string, why: string): Result<never, Complaint> {
  const next = 'write $$ for a dollar sign that is meant';
  return fail({ message: `invalid variable ${whole}`, why, next });
}
