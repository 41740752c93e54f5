import { expect, it } from 'vitest';
import { interpolate } from '../../../../node/compose/read/interpolate.ts';
import { renderComplaint } from '../../../../node/compose/problems.ts';

const ENVIRONMENT: Readonly<Record<string, string>> = { SET: 'yes', EMPTY: '', OTHER: 'o' };

/** The text, `!` and the complaint, or the text and `?` with what was not set. */
function filled(template: string): string {
  const outcome = interpolate(template, (name) => ENVIRONMENT[name]);
  if (!outcome.ok) return `!${renderComplaint(outcome.error)}`;
  const { text, unset } = outcome.value;
  return unset.length === 0 ? text : `${text}?${unset.join(',')}`;
}

const must = '!the variable';
it.each([
  // template     set, empty, unset
  ['$V', 'yes', '', '?UNSET'],
  ['${V}', 'yes', '', '?UNSET'],
  ['${V:-d}', 'yes', 'd', 'd'],
  ['${V-d}', 'yes', '', 'd'],
  [
    '${V:?e}',
    'yes',
    `${must} EMPTY must have a value: e; `,
    `${must} UNSET must have a value: e; `,
  ],
  ['${V?e}', 'yes', '', `${must} UNSET must have a value: e; `],
  ['${V:?}', 'yes', `${must} EMPTY must have a value; `, `${must} UNSET must have a value; `],
  ['${V:+r}', 'r', '', ''],
  ['${V+r}', 'r', 'r', ''],
  ['${V:-}', 'yes', '', ''],
  ['a${V}b$V-c', 'ayesbyes-c', 'ab-c', 'ab-c?UNSET'],
])('%s: with a value %j, empty %j, unset %j', (template, ...wanted) => {
  const got = ['SET', 'EMPTY', 'UNSET'].map((name) => filled(template.replaceAll('V', name)));
  expect(got.map((text) => text.replace(/; set .*/, '; '))).toEqual(wanted);
});

it.each([
  ['plain', 'plain', 'nothing to do'],
  ['$$SET', '$SET', 'an escaped dollar'],
  ['$${SET}', '${SET}', 'an escaped brace'],
  ['$$$SET', '$yes', 'an escape before a variable'],
  ['${UNSET:-$$x}', '$x', 'an escape in a default'],
  ['cost 5$', 'cost 5$', 'a dollar at the end stands for itself'],
  ['$5 $- $ x', '$5 $- $ x', 'a dollar before no name stands for itself'],
  ['$SET_not', '?SET_not', 'a name is as long as it can be'],
  ['${SET}_not', 'yes_not', 'braces end a name'],
  ['${UNSET:-${OTHER}}', 'o', 'a variable in a default'],
  ['${UNSET:-${EMPTY:-${SET}}}', 'yes', 'defaults in defaults'],
  ['${UNSET:-a${OTHER}b}c', 'aobc', 'text around a nested variable'],
  ['${SET:-${UNSET}}', 'yes', 'a default not used is not looked at'],
  ['${SET:-${UNSET:?no}}', 'yes', 'a requirement not used does not refuse'],
  ['${SET:+${UNSET:-w}}', 'w', 'a replacement with a default'],
  ['${UNSET:-{"a":{"b":1}}}', '{"a":{"b":1}}', 'JSON as a default'],
  ['${UNSET:-a:-b}', 'a:-b', 'an operator in a default'],
  ['${UNSET-a?b}', 'a?b', 'the first operator counts'],
  ['$UNSET${UNSET}', '?UNSET', 'one name is told once'],
  ['${SET', '!invalid variable ${SET: the closing brace is missing', 'an open brace'],
  ['x${}', '!invalid variable ${}: a variable is a letter', 'no name'],
  ['${1}', '!invalid variable ${1}: a variable is a letter', 'a digit for a name'],
  ['${SET!x}', '!invalid variable ${SET!x}: a variable', 'an unknown operator'],
  ['${UNSET:?${OTHER} is missing}', '!the variable UNSET must have a value: o is missing', 'a why'],
])('%s becomes %s: %s', (template, wanted) => {
  const got = filled(template);
  expect(wanted.startsWith('!') ? got.slice(0, wanted.length) : got).toBe(wanted);
});

it('refuses what grows beyond measure', () => {
  const huge = 'x'.repeat(100_000);
  expect(interpolate('$A'.repeat(1_000), () => huge).ok).toBe(false);
  expect(interpolate(`${'${A:-'.repeat(5_000)}${'}'.repeat(5_000)}`, () => undefined).ok).toBe(
    false,
  );
});
