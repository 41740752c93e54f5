/** An engine that does not answer: its host says so to all, lives, and is given nothing new. */
import { describe, expect, it } from 'vitest';
import { instant, millis } from '../../../protocol/base/time.ts';
import { step } from '../../../protocol/core.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import {
  type Cluster,
  coreOf,
  deploy,
  give,
  grown,
  hostOf,
  run,
  running,
  soon,
  stack,
} from './cluster.ts';

/** How its driver's questions ended: `!` with an answer, `.` without; each was asked so long ago. */
function ask(cluster: Cluster, name: string, answers: string, everyMs = 3000): void {
  for (const each of answers) {
    run(cluster, everyMs);
    const input = { kind: 'engineAsked', agoMs: millis(2500), answered: each === '!' } as const;
    give(cluster, hostOf(cluster, name), input);
  }
  run(cluster, 500);
}

const seenBy = (cluster: Cluster, by: string, name: string): number | undefined =>
  viewOf(coreOf(cluster, by), instant(cluster.now)).hosts.find(({ id }) => id === name)
    ?.engineSilentMs;
const stateBy = (cluster: Cluster, by: string, name: string): string | undefined =>
  viewOf(coreOf(cluster, by), instant(cluster.now)).hosts.find(({ id }) => id === name)?.state;

it.each([
  ['!!', 3000, false, 'it answers'],
  ['!.', 9000, false, 'one question was lost: an agent that stood still has lost it itself'],
  ['!..', 3000, true, 'two in a row'],
  ['!..', 1000, false, 'two in a row, within less than five seconds'],
  ['!....', 1000, true, 'five seconds of them'],
  ['!.!.', 9000, false, 'an answer between two'],
  ['!..!', 3000, false, 'it answers again'],
] as const)('%s every %i ms: silent %s, %s', (answers, everyMs, silent, _why) => {
  const cluster = grown('abc');
  ask(cluster, 'b', answers, everyMs);
  for (const by of 'abc') expect(seenBy(cluster, by, 'b') !== undefined).toBe(silent);
});

it('two in a row within less than five seconds are enough when these have passed', () => {
  const cluster = grown('abc');
  ask(cluster, 'b', '..', 1000);
  expect(seenBy(cluster, 'a', 'b')).toBeUndefined();
  run(cluster, 3000);
  expect(seenBy(cluster, 'a', 'b')).toBeGreaterThan(5000);
});

describe('a silent engine', () => {
  it('is told everywhere with its length, and its host is alive', () => {
    const cluster = grown('abc');
    ask(cluster, 'b', '..');
    const silent = 3000 + 2500 + 500;
    for (const by of 'abc') {
      expect(Math.abs((seenBy(cluster, by, 'b') ?? 0) - silent)).toBeLessThan(50);
      expect(stateBy(cluster, by, 'b')).toBe('alive');
    }
    run(cluster, 5000);
    expect(Math.abs((seenBy(cluster, 'a', 'b') ?? 0) - silent - 5000)).toBeLessThan(50);
  });

  it('is given nothing new, and keeps what runs there', () => {
    const cluster = grown('abc');
    deploy(cluster, 'a', 'first', stack('shop', 'web:3'));
    soon(cluster, 3000, () => running(cluster).length === 3);
    ask(cluster, 'b', '..');
    deploy(cluster, 'a', 'second', stack('depot', 'web:3'));
    soon(cluster, 3000, () => running(cluster).length === 6);
    const onB = [...hostOf(cluster, 'b').instances.values()].map(({ component }) => component);
    expect(onB).toEqual(['shop.web']);
  });

  it('is listed anew when it answers again', () => {
    const cluster = grown('abc');
    ask(cluster, 'b', '..');
    const core = coreOf(cluster, 'b');
    const input = { kind: 'engineAsked', agoMs: millis(1), answered: true } as const;
    const effects = step(core, input, instant(cluster.now));
    expect(effects.map(({ kind }) => kind)).toContain('listInstances');
    expect(core.journal.at(-1)).toMatchObject({ kind: 'engine', about: ['b'] });
  });
});
