/** What is not wanted any more and waits runs on as it is, and is told to stop as soon as it waits no more. */
import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import { exited, list, removed, said, stage, started, trace, wake } from './stage.ts';

it('waits, says for what, and asks again in time', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  s.wanted = [];
  s.wait = { why: 'waits until shop.api has ended', until: instant(9000) };
  wake(s, 1000);
  wake(s, 2000);
  s.wait = { why: 'waits until shop.log has ended', until: instant(9000) };
  wake(s, 3000);
  s.wait = undefined;
  wake(s, 4000);
  s.wait = { why: 'waits until shop.api has ended', until: instant(9000) };
  wake(s, 4500);
  exited(s, 5000, 1, 0);
  removed(s, 5100, 1);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    1000 woken: 1 running "waits until shop.api has ended" due 9000
    2000 woken: 1 running "waits until shop.api has ended" due 9000
    3000 woken: 1 running "waits until shop.log has ended" due 9000
    4000 woken: 1 stopping "not assigned to this host any more" | stop e1 in 10000
    4500 woken: 1 stopping "not assigned to this host any more"
    5000 e1 exited 0: 1 shutdown "not assigned to this host any more" | remove e1
    5100 e1 removed: -"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    not wanted any more; waits until shop.api has ended
    told to stop (attempt 1): not assigned to this host any more
    ended as asked: exit 0"
  `);
});

it('what ends by itself meanwhile is not started again', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  s.wanted = [];
  s.wait = { why: 'waits until shop.api has ended', until: instant(9000) };
  wake(s, 1000);
  exited(s, 2000, 1, 1);
  removed(s, 2100, 1);
  wake(s, 9000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    1000 woken: 1 running "waits until shop.api has ended" due 9000
    2000 e1 exited 1: 1 failed "exit 1" | remove e1
    2100 e1 removed: -
    9000 woken: -"
  `);
});
