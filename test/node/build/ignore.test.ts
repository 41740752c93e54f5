/** `.dockerignore` as docs.docker.com describes it: each line of its page on build contexts. */
import { expect, it } from 'vitest';
import { readIgnore } from '../../../node/build/ignore.ts';

const TABLE: readonly (readonly [
  patterns: string,
  ignored: readonly string[],
  kept: readonly string[],
  reason: string,
])[] = [
  ['# comment', [], ['# comment', 'comment'], 'a # in the first column is a comment'],
  [' # name', ['# name'], ['name'], 'and only there'],
  ['\n   \n\t\n', [], ['a'], 'blank lines say nothing'],
  ['\uFEFFa', ['a'], ['b'], 'a byte order mark is no part of the first line'],
  ['a\r\nb\r\n', ['a', 'b'], ['c'], 'lines end as on Windows, too'],
  ['*/temp*', ['d/temporary.txt', 'd/temp'], ['temp', 'd/e/temp'], 'one level below the root'],
  ['*/*/temp*', ['d/e/temporary.txt'], ['d/temp', 'd/e/f/temp'], 'two levels below the root'],
  ['temp?', ['tempa', 'tempb'], ['temp', 'tempab', 'd/tempa'], '? is one character'],
  ['foo/bar', ['foo/bar', 'foo/bar/baz'], ['bar', 'x/foo/bar', 'foo'], 'from the root on'],
  ['/foo/bar/', ['foo/bar', 'foo/bar/baz'], ['foo'], 'with or without slashes around it'],
  ['./foo/../bar', ['bar'], ['foo', 'foo/bar'], 'cleaned as paths are'],
  ['.', [], ['a', '.hidden'], 'a lone dot is ignored for historical reasons'],
  ['**/*.go', ['a.go', 'd/a.go', 'd/e/a.go'], ['a.c'], '** is any number of folders, also none'],
  ['**', ['a', 'd/e'], [], 'all of it'],
  ['a/**', ['a/b', 'a/b/c'], ['ab', 'b'], 'all that is in it'],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z', 'a/b/z/x'], ['a/zz', 'z'], '** in the middle'],
  ['node_modules', ['node_modules', 'node_modules/x/y'], ['d/node_modules'], 'all below a folder'],
  ['*.md\n!README.md', ['a.md'], ['README.md', 'd/a.md'], '! takes back'],
  [
    '*.md\n!README*.md\nREADME-secret.md',
    ['a.md', 'README-secret.md'],
    ['README-public.md'],
    'the last line that matches decides',
  ],
  ['*.md\nREADME-secret.md\n!README*.md', ['a.md'], ['README-secret.md'], 'and no earlier one'],
  ['d\n!d/keep', ['d', 'd/a'], ['d/keep', 'd/keep/x'], 'out of an ignored folder, too'],
  ['*\n! src ', ['a'], ['src', 'src/a'], 'blanks around a pattern are none of it'],
  ['[ab].txt', ['a.txt', 'b.txt'], ['c.txt', '[ab].txt'], 'a choice of characters'],
  ['[^a-c]x', ['dx'], ['ax', 'cx', '/x'], 'all but these'],
  ['[[]x', ['[x'], ['x'], 'a bracket among them'],
  ['a\\*b', ['a*b'], ['aXb'], '\\ makes a mark a character'],
  ['c++/(x){1}|y^$', ['c++/(x){1}|y^$'], ['cc/x', 'y'], 'marks of other languages are characters'],
  ['a.b', ['a.b'], ['aXb'], 'so is a dot'],
  ['constructor', ['constructor'], ['toString', '__proto__'], 'whatever it is called'],
  ['readme', ['readme'], ['README'], 'capitals count'],
  ['..', [], ['a'], 'what is outside is not there'],
  ['a\nb', ['a', 'b', 'a/\n'], ['c'], 'names may hold anything'],
];

it.each(TABLE)('%j', (patterns, ignored, kept, reason) => {
  const { ignores } = readIgnore(patterns);
  for (const path of ignored) expect(ignores(path), `${reason}: ${path}`).toBe(true);
  for (const path of kept) expect(ignores(path), `${reason}: ${path}`).toBe(false);
});

it.each([
  ['[a', 'has a [ without its end'],
  ['a\\', 'ends with a \\'],
  ['!', 'names nothing'],
])('refuses %j', (pattern, why) => {
  expect(() => readIgnore(`ok\n${pattern}\n`)).toThrow(why);
});

it('knows whether anything may be taken back', () => {
  expect(readIgnore('a\n#!b').takesBack).toBe(false);
  expect(readIgnore('a\n!b').takesBack).toBe(true);
});
