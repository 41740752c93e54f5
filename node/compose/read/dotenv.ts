/**
 * The `.env` file beside a Compose file, and files under `env_file`.
 *
 *     KEY=plain value #a comment begins with a space and #      KEY=#no comment
 *     KEY='as it is'       KEY="with \n and $OTHER"      export KEY=…      KEY (from the environment)
 *
 * Quoted values may span lines. Plain and double-quoted values may hold variables set above or in the
 * environment. Source: compose-go `dotenv`.
 */
import { interpolate, type Lookup } from './interpolate.ts';
import type { Complaint } from '../problems.ts';

/** The outcome names the line, from 1, of the first thing that cannot be read. */
export type Dotenv =
  | {
      readonly ok: true;
      readonly values: ReadonlyMap<string, string>;
      readonly unset: readonly Unset[];
    }
  | { readonly ok: false; readonly line: number; readonly complaint: Complaint };
/** A variable that counts as empty, and the line, from 1, that asks for it first. */
export type Unset = { readonly name: string; readonly line: number };

const BLANK = /(?:\s|#[^\n]*(?:\n|$))+/y;
const KEY = /(?:export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*(?:([=:])[ \t]*|(?=\r?\n|$))/y;
const SINGLE = /'((?:[^'\\]|\\[\s\S])*)'/y;
const DOUBLE = /"((?:[^"\\]|\\[\s\S])*)"/y;
const PLAIN = /[^\n]*/y;
/** Behind a quoted value only a comment may follow. */
const REST = /[ \t]*(?:#[^\n]*)?(?=\r?\n|$)/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', $: '$$' };

/** `environment` wins over what was set above in the same file, as it does in the Compose file. */
export function parseDotenv(text: string, environment: Lookup): Dotenv {
  const values = new Map<string, string>();
  const unset = new Map<string, number>();
  const lineAt = lineMeter(text);
  const lookup: Lookup = (name) => environment(name) ?? values.get(name);
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match !== undefined) at = pattern.lastIndex;
    return match;
  };
  const refuse = (complaint: Complaint): Dotenv => {
    return { ok: false, line: lineAt(at), complaint };
  };
  for (;;) {
    take(BLANK);
    if (at >= text.length)
      return { ok: true, values, unset: [...unset].map(([name, line]) => ({ name, line })) };
    const start = at;
    const [, key, sign] = take(KEY) ?? [];
    if (key === undefined) return refuse({ message: 'expected KEY=VALUE' });
    if (sign === undefined) {
      const inherited = environment(key);
      if (inherited !== undefined) values.set(key, inherited);
      continue;
    }
    const single = take(SINGLE);
    const double = single === undefined ? take(DOUBLE) : undefined;
    const quoted = single ?? double;
    if (quoted === undefined && /['"]/.test(text[at] ?? ''))
      return refuse({ message: `the quote of ${key} is not closed` });
    if (quoted !== undefined && take(REST) === undefined)
      return refuse({ message: `text after the closing quote of ${key}` });
    if (single !== undefined) {
      values.set(key, (single[1] ?? '').replaceAll(String.raw`\'`, "'"));
      continue;
    }
    const raw = double === undefined ? plain(take(PLAIN)?.[0] ?? '') : unescape(double[1] ?? '');
    const value = interpolate(raw, lookup);
    if (!value.ok) return refuse(value.error);
    for (const name of value.value.unset) if (!unset.has(name)) unset.set(name, lineAt(start));
    values.set(key, value.value.text);
  }
}

/** Tells the lines, from 1, of offsets that only grow. */
function lineMeter(text: string): (offset: number) => number {
  let line = 1;
  let next = text.indexOf('\n');
  return (offset) => {
    for (; next >= 0 && next < offset; next = text.indexOf('\n', next + 1)) line += 1;
    return line;
  };
}

/** What begins with # is a value: only a space makes it a comment. */
function plain(line: string): string {
  return (line.split(' #', 1)[0] ?? '').trim();
}

function unescape(quoted: string): string {
  return quoted.replaceAll(/\\([nrt$"\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

/** Lines of `KEY=value`, the value as it is. */
export function parseRaw(text: string): Dotenv {
  const values = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, key, value] = /^\s*([A-Za-z0-9_.-]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined)
      return { ok: false, line: index + 1, complaint: { message: 'expected KEY=VALUE' } };
    values.set(key, value);
  }
  return { ok: true, values, unset: [] };
}
