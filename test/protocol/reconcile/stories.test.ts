/** What happens when an instance ends. Each line: time, event, report, next deadline, effects. */
import { expect, it } from 'vitest';
import {
  desired,
  exited,
  health,
  list,
  observed,
  refused,
  removed,
  restart,
  said,
  spec,
  stage,
  started,
  trace,
  wake,
} from './stage.ts';

it('crash: the next instance is asked for in the very same step, the old one removed once it runs', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  exited(s, 5000, 1, 137);
  started(s, 5080, 2);
  removed(s, 5100, 1);
  wake(s, 65_080);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 e1 exited 137: 2 preparing due 605000 | start shop.web.1 #2 r1
    5080 e2 started: 2 running due 65080 | remove e1
    5100 e1 removed: 2 running due 65080
    65080 woken: 2 running due 605000"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    ended after 4.9 s: exit 137 (SIGKILL)
    failed: exit 137 (SIGKILL), restarts at once
    started (attempt 2), 0.08 s after the last one ended"
  `);
});

it('the answer to a start comes when all is over: it starts no second life', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  exited(s, 5000, 1, 1);
  started(s, 5080, 2);
  removed(s, 5100, 1);
  started(s, 5200, 1);
  expect(s.effects).toEqual([]);
  exited(s, 9000, 2, 1);
  expect(s.said.at(-1)).toContain('failed: exit 1, restarts');
});

it('what was removed before the answer to its start has ended, as it did', () => {
  const s = stage();
  list(s, 0);
  exited(s, 100, 1, 3);
  removed(s, 110, 1);
  started(s, 200, 1);
  expect(s.said).toContain('failed: exit 3, restarts at once');
  expect(s.effects).toEqual([expect.objectContaining({ kind: 'startInstance', attempt: 2 })]);
});

it('backs off, is marked as a crash loop, goes on slowly, and recovers', () => {
  const s = stage();
  list(s, 0);
  let at = 100;
  for (let attempt = 1; attempt <= 6; attempt++) {
    started(s, at, attempt);
    exited(s, at + 10, attempt, 1);
    const due = s.slots.deadline;
    if (s.effects.length === 0 && due !== undefined) wake(s, due);
    at = s.now + 10;
  }
  started(s, at, 7);
  wake(s, at + 59_999);
  wake(s, at + 60_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    110 e1 exited 1: 2 preparing due 600110 | start shop.web.1 #2 r1
    120 e2 started: 2 running due 60120 | remove e1
    130 e2 exited 1: 2 failed "exit 1, restarts 0.97 s later" due 1098
    1098 woken: 3 preparing due 600110 | start shop.web.1 #3 r1
    1108 e3 started: 3 running due 61108
    1118 e3 exited 1: 3 failed "exit 1, restarts 1.8 s later" due 2935
    2935 woken: 4 preparing due 600110 | start shop.web.1 #4 r1
    2945 e4 started: 4 running due 62945
    2955 e4 exited 1: 4 failed "exit 1, restarts 3.9 s later" due 6869
    6869 woken: 5 preparing due 600110 | start shop.web.1 #5 r1
    6879 e5 started: 5 running due 66879
    6889 e5 exited 1: 5 failed "exit 1, restarts 7.0 s later" due 13919
    13919 woken: 6 preparing due 600110 | start shop.web.1 #6 r1
    13929 e6 started: 6 running due 73929
    13939 e6 exited 1: 6 failed crash loop "exit 1, restarts 50.3 s later" due 64201
    64201 woken: 7 preparing crash loop due 600110 | start shop.web.1 #7 r1
    64211 e7 started: 7 running crash loop due 124211
    124210 woken: 7 running crash loop due 124211
    124211 woken: 7 running due 600110"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    ended after 0.01 s: exit 1
    failed: exit 1, restarts at once
    started (attempt 2), 0.01 s after the last one ended
    ended after 0.01 s: exit 1
    failed: exit 1, restarts 0.97 s later
    started (attempt 3), 0.98 s after the last one ended
    ended after 0.01 s: exit 1
    failed: exit 1, restarts 1.8 s later
    started (attempt 4), 1.8 s after the last one ended
    ended after 0.01 s: exit 1
    failed: exit 1, restarts 3.9 s later
    started (attempt 5), 3.9 s after the last one ended
    ended after 0.01 s: exit 1
    failed: exit 1, restarts 7.0 s later
    started (attempt 6), 7.0 s after the last one ended
    ended after 0.01 s: exit 1
    failed: exit 1, restarts 50.3 s later
    crash loop: 6 failures within 10 min; goes on slowly
    started (attempt 7), 50.3 s after the last one ended
    no longer in a crash loop"
  `);
});

