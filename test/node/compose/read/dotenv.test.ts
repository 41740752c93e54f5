import { expect, it } from 'vitest';
import { parseDotenv } from '../../../../node/compose/read/dotenv.ts';

const environment = (name: string): string | undefined => ({ HOME: '/h' })[name];

it.each<[string, Record<string, string>, string]>([
  ['A=1', { A: '1' }, 'a plain value'],
  ['A = 1 \nB:2', { A: '1', B: '2' }, 'spaces around the sign, and a colon for a sign'],
  ['\n# note\n  A=1 # why\nB=a#b', { A: '1', B: 'a#b' }, 'a comment needs a space before it'],
  ['A=\nB=#c', { A: '', B: '' }, 'empty values'],
  ['export A=1', { A: '1' }, 'export'],
  ['export=1', { export: '1' }, 'a variable called export'],
  [`A='x $HOME #\\n'`, { A: 'x $HOME #\\n' }, 'single quotes keep everything'],
  ['A="x $HOME \\n \\" \\$B" # c', { A: 'x /h \n " $B' }, 'double quotes fill and unescape'],
  ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }, 'quotes over two lines'],
  ['A=1\nB=${A}2\nC=${NO:-d}', { A: '1', B: '12', C: 'd' }, 'variables from above'],
  ['HOME=mine\nB=$HOME', { HOME: 'mine', B: '/h' }, 'the environment wins inside'],
  ['HOME\nNO\nA=1', { HOME: '/h', A: '1' }, 'a bare name is taken from the environment'],
  ['A=1\r\nB="2"\r\n', { A: '1', B: '2' }, 'lines of Windows'],
  ['A=1\nA=2', { A: '2' }, 'the last one wins'],
])('%j gives %j: %s', (text, wanted) => {
  const read = parseDotenv(text, environment);
  expect(read.ok && Object.fromEntries(read.values)).toEqual(wanted);
});

it.each([
  ['A=1\n!', 2, 'expected KEY=VALUE'],
  ['A B=1', 1, 'expected KEY=VALUE'],
  ['A=1\nB="x', 2, 'the quote of B is not closed'],
  [`A='x' y`, 1, 'text after the closing quote of A'],
  ['A=1\n\nB=${x', 3, 'invalid variable ${x'],
])('%j is refused in line %i: %s', (text, line, message) => {
  const read = parseDotenv(text, environment);
  expect(read).toMatchObject({ ok: false, line, complaint: { message } });
});
