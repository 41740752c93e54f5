import { expect, it } from 'vitest';
import { millis } from '../../protocol/base/time.ts';
import {
  type Config,
  holderTermMs,
  LAN,
  leaseDrainMs,
  validateConfig,
} from '../../protocol/config.ts';

const RATES = [-LAN.rateErrorPermille, 0, LAN.rateErrorPermille];
/** What really passes while a clock of this rate counts so much. */
const passes = (ms: number, ratePermille: number): number => (ms * 1000) / (1000 + ratePermille);

it.each(RATES.flatMap((holder) => RATES.map((voter) => [holder, voter] as const)))(
  'a holder whose clock errs by %i ends before its voter, that errs by %i, and the drain after both',
  (holder, voter) => {
    const held = passes(holderTermMs(LAN.termMs, LAN), holder);
    const granted = passes(LAN.termMs, voter);
    const drained = passes(leaseDrainMs(LAN.termMs, LAN), holder);
    // Between the two, room for what either may misread.
    expect(granted - held).toBeGreaterThanOrEqual(LAN.readErrorMs * 0.95);
    expect(drained - granted).toBeGreaterThanOrEqual(LAN.readErrorMs * 0.95);
  },
);

it.each([
  [{}, '', 'the default profile'],
  [{ readErrorMs: millis(79) }, 'readErrorMs', 'two clocks read at their worst differ by more'],
  [{ quietMs: millis(749) }, 'quietMs', 'two lost beats would look like silence'],
  [{ termMs: millis(1000) }, 'termMs', 'one lost renewal would end a lease'],
  [{ strictTermMs: millis(5_400) }, 'strictTermMs', 'a stall of two seconds would freeze'],
  [
    { freezeMs: millis(5_000), startMarginMs: millis(6_000) },
    'strictTermMs',
    'a freeze so slow must begin so early',
  ],
  [{ startMarginMs: millis(1_999) }, 'startMarginMs', 'what is started would be frozen at once'],
  [{ restartMinMs: millis(0) }, 'restart', 'no pause between restarts'],
  [{ restartMaxMs: millis(999) }, 'restart', 'the longest pause is below the shortest'],
  [{ refusedRepeatMs: LAN.agentGraceMs }, 'refusedRepeatMs', 'the grace ends between two looks'],
  [{ stallGraceMs: millis(600) }, 'stallGraceMs', 'a stall of 2 s could be a death'],
  [{ portFirst: 30_000 }, 'portFirst', 'no number could be chosen'],
  [{ portFirst: 0 }, 'portFirst', 'an engine would choose again'],
  [{ portLast: 65_536 }, 'portFirst', 'no host has it'],
  [{ suspicionMaxFactor: 0 }, 'suspicionMaxFactor', 'the longest suspicion is below the shortest'],
] satisfies readonly (readonly [Partial<Config>, string, string])[])(
  'with %j it refuses "%s": %s',
  (changes, named, _why) => {
    const reasons = validateConfig({ ...LAN, ...changes });
    expect(reasons.map((reason) => reason.split(' ')[0])).toEqual(named === '' ? [] : [named]);
  },
);