it('unhealthy: stopped, counted as a failure, started again', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1, { health: 'starting' });
  health(s, 2000, 1, 'healthy');
  health(s, 9000, 1, 'unhealthy');
  exited(s, 9500, 1, 143);
  started(s, 9600, 2, { health: 'starting' });
  health(s, 9700, 2, 'unhealthy');
  exited(s, 9800, 2, 143);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running starting
    2000 e1 healthy: 1 running healthy
    9000 e1 unhealthy: 1 stopping unhealthy "unhealthy" due 609000 | stop e1 in 10000
    9500 e1 exited 143: 2 preparing due 609000 | start shop.web.1 #2 r1
    9600 e2 started: 2 running starting due 609000 | remove e1
    9700 e2 unhealthy: 2 stopping unhealthy "unhealthy" due 10668 | stop e2 in 10000
    9800 e2 exited 143: 2 failed "unhealthy, restarts 0.97 s later" due 10668"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    healthy after 1.9 s
    unhealthy after 8.9 s
    told to stop (attempt 1): unhealthy
    failed: unhealthy, restarts at once
    ended as asked: exit 143 (SIGTERM)
    started (attempt 2), 0.10 s after the last one ended
    unhealthy after 0.10 s
    told to stop (attempt 2): unhealthy
    failed: unhealthy, restarts 0.97 s later
    ended as asked: exit 143 (SIGTERM)"
  `);
});

it('unhealthy under a policy that would not start it again: left running', () => {
  const s = stage([desired({ spec: spec({ restart: { kind: 'no' } }) })]);
  list(s, 0);
  started(s, 100, 1, { health: 'starting' });
  health(s, 9000, 1, 'unhealthy');
  expect(s.effects).toEqual([]);
  expect(s.lines.at(-1)).toBe('9000 e1 unhealthy: 1 running unhealthy');
});

it('complete: a job that ended well is kept and not run again, also by the next agent', () => {
  const job = [desired({ spec: spec({ restart: { kind: 'onFailure' } }) })];
  const s = stage(job);
  list(s, 0);
  started(s, 100, 1);
  exited(s, 900, 1, 0);
  removed(s, 1000, 1);
  wake(s, 100_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    900 e1 exited 0: 1 complete "exit 0"
    1000 e1 removed: 1 complete "exit 0"
    100000 woken: 1 complete "exit 0""
  `);
  const next = stage(job);
  list(next, 0, observed({ state: 'exited', exitCode: 0 }));
  expect(trace(next)).toMatchInlineSnapshot(`"0 listed e1: 1 complete "exit 0""`);
});

it('on failure: as many retries as granted, then failed until a user restarts it', () => {
  const s = stage([desired({ spec: spec({ restart: { kind: 'onFailure', retryMax: 1 } }) })]);
  list(s, 0);
  started(s, 100, 1);
  exited(s, 200, 1, 3);
  started(s, 300, 2);
  exited(s, 400, 2, 3);
  wake(s, 90_000);
  restart(s, 95_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    200 e1 exited 3: 2 preparing due 600200 | start shop.web.1 #2 r1
    300 e2 started: 2 running due 60300 | remove e1
    400 e2 exited 3: 2 failed "exit 3, its restart policy allows 1 retries" due 600200
    90000 woken: 2 failed "exit 3, its restart policy allows 1 retries" due 600200
    95000 user restarts: 3 preparing | start shop.web.1 #3 r1"
  `);
});

it.each([
  [3, 'no', 'always', 'preparing', 'it may go on'],
  [3, 'no', 'unlessStopped', 'preparing', 'it may go on'],
  [3, 'always', 'no', 'preparing', 'it was to go on anyway'],
  [3, 'no', 'no', 'failed', 'nothing has changed'],
  [0, 'no', 'always', 'preparing', 'what has done its work is to do it again'],
  [0, 'no', 'no', 'complete', 'it has done its work'],
] as const)(
  'an end with exit %i under %s, then deployed with %s: %s, %s',
  (code, was, is, state, _why) => {
    const s = stage([desired({ spec: spec({ restart: { kind: was } }) })]);
    list(s, 0);
    started(s, 100, 1);
    exited(s, 200, 1, code);
    s.wanted = [desired({ spec: spec({ restart: { kind: is } }) })];
    wake(s, 300);
    expect(trace(s).split('\n').at(-1)).toContain(` ${state}`);
  },
);

it('retries that are used up are granted anew with another policy, and with the same they are not', () => {
  const onFailure = (retryMax: number) => [
    desired({ spec: spec({ restart: { kind: 'onFailure', retryMax } }) }),
  ];
  const s = stage(onFailure(0));
  list(s, 0);
  started(s, 100, 1);
  exited(s, 200, 1, 3);
  s.wanted = onFailure(0);
  wake(s, 300);
  s.wanted = onFailure(1);
  wake(s, 400);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    200 e1 exited 3: 1 failed "exit 3, its restart policy allows 0 retries"
    300 woken: 1 failed "exit 3, its restart policy allows 0 retries"
    400 woken: 2 preparing | start shop.web.1 #2 r1"
  `);
});

