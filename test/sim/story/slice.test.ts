/** The causes of a violation reach back through those who only answered, and no further. */
import { expect, it } from 'vitest';
import { quiet } from '../../../sim/options.ts';
import type { Scene } from '../../../sim/run.ts';
import { playInFull } from '../../../sim/story/full-course.ts';
import { causesOf } from '../../../sim/story/slice.ts';
import { concerns, subjectOf } from '../../../sim/story/subject.ts';
import type { Tape } from '../../../sim/tape.ts';

const look = ({ atMs }: Scene): string | undefined =>
  atMs >= 2000 ? 'h2 leads sys/roster' : undefined;

const tape: Tape = {
  format: 1,
  options: { ...quiet(1, 4, 5000), voterCount: 3 },
  deeds: [],
  draws: { start: [0, 0, 1500] },
};

it('of who leads the roster', () => {
  const course = playInFull(tape, look);
  const { verdict } = course.outcome;
  if (verdict.kind === 'passed') throw new Error('nothing was broken');
  const subject = subjectOf(verdict, course);
  const causes = [...causesOf(course, subject)];
  const heard = causes.flatMap(({ cause }) => (cause === undefined ? [] : [cause]));
  // Those who voted for it are not named.
  expect(new Set(heard.map(({ to }) => to))).toEqual(new Set(['h1', 'h2', 'h3']));
  expect(heard.filter(({ message }) => concerns(subject, message)).length).toBeGreaterThan(6);
  expect(causes.length).toBeLessThan(course.steps.length / 2);
  // Whom nobody heard before the end can have caused nothing.
  const late = course.steps.filter(({ host, at }) => host === 'h4' && at < 1.5e6);
  expect(late).toEqual([]);
});
