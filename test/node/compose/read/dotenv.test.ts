import { expect, it } from 'vitest';
import { parseDotenv } from '../../../../node/compose/read/dotenv.ts';

const environment = (name: string): string | undefined => ({ HOME: '/h' })[name];

it.each<[string, Record<string, string>, string]>([
  ['A=1', { A: '1' }, 'a plain value'],
  ['A = 1 \nB:2', { A: '1', B: '2' }, 'spaces around the sign, and a colon for a sign'],
  ['\n# note\n  A=1 # why\nB=a#b', { A: '1', B: 'a#b' }, 'a comment needs a space before it'],
  ['A=\nB= \nC=""', { A: '', B: '', C: '' }, 'empty values'],
  ['A=#c\nB= # c\nC=#1 # c', { A: '#c', B: '# c', C: '#1' }, 'a value may begin with #'],
  ['A=1\t# x\nB=1 #x', { A: '1\t# x', B: '1' }, 'only a space before # begins a comment'],
  ['export A=1', { A: '1' }, 'export'],
  ['export=1', { export: '1' }, 'a variable called export'],
  [`A='x $HOME #\\n'`, { A: 'x $HOME #\\n' }, 'single quotes keep everything'],
  ['A="x $HOME \\n \\" \\$B" # c', { A: 'x /h \n " $B' }, 'double quotes fill and unescape'],
  ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }, 'quotes over two lines'],
  ['A=1\nB=${A}2\nC=${NO:-d}', { A: '1', B: '12', C: 'd' }, 'variables from above'],
  ['HOME=mine\nB=$HOME', { HOME: 'mine', B: '/h' }, 'the environment wins inside'],
  ['HOME\nNO\nA=1', { HOME: '/h', A: '1' }, 'a bare name is taken from the environment'],
  ['A=1 # c\r\nB="2"\r\n', { A: '1', B: '2' }, 'lines of Windows'],
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

it.each<[string, readonly (readonly [string, number])[], string]>([
  ['A=$NO', [['NO', 1]], 'one'],
  [
    'A=1\n\nB=${NO}$A\nC="$NO ${MORE}"',
    [
      ['NO', 3],
      ['MORE', 4],
    ],
    'each once, where it is first',
  ],
  ["A='$NO'\nB=${NO:-d}${HOME}$$X", [], 'none'],
])('%j asks for %j, which is not set: %s', (text, wanted) => {
  const read = parseDotenv(text, environment);
  expect(read.ok && read.unset.map(({ name, line }) => [name, line])).toEqual(wanted);
});

it('finds the lines of many variables that are not set without counting from the top', () => {
  const text = Array.from({ length: 40_000 }, (_, index) => `A${index}=$B${index}\n`).join('');
  const before = process.cpuUsage().user;
  const read = parseDotenv(text, environment);
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(1_000);
  expect(read.ok && read.unset.at(-1)).toEqual({ name: 'B39999', line: 40_000 });
});
