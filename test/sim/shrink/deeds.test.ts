/** Deeds go by kinds: each as a whole, of commands the last stays. */
import { expect, it } from 'vitest';
import { quiet } from '../../../sim/options.ts';
import { deedsOf, kindsOf } from '../../../sim/shrink/deeds.ts';
import type { Strike } from '../../../sim/strike.ts';
import type { Deed, Tape } from '../../../sim/tape.ts';
import { deploy } from '../deed.ts';

const strike = (kind: 'crash' | 'pause', host: number, isPlanned = false): Deed => {
  const struck: Strike = { kind, host, forMs: 5 };
  return { at: 1, kind: 'strike', strike: struck, ...(isPlanned ? { isPlanned } : {}) };
};
const first = deploy(1, 0, 'shop', 'op1');
const second = deploy(2, 0, 'shop', 'op2');
const crash = strike('crash', 0);
const planned = strike('crash', 1, true);
const pause = strike('pause', 0);
const deeds: readonly Deed[] = [first, crash, pause, planned, second, crash];
const tape: Tape = { format: 1, options: quiet(1, 3, 1000), deeds, draws: {} };

const isLoose = ({ isPlanned }: Deed): boolean => isPlanned !== true;

it.each<readonly [nth: number, rest: readonly Deed[], reason: string]>([
  [0, [crash, pause, planned, second, crash], 'commands, but the last'],
  [1, [first, pause, planned, second], 'crashes, but what may not go'],
  [2, [first, crash, planned, second, crash], 'pauses'],
])('without kind %i: %3$s', (nth, rest) => {
  const kinds = kindsOf(isLoose);
  expect(kinds.count(tape)).toBe(3);
  expect(kinds.without(tape, nth, nth + 1).deeds).toEqual(rest);
});

it('what may not go is not counted', () => {
  const pieces = deedsOf(isLoose);
  expect(pieces.count(tape)).toBe(5);
  expect(pieces.without(tape, 0, 5).deeds).toEqual([planned]);
});
