/**
 * `.dockerignore` to the letter (docs.docker.com, "Build context"): one pattern a line, the last one that
 * matches decides, `!` takes back, what is in an ignored folder is ignored with it.
 *
 * Our own, and not `@balena/dockerignore`, which reads `+`, `(` and `{` in a name as parts of a regular
 * expression and never ignores a file that is named like a property of every object (`constructor`).
 */
import { posix } from 'node:path';

export type Ignore = {
  /** `path`: relative to the context, with slashes, without `.` and `..`. */
  readonly ignores: (path: string) => boolean;
  /** Whether something in an ignored folder may be taken back. */
  readonly takesBack: boolean;
};

type Rule = { readonly takesBack: boolean; readonly pattern: RegExp };

/** Throws a `SyntaxError` that names the line that is no pattern. */
export function readIgnore(text: string): Ignore {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return {
    takesBack: rules.some(({ takesBack }) => takesBack),
    ignores: (path) => rules.findLast(({ pattern }) => pattern.test(path))?.takesBack === false,
  };
}

function ruleOf(line: string): Rule | undefined {
  // Only in the very first column.
  if (line.startsWith('#')) return undefined;
  const written = line.trim();
  if (written === '') return undefined;
  const takesBack = written.startsWith('!');
  const named = takesBack ? written.slice(1).trim() : written;
  if (named === '') throw new SyntaxError(`"${written}" names nothing`);
  const clean = posix.normalize(named).replace(/(?<=.)\/$/, '');
  const pattern = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
  // With all that is below it.
  return { takesBack, pattern: new RegExp(`^(?:${sourceOf(pattern, written)})(?:/.*)?$`, 's') };
}

/** As Go's `filepath.Match` reads it, and `**` for any number of folders. */
function sourceOf(pattern: string, written: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const mark = pattern.charAt(at);
    if (pattern.startsWith('**', at)) {
      at += pattern.charAt(at + 2) === '/' ? 2 : 1;
      source += at + 1 >= pattern.length ? '.*' : '(?:.*/)?';
    } else if (mark === '*') source += '[^/]*';
    else if (mark === '?') source += '[^/]';
    else if (mark === '[') {
      const [, inside] = /^\[(\^?(?:\\.|[^\]\\])+)\]/s.exec(pattern.slice(at)) ?? [];
      if (inside === undefined) throw new SyntaxError(`"${written}" has a [ without its end`);
      source += `(?!/)[${inside.replaceAll('[', '\\[')}]`;
      at += inside.length + 1;
    } else if (mark === '\\') {
      at += 1;
      if (at >= pattern.length) throw new SyntaxError(`"${written}" ends with a \\`);
      source += RegExp.escape(pattern.charAt(at));
    } else source += RegExp.escape(mark);
  }
  return source;
}
