import { expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { instanceEntry } from '../../../protocol/inventory/entry.ts';
import { reportsOf } from '../../../protocol/reconcile/slots.ts';
import {
  desired,
  exited,
  list,
  observed,
  restart,
  spec,
  type Stage,
  stage,
  started,
  trace,
  wake,
  WEB,
} from './stage.ts';

const jobOf = (changes: Partial<ComponentSpec> = {}) =>
  desired({ spec: spec({ job: {}, restart: { kind: 'onFailure' }, ...changes }) });
const isOver = ({ slots }: Stage): boolean | undefined =>
  reportsOf(slots).get(instanceEntry(WEB, 1))?.isOver;

it('is over after success, and says so', () => {
  const s = stage([jobOf()]);
  list(s, 0);
  started(s, 10, 1);
  exited(s, 900, 1, 0);
  expect(isOver(s)).toBe(true);
  wake(s, 100_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    10 e1 started: 1 running
    900 e1 exited 0: 1 complete "exit 0"
    100000 woken: 1 complete "exit 0""
  `);
});

it('is not over while its policy has retries left', () => {
  const s = stage([jobOf({ restart: { kind: 'onFailure', retryMax: 1 } })]);
  list(s, 0);
  started(s, 10, 1);
  exited(s, 900, 1, 3);
  expect(isOver(s)).toBe(undefined);
  started(s, 1000, 2);
  exited(s, 2000, 2, 3);
  expect(isOver(s)).toBe(true);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    10 e1 started: 1 running
    900 e1 exited 3: 2 preparing due 600900 | start shop.web.1 #2 r1
    1000 e2 started: 2 running due 61000 | remove e1
    2000 e2 exited 3: 2 failed "exit 3, its restart policy allows 1 retries" due 600900"
  `);
});

it('ends an attempt that takes too long, and tries no other', () => {
  const s = stage([jobOf({ job: { timeoutMs: millis(5000) } })]);
  list(s, 0);
  started(s, 10, 1);
  wake(s, 5009);
  wake(s, 5010);
  exited(s, 5100, 1, 143);
  expect(isOver(s)).toBe(true);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    10 e1 started: 1 running due 5010
    5009 woken: 1 running due 5010
    5010 woken: 1 stopping "it has taken longer than its timeout" | stop e1 in 10000
    5100 e1 exited 143: 1 failed "it has taken longer than its timeout, and what takes too long once is not tried again""
  `);
});

it('starts nothing of what has ended by the record, not even for a user', () => {
  const s = stage([{ ...jobOf(), ended: { state: 'complete', attempt: 4, exitCode: 0 } }]);
  list(s, 0);
  restart(s, 10);
  wake(s, 100_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 4 complete
    10 user restarts: 4 complete
    100000 woken: 4 complete"
  `);
});

it('finds what ended while no agent was there, and does not try it again', () => {
  const s = stage([jobOf()]);
  list(s, 0, observed({ state: 'exited', exitCode: 0 }));
  expect(isOver(s)).toBe(true);
  expect(trace(s)).toMatchInlineSnapshot(`"0 listed e1: 1 complete "exit 0""`);
});

it('judges by the record, not anew, what has failed for good', () => {
  const s = stage([{ ...jobOf(), ended: { state: 'failed', attempt: 1, exitCode: 3 } }]);
  list(s, 0, observed({ state: 'exited', exitCode: 3 }));
  wake(s, 60_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 failed "exit 3"
    60000 woken: 1 failed "exit 3""
  `);
});

it('is not run again where it was done, though the slot was elsewhere in between', () => {
  const s = stage([jobOf()]);
  list(s, 0);
  started(s, 10, 1);
  exited(s, 900, 1, 0);
  const { wanted } = s;
  s.wanted = [];
  wake(s, 1000);
  s.wanted = wanted;
  wake(s, 1100);
  expect([s.effects, isOver(s)]).toEqual([[], true]);
});
