/** What holds for a service where hosts cannot hear each other: its settings under `x-millrace`. */
import type * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { seconds } from '../../../protocol/base/time.ts';
import type { ComponentSpec, OnIsolation } from '../../../protocol/component/spec.ts';
import { ISOLATION_MS_MAX, ISOLATION_MS_MIN } from '../../../protocol/limits.ts';
import { complain, duration, expected, findingsOf, line, mapping, ways } from '../fields.ts';
import type { Complaint, Finding } from '../problems.ts';

/** `keep`: written, so that it wins over what stands at the top of the file. */
export type IsolationField = OnIsolation | 'keep';

/** Longer than every fault that hosts recover from by themselves. */
const AFTER = seconds(10);

const ACTIONS = 'keep, stop or freeze';
const action = line(ACTIONS, (written): Result<OnIsolation['action'] | 'keep', Complaint> => {
  if (written === 'keep' || written === 'stop' || written === 'freeze') return ok(written);
  return fail({ message: expected(ACTIONS, written) });
});

const after = duration.transform((length, context) => {
  if (length < ISOLATION_MS_MIN) {
    const message = `unsafe, at least ${ISOLATION_MS_MIN / 1000}s are needed`;
    const why = 'a lease lives that long, and a voter that restarts would look like isolation';
    return complain(context, { message, why, next: `leave it out for ${AFTER / 1000}s` });
  }
  if (length > ISOLATION_MS_MAX) {
    const next = 'on_isolation: keep never stops anything';
    return complain(context, { message: 'too long, at most 1d is possible', next });
  }
  return length;
});

export const isolationField: z.ZodType<IsolationField> = ways(`${ACTIONS}, or a mapping`, {
  text: action.transform((chosen) => withAfter(chosen)),
  mapping: mapping({ action, after: after.optional() }).transform((written, context) => {
    if (written.action !== 'keep' || written.after === undefined)
      return withAfter(written.action, written.after);
    const complaint = { message: 'has no meaning here', why: 'keep waits for nothing' };
    return complain(context, complaint, ['after']);
  }),
});

const withAfter = (chosen: OnIsolation['action'] | 'keep', afterMs = AFTER): IsolationField =>
  chosen === 'keep' ? 'keep' : { action: chosen, afterMs };

const HEALS = 'keep_oldest, keep_newest or keep_leader';
export const healField = line(
  HEALS,
  (written): Result<ComponentSpec['onHeal'] | 'keepNewest', Complaint> => {
    if (written === 'keep_oldest') return ok('keepOldest');
    if (written === 'keep_newest') return ok('keepNewest');
    if (written === 'keep_leader') return ok('keepLeader');
    return fail({ message: expected(HEALS, written) });
  },
);

const SINGLETONS = 'strict or available';
type Singleton = 'strict' | 'available';
export const singletonField = line(SINGLETONS, (written): Result<Singleton, Complaint> => {
  if (written === 'available' || written === 'strict') return ok(written);
  return fail({ message: expected(SINGLETONS, written) });
});

type Written = {
  readonly singleton?: Singleton | undefined;
  readonly on_isolation?: IsolationField | undefined;
  readonly on_heal?: ComponentSpec['onHeal'] | 'keepNewest' | undefined;
};

/** `everywhere`: what stands at the top of the file. */
export function readContract(
  { singleton, on_isolation: isolation, on_heal: onHeal }: Written,
  everywhere: IsolationField | undefined,
): Pick<ComponentSpec, 'singleton' | 'onIsolation' | 'onHeal'> {
  // What stands at the top of the file is for those that have no contract of their own.
  if (singleton === 'strict') return { singleton };
  const onIsolation = isolation ?? everywhere ?? 'keep';
  return {
    ...(onIsolation !== 'keep' && { onIsolation }),
    ...(onHeal !== undefined && onHeal !== 'keepNewest' && { onHeal }),
  };
}

const topField = mapping({ on_isolation: isolationField.optional() });

/** Of the whole file. */
export function readEverywhere(written: unknown, errors: Finding[]): IsolationField | undefined {
  if (written === undefined || written === null) return undefined;
  const read = topField.safeParse(written);
  if (read.success) return read.data.on_isolation;
  errors.push(...findingsOf(read.error, ['x-millrace']));
  return undefined;
}
