/**
 * When an instance that others have changed may be replaced.
 *
 *     repair 1 ─▶ at once      2 ─▶ restartMinMs after it      3 ─▶ twice that …      up to restartMaxMs
 *     none for restartResetMs beyond that ─▶ the next counts as the first again
 *
 * Invariants, each proved in test/protocol/component/repair.test.ts:
 *  1. Between two repairs of a slot lies no less than after as many failures in a row, unless all has
 *     been well in between: what changes every new instance as well is not chased.
 *  2. A repair is no failure: the instance has done nothing wrong. The restart policy, its retries and
 *     the budget take no notice of it.
 *
 * As a kubelet does, which restarts a container of another spec under every policy, and backs off; Docker
 * Compose replaces it with the next `up`, Swarm takes no notice.
 */
import { after, type Instant, type Millis, millis, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';

export type Repairs = {
  /** In a row. */
  readonly count: number;
  /** The last one. */
  readonly at: Instant;
};
export const NO_REPAIRS: Repairs = { count: 0, at: NEVER };

/** Not before then; NEVER: at any time. */
export const repairableAt = ({ count, at }: Repairs, config: Config): Instant =>
  count === 0 ? NEVER : after(at, waitOf(count, config));

export function repaired(repairs: Repairs, now: Instant, config: Config): Repairs {
  const goesOn = now < after(repairableAt(repairs, config), config.restartResetMs);
  return { count: goesOn ? repairs.count + 1 : 1, at: now };
}

/** Above 2^30 the product could leave the integers; the longest wait has long been reached. */
const waitOf = (count: number, { restartMinMs, restartMaxMs }: Config): Millis =>
  millis(Math.min(restartMinMs * 2 ** Math.min(count - 1, 30), restartMaxMs));
