import { expect, it } from 'vitest';
import { createPrng } from '../../../protocol/base/prng.ts';
import { after, type Instant, instant, millis, NEVER } from '../../../protocol/base/time.ts';
import {
  type Ending,
  FRESH,
  type History,
  historyDeadline,
  judge,
  settle,
  type Terms,
  type Verdict,
} from '../../../protocol/component/restart.ts';
import type { RestartPolicy } from '../../../protocol/component/spec.ts';
import { LAN } from '../../../protocol/config.ts';

const ALWAYS: RestartPolicy = { kind: 'always' };
const TERMS: Terms = { restart: ALWAYS };
const settleAt = (
  history: History,
  wellSince: Instant | undefined,
  now: Instant,
  terms = TERMS,
): History => settle(history, terms, wellSince, { now, config: LAN });
const exit = (exitCode: number | undefined): Ending => ({ kind: 'exited', exitCode });
const turnAt = (ms: number) => ({ now: instant(ms), config: LAN, prng: createPrng(ms + 7) });
const show = (verdict: Verdict, now: number): string =>
  verdict.kind === 'restart' ? (verdict.at === now ? 'at once' : 'later') : verdict.kind;

it.each<readonly [string, Ending, number, string, string]>([
  ['no', exit(0), 0, 'complete', 'nothing is left to do'],
  ['no', exit(1), 0, 'failed', 'the policy never restarts'],
  ['no', exit(undefined), 0, 'failed', 'an end nobody saw is not a success'],
  ['no', { kind: 'refused' }, 0, 'at once', 'what never ran is not a restart'],
  ['always', exit(0), 0, 'at once', 'the slot is wanted running, whatever the code'],
  ['always', exit(1), 0, 'at once', 'the first failure in a row'],
  ['always', exit(1), 1, 'later', 'the second failure backs off'],
  [
    'unlessStopped',
    exit(0),
    0,
    'at once',
    'as always: a stop by the user is a change of the record',
  ],
  ['onFailure', exit(0), 3, 'complete', 'success ends it, whatever came before'],
  ['onFailure', exit(3), 0, 'at once', 'a failure is retried'],
  ['onFailure', exit(3), 9, 'later', 'without retryMax for ever'],
  ['onFailure:2', exit(3), 1, 'later', 'one of two retries is left'],
  ['onFailure:2', exit(3), 2, 'failed', 'both retries are spent'],
  ['onFailure:2', { kind: 'refused' }, 2, 'later', 'a refusal spends no retry'],
  ['onFailure:0', exit(3), 0, 'failed', 'no retry was granted'],
  ['always:2', exit(0), 1, 'later', 'whatever the code it is a restart'],
  ['always:2', exit(0), 2, 'failed', 'both are spent'],
  ['onFailure', { kind: 'timedOut' }, 0, 'failed', 'what takes too long once is not tried again'],
  ['always', { kind: 'unhealthy' }, 0, 'at once', 'bad health is a failure'],
  ['no', { kind: 'unhealthy' }, 0, 'failed', 'bad health does not override the policy'],
])('%s, %o after %i restarts: %s (%s)', (name, ending, restarts, expected) => {
  const [kind, max] = name.split(':');
  const policy = (max === undefined ? { kind } : { kind, retryMax: Number(max) }) as RestartPolicy;
  const before: History = { ...FRESH, streak: restarts, retries: restarts };
  expect(show(judge(before, policy, ending, turnAt(1000))[1], 1000)).toBe(expected);
});

/** Fails again as soon as it was restarted; returns the delays. */
function crash(
  times: number,
  seed: number,
): { history: History; delays: readonly number[]; now: Instant } {
  const prng = createPrng(seed);
  let [history, now] = [FRESH, instant(0)];
  const delays: number[] = [];
  for (let i = 0; i < times; i++) {
    const [next, verdict] = judge(history, ALWAYS, exit(1), { now, config: LAN, prng });
    history = next;
    if (verdict.kind !== 'restart') throw new Error(verdict.kind);
    delays.push(verdict.at - now);
    now = verdict.at;
  }
  return { history, delays, now };
}

it('backs off from at once over 1, 2, 4, 8 s, then 60 s in a crash loop, a quarter less by jitter (1)', () => {
  const full = [0, 1000, 2000, 4000, 8000, 60_000, 60_000];
  const seen = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    crash(full.length, seed).delays.forEach((delay, i) => {
      expect(delay).toBeLessThanOrEqual(full[i] ?? 0);
      expect(delay).toBeGreaterThanOrEqual(((full[i] ?? 0) * 3) / 4);
      if (i === 1) seen.add(delay);
    });
  }
  // Jitter that is always the same would be none.
  expect(seen.size).toBeGreaterThan(50);
});

