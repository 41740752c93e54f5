/** How a changed service comes to the instances that run, and goes from them again: `deploy.update_config` and `rollback_config`. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  DEFAULT_UPDATE,
  type RollbackPolicy,
  type UpdatePolicy,
  whyStopFirst,
} from '../../../protocol/component/update.ts';
import { SLOTS_MAX } from '../../../protocol/limits.ts';
import { complain, duration, expected, integer, line, mapping } from '../fields.ts';
import type { Complaint } from '../problems.ts';
import * as z from 'zod';
import type { ServiceFields } from './service.ts';
import type { Surroundings } from './surroundings.ts';

const ORDERS = 'stop-first or start-first';
const order = line(ORDERS, (written): Result<UpdatePolicy['order'], Complaint> => {
  if (written === 'stop-first') return ok('stopFirst');
  if (written === 'start-first') return ok('startFirst');
  return fail({ message: expected(ORDERS, written) });
});

const ACTIONS = 'pause, continue or rollback';
const action = line(ACTIONS, (written): Result<UpdatePolicy['onFailure'], Complaint> => {
  if (written === 'pause' || written === 'continue' || written === 'rollback') return ok(written);
  return fail({ message: expected(ACTIONS, written) });
});
const ACTIONS_BACK = 'pause or continue';
const actionBack = line(ACTIONS_BACK, (written): Result<RollbackPolicy['onFailure'], Complaint> => {
  if (written === 'pause' || written === 'continue') return ok(written);
  return fail({ message: expected(ACTIONS_BACK, written) });
});

/** Kept as a whole number of millionths, so that all agents compare alike. */
const ratio = z.unknown().transform((value, context) => {
  const isText = typeof value === 'string' && /^\d{1,6}(\.\d{1,18})?$/.test(value);
  const number = isText ? Number(value) : value;
  if (typeof number === 'number' && number >= 0 && number <= 1) return Math.round(number * 1e6);
  return complain(context, { message: expected('a share from 0 to 1', value) });
});

const keys = {
  parallelism: integer(0, SLOTS_MAX).optional(),
  delay: duration.optional(),
  order: order.optional(),
  monitor: duration.optional(),
  max_failure_ratio: ratio.optional(),
};

/** `asks`: it says anything at all. */
type Way<Policy> = { readonly policy: Policy; readonly asks: boolean };

export const updateField = mapping({ ...keys, failure_action: action.optional() }).transform(
  (written): Way<UpdatePolicy> => ({
    policy: {
      ...readWay(written),
      onFailure: written.failure_action ?? DEFAULT_UPDATE.onFailure,
    },
    asks: saysAny(written),
  }),
);

export const rollbackField = mapping({ ...keys, failure_action: actionBack.optional() }).transform(
  (written): Way<RollbackPolicy> => ({
    policy: {
      ...readWay(written),
      onFailure: written.failure_action ?? DEFAULT_UPDATE.onFailure,
    },
    asks: saysAny(written),
  }),
);

const saysAny = (written: object): boolean =>
  Object.values(written).some((value) => value !== undefined);

function readWay(written: z.output<z.ZodObject<typeof keys>>): Omit<UpdatePolicy, 'onFailure'> {
  return {
    parallelism: written.parallelism ?? DEFAULT_UPDATE.parallelism,
    delayMs: written.delay ?? DEFAULT_UPDATE.delayMs,
    order: written.order ?? DEFAULT_UPDATE.order,
    monitorMs: written.monitor ?? DEFAULT_UPDATE.monitorMs,
    failuresMaxPpm: written.max_failure_ratio ?? DEFAULT_UPDATE.failuresMaxPpm,
  };
}

/** Any of it for a job, and start-first where nothing can stand beside what it replaces. */
export function adviseUpdate(
  component: ComponentSpec,
  { deploy }: ServiceFields,
  { warnings }: Surroundings,
): void {
  const { name, job } = component;
  const why = whyStopFirst(component);
  for (const key of ['update_config', 'rollback_config'] as const) {
    const way = deploy?.[key];
    if (way?.asks !== true) continue;
    const path = ['services', name, 'deploy', key];
    if (job !== undefined) {
      const reason = { why: 'a job that has changed runs anew at once', next: 'leave it out' };
      warnings.push({ path, on: 'key', message: 'has no meaning for a job', ...reason });
    } else if (why !== undefined && way.policy.order === 'startFirst') {
      const next = 'say stop-first, or leave it out';
      const message = 'done as stop-first';
      warnings.push({ path: [...path, 'order'], on: 'value', message, why, next });
    }
  }
}
