/** What is found, adopted, replaced and cleared away. Each line: time, event, report, deadline, effects. */
import { expect, it } from 'vitest';
import type { Observed } from '../../../protocol/input.ts';
import { hasBeenHere, hasRun, onExited } from '../../../protocol/reconcile/slots.ts';
import {
  desired,
  exited,
  list,
  observed,
  refused,
  removed,
  said,
  stage,
  started,
  trace,
  wake,
  WEB,
} from './stage.ts';

it('adopts what runs: the same attempt, no restart, nothing before the first list', () => {
  const s = stage();
  wake(s, 0);
  list(s, 10, observed({ attempt: 4, startedAt: '2026-11-21T00:00:00Z' }));
  wake(s, 20);
  list(s, 30_000, observed({ attempt: 4 }));
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 woken: -
    10 listed e4: 4 running
    20 woken: 4 running
    30000 listed e4: 4 running"
  `);
  expect(said(s)).toMatchInlineSnapshot(
    `"adopted as it is (attempt 4, running since 2026-11-21T00:00:00Z)"`,
  );
});

it('another revision: the old one stops, then the new one starts, with a clean sheet', () => {
  const s = stage();
  list(s, 0, observed({ attempt: 3, revision: 'r0' }));
  exited(s, 300, 3, 143);
  started(s, 400, 4);
  removed(s, 500, 3);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e3: 3 stopping "its spec has changed" | stop e3 in 10000
    300 e3 exited 143: 4 preparing | start shop.web.1 #4 r1
    400 e4 started: 4 running | remove e3
    500 e3 removed: 4 running"
  `);
});

it('another revision that may not start yet: the old one runs on until it may', () => {
  const s = stage();
  list(s, 0, observed({ attempt: 3 }));
  s.wanted = [desired({ revision: 'r2', waitsFor: 'waits for shop.db to be healthy' })];
  wake(s, 100);
  s.wanted = [desired({ revision: 'r2' })];
  s.hold = true;
  wake(s, 200);
  s.hold = false;
  wake(s, 300);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e3: 3 running
    100 woken: 3 running "runs an older spec; waits for shop.db to be healthy"
    200 woken: 3 running "runs an older spec; waits for newer assignments after a stall of this agent"
    300 woken: 3 stopping "its spec has changed" | stop e3 in 10000"
  `);
});

it('moved away: stopped, removed, and its entry vanishes', () => {
  const s = stage();
  list(s, 0, observed());
  s.wanted = [];
  wake(s, 1000);
  exited(s, 1500, 1, 143);
  removed(s, 1600, 1);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 running
    1000 woken: 1 stopping "not assigned to this host any more" | stop e1 in 10000
    1500 e1 exited 143: 1 shutdown "not assigned to this host any more" | remove e1
    1600 e1 removed: -"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "adopted as it is (attempt 1)
    told to stop (attempt 1): not assigned to this host any more
    ended as asked: exit 143 (SIGTERM)"
  `);
  expect(s.slots.version).toBe(4);
});

it('a component whose assignment is not known is left running, and left alone when it ends', () => {
  const s = stage([]);
  s.unwanted = () => false;
  list(s, 0, observed(), observed({ attempt: 2 }));
  exited(s, 100, 2, 1);
  exited(s, 200, 1, 0);
  s.unwanted = () => true;
  wake(s, 300);
  removed(s, 400, 1);
  removed(s, 500, 2);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1 e2: 2 running
    100 e2 exited 1: 1 running
    200 e1 exited 0: 2 failed "exit 1"
    300 woken: 2 failed "exit 1" | remove e1
    400 e1 removed: 2 failed "exit 1" | remove e2
    500 e2 removed: -"
  `);
});

it('a slot that R9 does not let start yet waits, and starts when it may', () => {
  const s = stage([desired({ mayStart: false })]);
  list(s, 0);
  s.wanted = [desired()];
  wake(s, 100);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 0 pending "waits until it may start"
    100 woken: 1 preparing | start shop.web.1 #1 r1"
  `);
});