it('refused for now: tried again with backoff; refused for good: only a new spec or a user helps', () => {
  const s = stage();
  list(s, 0);
  refused(s, 100, 1, false);
  refused(s, 200, 2, false);
  wake(s, 1200);
  refused(s, 1300, 3, true);
  wake(s, 100_000);
  restart(s, 110_000);
  refused(s, 110_100, 4, true);
  s.wanted = [desired({ revision: 'r2' })];
  wake(s, 120_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 #1 refused: 2 preparing due 600100 | start shop.web.1 #2 r1
    200 #2 refused: 2 failed "could not be started: no such image, restarts 0.97 s later" due 1168
    1200 woken: 3 preparing due 600100 | start shop.web.1 #3 r1
    1300 #3 refused: 3 rejected "no such image" due 600100
    100000 woken: 3 rejected "no such image" due 600100
    110000 user restarts: 4 preparing | start shop.web.1 #4 r1
    110100 #4 refused: 4 rejected "no such image"
    120000 woken: 5 preparing | start shop.web.1 #5 r2"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "could not be started: no such image, restarts at once
    could not be started: no such image, restarts 0.97 s later
    rejected: no such image; retried when its spec changes or a user restarts it
    a user asked for a restart
    rejected: no such image; retried when its spec changes or a user restarts it"
  `);
});

it('an exit that overtakes the answer to its start is not lost', () => {
  const s = stage();
  list(s, 0);
  exited(s, 100, 1, 1);
  started(s, 110, 1);
  started(s, 120, 1);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 exited 1: 1 preparing
    110 e1 started: 2 preparing due 600110 | start shop.web.1 #2 r1
    120 e1 started: 2 preparing due 600110"
  `);
});

it('a user restarts a running one: not counted as a failure', () => {
  const s = stage();
  list(s, 0, observed());
  restart(s, 100);
  exited(s, 200, 1, 0);
  started(s, 300, 2);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 running
    100 user restarts: 1 stopping "a user asked for a restart" | stop e1 in 10000
    200 e1 exited 0: 2 preparing | start shop.web.1 #2 r1
    300 e2 started: 2 running | remove e1"
  `);
});

it('a refusal of another attempt than the one under way is old news', () => {
  const s = stage();
  list(s, 0);
  refused(s, 100, 9, true);
  expect(s.lines.at(-1)).toBe('100 #9 refused: 1 preparing');
});

it('a refusal of a spec that has changed meanwhile does not hold back the new one', () => {
  const s = stage();
  list(s, 0);
  s.wanted = [desired({ revision: 'r2' })];
  wake(s, 50);
  refused(s, 100, 1, true);
  expect(s.lines.at(-1)).toBe('100 #1 refused: 2 preparing | start shop.web.1 #2 r2');
});

it('a job that was done for an earlier spec is run for the new one', () => {
  const s = stage([desired({ spec: spec({ restart: { kind: 'onFailure' } }) })]);
  list(s, 0, observed({ state: 'exited', exitCode: 0, revision: 'r0' }));
  expect(s.lines.at(-1)).toBe('0 listed e1: 2 preparing | start shop.web.1 #2 r1');
});
