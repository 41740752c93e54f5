/** When a sentence has to be true, and which run breaks it. */
import { expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import { type Claim, parseClaim } from '../../../sim/scenario/claim.ts';
import { parseWhen, type When, WHEN_FORMS } from '../../../sim/scenario/expect.ts';
import { namesIn } from '../../../sim/scenario/names.ts';
import { play } from '../../../sim/scenario/play.ts';
import { SCENARIO, site } from './site.ts';

const SPAN = { forMs: 60_000, lastMs: 20_000 };
const seconds = (text: string): number | undefined => {
  const [, number] = /^(\d+)s$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * 1000;
};

it.each<readonly [string, When]>([
  ['always', { kind: 'throughout', fromMs: 0, untilMs: 60_000 }],
  ['from 10s', { kind: 'throughout', fromMs: 10_000, untilMs: 60_000 }],
  ['from 10s to 20s', { kind: 'throughout', fromMs: 10_000, untilMs: 20_000 }],
  ['at 40s', { kind: 'throughout', fromMs: 40_000, untilMs: 40_000 }],
  ['eventually within 15s', { kind: 'within', fromMs: 20_000, untilMs: 35_000 }],
  ['eventually within 15s of 12s', { kind: 'within', fromMs: 12_000, untilMs: 27_000 }],
  ['in the end', { kind: 'end' }],
])('reads "%s"', (text, when) => {
  expect(parseWhen(text, SPAN, seconds)).toEqual({ ok: true, value: when });
});

it.each([
  ['soon', /says no time/],
  ['from ten', /says no time/],
  ['at 10s to 20s', /says no time/],
  ['eventually', /says no time/],
  ['eventually within 15s of noon', /says no time/],
  ['from 10s to 70s', /goes on until 70000 ms, the run is over after 60000 ms/],
  ['eventually within 41s', /goes on until 61000 ms/],
])('refuses "%s"', (text, why) => {
  const error = expect.stringMatching(why) as string;
  expect(parseWhen(text, SPAN, seconds)).toEqual({ ok: false, error });
});

it('can read every time it advertises', () => {
  expect(WHEN_FORMS.filter((form) => !parseWhen(form, SPAN, seconds).ok)).toEqual([]);
});

const claimOf = (sentence: string): Claim => {
  const read = parseClaim(namesIn(3, [site()]), sentence);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

/** The website stands from about 3 s on; at 20 s it ends, and is started again. */
it.each<readonly [broken: boolean, when: When, sentence: string, reason: string]>([
  [true, throughout(0, 30_000), '2 running of site.web', 'it takes time to come up'],
  [false, throughout(10_000, 19_900), '2 running of site.web', 'then it stands'],
  [true, throughout(10_000, 30_000), '2 running of site.web', 'it ends in between'],
  [false, throughout(25_000, 30_000), '2 running of site.web', 'it is back'],
  [false, throughout(15_000, 15_000), '2 running of site.web', 'one look is enough'],
  [true, throughout(20_000, 20_000), '2 running of site.web', 'one look sees it'],
  [false, within(0, 10_000), '2 running of site.web', 'once is enough'],
  [true, within(0, 1000), '2 running of site.web', 'so soon it cannot be'],
  [false, within(20_000, 20_000), 'no running of site.web', 'the first look is in time'],
  [true, within(0, 30_000), '3 running of site.web', 'it never is'],
  [false, { kind: 'end' }, '2 running of site.web', 'at the end all is well'],
  [true, { kind: 'end' }, 'no running of site.web', 'whatever was before'],
])('broken: %s, %o, %s: %s', (broken, when, sentence) => {
  const { outcome } = play(
    {
      ...SCENARIO,
      expect: [{ text: 'as said', when, claim: claimOf(sentence) }],
      timeline: [
        {
          atMs: 20_000,
          act: { kind: 'exit', seat: { component: componentId('site', 'web') }, how: 'exit' },
        },
      ],
    },
    1,
    {},
  );
  expect(outcome.verdict).toMatchObject(
    broken
      ? { kind: 'unsafe', rule: 'expectation', text: expect.stringMatching(/^as said: /) as string }
      : { kind: 'passed' },
  );
});

function throughout(fromMs: number, untilMs: number): When {
  return { kind: 'throughout', fromMs, untilMs };
}

function within(fromMs: number, untilMs: number): When {
  return { kind: 'within', fromMs, untilMs };
}