it.each<readonly [string, Observed['state'], boolean, boolean]>([
  ['what runs has run here', 'running', true, true],
  ['what ended before this agent started was here', 'exited', false, true],
])('%s', (_name, state, ran, here) => {
  const s = stage([desired({ mayStart: false })]);
  expect([hasRun(s.slots, WEB, 1), hasBeenHere(s.slots, WEB, 1)]).toEqual([false, false]);
  list(s, 0, observed({ state }));
  expect([hasRun(s.slots, WEB, 1), hasBeenHere(s.slots, WEB, 1)]).toEqual([ran, here]);
});

it('a start whose answer says that it has ended has run here', () => {
  const s = stage();
  list(s, 0);
  s.wanted = [desired({ mayStart: false })];
  started(s, 100, 1, { state: 'exited', exitCode: 1 });
  expect(s.lines.at(-1)).toContain('1 failed "exit 1, restarts at once; waits until it may start"');
  expect(hasRun(s.slots, WEB, 1)).toBe(true);
});

it('an old list does not bring back what has ended', () => {
  const s = stage();
  list(s, 0, observed());
  exited(s, 100, 1, 1);
  list(s, 150, observed());
  started(s, 200, 2);
  list(s, 250, observed());
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 running
    100 e1 exited 1: 2 preparing due 600100 | start shop.web.1 #2 r1
    150 listed e1: 2 preparing due 600100
    200 e2 started: 2 running due 60200 | remove e1
    250 listed e1: 2 running due 60200 | remove e1"
  `);
});

it('is created, then runs: the list sees it before the answer comes', () => {
  const s = stage();
  list(s, 0);
  list(s, 50, observed({ state: 'created' }));
  started(s, 100, 1);
  list(s, 110, observed({ state: 'created' }));
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    50 listed e1: 1 starting
    100 e1 started: 1 running
    110 listed e1: 1 running"
  `);
});

it('is created, then ends before its start is answered: the next one starts', () => {
  const s = stage();
  list(s, 0);
  list(s, 50, observed({ state: 'created' }));
  exited(s, 60, 1, 127);
  expect(s.lines.at(-1)).toContain(': 2 preparing');
  expect(s.lines.at(-1)).toContain('| start shop.web.1 #2 r1');
});

it('is created, then refused: nothing was left behind, so nothing is removed', () => {
  const s = stage();
  list(s, 0);
  list(s, 50, observed({ state: 'created' }));
  refused(s, 60, 1, true);
  expect(s.lines.at(-1)).toBe('60 #1 refused: 1 rejected "no such image"');
});

it('an answer `created` to a start means that it runs', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1, { state: 'created' });
  expect(s.lines.at(-1)).toBe('100 e1 started: 1 running');
});

it('what reads the same is no new version of the reports', () => {
  const s = stage();
  list(s, 0, observed());
  const { version } = s.slots;
  list(s, 30_000, observed());
  s.wanted = [desired({ waitsFor: 'waits for shop.db to start' })];
  wake(s, 30_100);
  expect(s.slots.version).toBe(version);
  exited(s, 30_200, 1, 1);
  expect(s.slots.version).toBe(version + 1);
});

it('a relist does not put off the end of the backoff', () => {
  const s = stage();
  list(s, 0, observed());
  exited(s, 100, 1, 1);
  started(s, 200, 2);
  removed(s, 300, 1);
  list(s, 30_000, observed({ attempt: 2 }));
  expect(s.lines.at(-1)).toBe('30000 listed e2: 2 running due 60200');
});

it('a start seen by a list is a start, its late answer changes nothing', () => {
  const s = stage();
  list(s, 0);
  list(s, 50, observed());
  started(s, 100, 1, { state: 'created' });
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    50 listed e1: 1 running
    100 e1 started: 1 running"
  `);
});

it('two of one slot: the newest attempt stays, the other is stopped and removed', () => {
  const s = stage();
  list(s, 0, observed({ attempt: 2 }), observed({ attempt: 5 }));
  exited(s, 100, 2, 143);
  removed(s, 200, 2);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e2 e5: 5 running | stop e2 in 10000
    100 e2 exited 143: 5 running | remove e2
    200 e2 removed: 5 running"
  `);
});