it('marks a crash loop at the sixth failure within 10 minutes, not at the fifth', () => {
  expect(crash(5, 1).history.crashLoop).toBe(false);
  expect(crash(6, 1).history.crashLoop).toBe(true);
});

it('starts anew after being well for 60 s, and not a millisecond earlier (2)', () => {
  const { history, now } = crash(7, 1);
  const early = settleAt(history, now, instant(now + 59_999));
  expect([early.streak, early.crashLoop]).toEqual([7, true]);
  const reset = settleAt(history, now, instant(now + 60_000));
  expect([reset.streak, reset.retries, reset.crashLoop]).toEqual([0, 0, false]);
  expect(reset.failures).toHaveLength(7);
  expect(settleAt(history, undefined, instant(now + 60_000)).crashLoop).toBe(true);
});

it('marks one that crashes every 61 s, although it was well in between (2)', () => {
  let history = FRESH;
  const marks: boolean[] = [];
  for (let i = 0; i < 8; i++) {
    const now = instant(i * 61_000);
    history = settleAt(history, i === 0 ? undefined : instant(now - 61_000), now);
    [history] = judge(history, ALWAYS, exit(1), turnAt(now));
    marks.push(history.crashLoop);
  }
  expect(marks).toEqual([false, false, false, false, false, true, true, true]);
});

it('forgets a failure when the window has passed it', () => {
  const [history] = judge(FRESH, ALWAYS, exit(1), turnAt(0));
  const window = LAN.restartWindowMs;
  expect(settleAt(history, undefined, instant(window - 1)).failures).toHaveLength(1);
  expect(settleAt(history, undefined, instant(window)).failures).toHaveLength(0);
});

it('changes nothing before its deadline and something at it', () => {
  let { history } = crash(3, 5);
  const wellSince = instant(20_000);
  let now = NEVER;
  for (let i = 0; i < 6; i++) {
    const deadline = historyDeadline(history, TERMS, wellSince, LAN);
    if (deadline === undefined) break;
    expect(deadline).toBeGreaterThan(now);
    expect(settleAt(history, wellSince, after(deadline, millis(-1)))).toBe(history);
    const next = settleAt(history, wellSince, deadline);
    expect(next).not.toBe(history);
    [history, now] = [next, deadline];
  }
  expect(history).toEqual(FRESH);
});

it('a refusal spends no retry, but lengthens the backoff', () => {
  const policy: RestartPolicy = { kind: 'onFailure', retryMax: 1 };
  const [history] = judge(FRESH, policy, { kind: 'refused' }, turnAt(0));
  expect([history.retries, history.streak]).toEqual([0, 1]);
  expect(show(judge(history, policy, exit(1), turnAt(1000))[1], 1000)).toBe('later');
});

it('keeps a bounded memory however often it fails', () => {
  let history = FRESH;
  for (let i = 0; i < 1000; i++) [history] = judge(history, ALWAYS, exit(1), turnAt(i));
  expect(history.failures.length).toBeLessThanOrEqual(100);
  expect(history.failures.at(-1)).toBe(999);
});

const JOB: Terms = { restart: { kind: 'onFailure', retryMax: 2 }, job: {} };
const window = (windowMs: number, terms: Terms): Terms => ({
  ...terms,
  restart: { kind: 'onFailure', retryMax: 2, windowMs: millis(windowMs) },
});

it.each<readonly [string, Terms, number, number]>([
  ['of a service retries are there again after 60 s', TERMS, 60_000, 0],
  ['and not before', TERMS, 59_999, 2],
  ['of a job without a window they never are', JOB, 86_400_000, 2],
  ['its window brings them back', window(5000, JOB), 5000, 0],
  ['and not before', window(5000, JOB), 4999, 2],
  ['a longer window than 60 s holds too', window(120_000, TERMS), 60_000, 2],
])('%s', (_name, terms, afterMs, retries) => {
  const history: History = { ...FRESH, streak: 2, retries: 2 };
  const settled = settleAt(history, instant(0), instant(afterMs), terms);
  expect(settled.retries).toBe(retries);
  const deadline = historyDeadline(history, terms, instant(0), LAN);
  expect(deadline).toBeLessThanOrEqual(60_000);
});

it.each([
  [0, 0, 5000, 'the first restart waits for the delay too'],
  [1, 0, 5000, 'and where the backoff would be shorter'],
  [5, 12_000, 16_000, 'a longer backoff stays'],
])('waits for the policy’s delay: after %i failures %i to %i ms (%s)', (streak, least, most) => {
  const policy: RestartPolicy = { kind: 'onFailure', delayMs: millis(5000) };
  const [, verdict] = judge({ ...FRESH, streak }, policy, exit(1), turnAt(1000));
  const waits = verdict.kind === 'restart' ? verdict.at - 1000 : -1;
  expect(waits).toBeGreaterThanOrEqual(Math.max(least, 5000));
  expect(waits).toBeLessThanOrEqual(most);
});
