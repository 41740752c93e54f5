/** What the breaking step was given, and what voters give up without a word of their own. */
import { describe, expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { quiet } from '../../../sim/options.ts';
import { simulate } from '../../../sim/run.ts';
import type { FullCourse, Sent, Step } from '../../../sim/story/full-course.ts';
import { lastInput } from '../../../sim/story/last-input.ts';
import { newSessions } from '../../../sim/story/silent-changes.ts';
import { subjectOf } from '../../../sim/story/subject.ts';
import { accept, acceptAck, K, keepaliveAck, read } from '../checkers/letters.ts';

const outcome = simulate(quiet(1, 1, 10));
const [h1, h2] = ['h1', 'h2'].map(hostId) as [ReturnType<typeof hostId>, ReturnType<typeof hostId>];

const woken = (host: Step['host'], at: number): Step => ({
  at,
  host,
  input: { kind: 'woken' },
  effects: [],
  cause: undefined,
  sent: [],
});

/** Said in that step, and heard by the other at another time. */
function heard(step: Step, message: Message, at: number): Step {
  const [from, to] = step.host === h1 ? [h1, h2] : [h2, h1];
  const cause: Sent = { message, step, from, to, leftAt: step.at, arrivals: [] };
  step.sent.push(cause);
  return { ...woken(to, at), input: { kind: 'messageReceived', from, message }, cause };
}

const courseOf = (steps: readonly Step[], endedAt: number): FullCourse => ({
  outcome,
  endedAt,
  steps,
  breaking: steps.at(-1),
  deeds: [],
  calm: undefined,
});
const told = (steps: readonly Step[], endedAt: number): readonly string[] => {
  const course = courseOf(steps, endedAt);
  const subject = subjectOf({ kind: 'unsafe', rule: 'S1', text: `h1 leads ${K}` }, course);
  return lastInput(course, subject).map(({ text }) => text);
};

describe('the last cause', () => {
  const asking = woken(h1, 10e6);

  it('of a step that a message began has who sent it and when', () => {
    const text = `h2 hears that h1 reads ${K} at h2 under term 7 (sent at 10.000 s)`;
    expect(told([asking, heard(asking, read, 10.002e6)], 10.002e6)).toEqual([text]);
  });

  it('says how late it was', () => {
    const text = `h2 hears that h1 reads ${K} at h2 under term 7 (sent at 10.000 s, 2.1 s late)`;
    expect(told([asking, heard(asking, read, 12.122e6)], 12.122e6)).toEqual([text]);
  });

  it('of an answer has the question', () => {
    const voting = heard(asking, accept(9), 10.5e6);
    const counting = heard(voting, acceptAck(9), 11e6);
    const question = `h1 asks h2 to accept ballot 9 of ${K}`;
    const text = `h1 hears the answer of h2 (sent at 10.500 s, 0.5 s late): ${question}: h2 accepts`;
    expect(told([asking, voting, counting], 11e6)).toEqual([text]);
  });

  it('of a step whose word waited for the disk says until when', () => {
    const text = `h1 wakes by its timer; what follows from it leaves at 11.000 s`;
    expect(told([asking], 11e6)).toEqual([text]);
  });
});

it('a session that is granted anew is told, once for each', () => {
  const other = { ...keepaliveAck(2), grant: { boot: 2, count: 2, nonce: 8 } } as Message;
  const voter = woken(h2, 1e6);
  const said = [keepaliveAck(2), keepaliveAck(2), other, other];
  const steps = [voter, ...said.map((message, nth) => heard(voter, message, 2e6 + nth))];
  const course = courseOf(steps, 3e6);
  const subject = subjectOf({ kind: 'unsafe', rule: 'S1', text: `h1 leads ${K}` }, course);
  expect(newSessions(course, subject)).toMatchObject([
    { text: expect.stringMatching(/^h2 grants h1 a new session, the one before has ended/) },
  ]);
});