it('a relist finds a stranger started by hand, and misses one that someone removed', () => {
  const s = stage();
  list(s, 0, observed());
  list(s, 30_000, observed(), observed({ engineId: 'x', slot: 9 }));
  s.step(30_100, 'x exited', (slots, turn) =>
    onExited(slots, turn, { engineId: 'x', exitCode: 143, oomKilled: false }),
  );
  list(s, 60_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 running
    30000 listed e1 x: 1 running | stop x in 10000
    30100 x exited: 1 running | remove x
    60000 listed nothing: 2 preparing due 660000 | start shop.web.1 #2 r1"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "adopted as it is (attempt 1)
    told to stop (attempt 1): not assigned to this host any more
    ended as asked: exit 143 (SIGTERM)
    ended: removed from the engine by someone else
    failed: exit unseen, restarts at once"
  `);
});

it('a list older than the start does not make a second instance', () => {
  const s = stage();
  list(s, 0);
  list(s, 50);
  started(s, 100, 1);
  list(s, 150);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    50 listed nothing: 1 preparing
    100 e1 started: 1 running
    150 listed nothing: 1 running"
  `);
});

it('stop during start: waits for the answer, then stops and removes', () => {
  const s = stage();
  list(s, 0);
  s.wanted = [];
  wake(s, 10);
  started(s, 100, 1);
  exited(s, 200, 1, 143);
  removed(s, 300, 1);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    10 woken: 1 preparing
    100 e1 started: 1 stopping "not assigned to this host any more" | stop e1 in 10000
    200 e1 exited 143: 1 shutdown "not assigned to this host any more" | remove e1
    300 e1 removed: -"
  `);
});

it('stop during a start that is refused: nothing is left, nothing is tried again', () => {
  const s = stage();
  list(s, 0);
  s.wanted = [];
  refused(s, 100, 1, false);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 #1 refused: -"
  `);
});

it('a hold keeps back starts; adoption and stops go on', () => {
  const s = stage([desired(), desired({ slot: 2 })]);
  s.hold = true;
  list(s, 0, observed(), observed({ engineId: 'old', component: WEB, slot: 3 }));
  exited(s, 100, 1, 1);
  wake(s, 200);
  s.hold = false;
  wake(s, 300);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1 old: 1 running | stop old in 10000
    100 e1 exited 1: 1 failed "exit 1, restarts at once; waits for newer assignments after a stall of this agent" due 600100
    200 woken: 1 failed "exit 1, restarts at once; waits for newer assignments after a stall of this agent" due 600100
    300 woken: 2 preparing due 600100 | start shop.web.1 #2 r1 | start shop.web.2 #1 r1"
  `);
});

it('the reason follows a hold by itself', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  exited(s, 200, 1, 1);
  started(s, 300, 2);
  exited(s, 400, 2, 1);
  const waiting = s.lines.at(-1);
  s.hold = true;
  wake(s, 450);
  expect(s.lines.at(-1)).toContain('after a stall of this agent');
  s.hold = false;
  wake(s, 460);
  expect(s.lines.at(-1)?.replace(/^.*?: /, '')).toBe(waiting?.replace(/^.*?: /, ''));
});

it('a stop that did not work is asked for again by the relist, after grace and slack', () => {
  const s = stage([]);
  list(s, 0, observed());
  list(s, 14_999, observed());
  list(s, 15_000, observed());
  list(s, 29_000, observed());
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 stopping "not assigned to this host any more" | stop e1 in 10000
    14999 listed e1: 1 stopping "not assigned to this host any more"
    15000 listed e1: 1 stopping "not assigned to this host any more" | stop e1 in 10000
    29000 listed e1: 1 stopping "not assigned to this host any more""
  `);
});

it('what was created and never started is removed, the slot is started anew', () => {
  const s = stage();
  list(s, 0, observed({ attempt: 2, state: 'created' }));
  removed(s, 50, 2);
  started(s, 100, 3);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e2: 3 preparing | start shop.web.1 #3 r1 | remove e2
    50 e2 removed: 3 preparing
    100 e3 started: 3 running"
  `);
});
