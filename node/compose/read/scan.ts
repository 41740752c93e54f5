/**
 * Bounds on the text of a file, kept before it is parsed: the parser takes minutes and gigabytes for
 * a megabyte of brackets. One pass over the marks of YAML, without building anything.
 */
import { Lexer } from 'yaml';
import type { Complaint } from '../problems.ts';

export const FILE_BYTES_MAX = 1 << 20;
/** Words and marks of YAML; a line `key: value` has six. */
const MARKS_MAX = 40_000;
/** Of lists and mappings within each other. */
export const DEPTH_MAX = 64;

/** What no text holds: control characters, and what is left of bytes that are not UTF-8. */
// oxlint-disable-next-line no-control-regex
const NO_TEXT = /[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\ufffd]/;

/** What the lexer says of the next token; no part of the text. */
const SIGNALS: ReadonlySet<string> = new Set(['\x02', '\x18', '\x1f']);

export const TOO_LARGE: Complaint = {
  message: 'the file is too large',
  why: `at most ${FILE_BYTES_MAX >> 20} MiB are read`,
  next: 'split it into several files, or name the right one',
};
const NOT_TEXT: Complaint = {
  message: 'this is not text',
  why: 'it holds bytes that are no UTF-8 or control characters',
  next: 'name a Compose file, written in UTF-8',
};
const TOO_MUCH: Complaint = {
  message: 'the file holds too much',
  why: `over ${MARKS_MAX} words and marks of YAML`,
  next: 'split it into several stacks',
};
export const TOO_DEEP: Complaint = {
  message: 'nested too deeply',
  why: `over ${DEPTH_MAX} lists and mappings within each other`,
  next: 'no Compose file needs that: is it the right file?',
};

/** The first bound that the text breaks, and where. */
export function scan(text: string): readonly [offset: number, complaint: Complaint] | undefined {
  if (text.length > FILE_BYTES_MAX || Buffer.byteLength(text) > FILE_BYTES_MAX)
    return [0, TOO_LARGE];
  const odd = NO_TEXT.exec(text);
  if (odd !== null) return [odd.index, NOT_TEXT];
  const depthOf = depthMeter();
  let marks = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (SIGNALS.has(token)) continue;
    marks += 1;
    if (marks > MARKS_MAX) return [offset, TOO_MUCH];
    if (depthOf(token) > DEPTH_MAX) return [offset, TOO_DEEP];
    offset += token.length;
  }
  return undefined;
}

/** Tells how deep each token lies, roughly: by brackets, and by columns where lines begin. */
function depthMeter(): (token: string) => number {
  const columns: number[] = [];
  let brackets = 0;
  let column = 0;
  /** Signs of keys on this line: `a: b: c:` is an error to YAML, found late. */
  let signs = 0;
  let opens = true;
  return (token) => {
    if (token === '\n' || token === '\r\n') {
      [column, signs, opens] = [0, 0, true];
      return 0;
    }
    if (token === '{' || token === '[') brackets += 1;
    else if (token === '}' || token === ']') brackets = Math.max(0, brackets - 1);
    else if (token === ':' && brackets === 0) signs += 1;
    if (!/^[ \t]/.test(token)) {
      if (opens && brackets === 0) {
        while ((columns.at(-1) ?? -1) >= column) columns.pop();
        columns.push(column);
      }
      opens = token === '-' || token === '?';
    }
    column += token.length;
    return columns.length + brackets + signs;
  };
}
