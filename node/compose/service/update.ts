/** How a changed service comes to the instances that run: `deploy.update_config`. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  DEFAULT_UPDATE,
  type UpdatePolicy,
  whyStopFirst,
} from '../../../protocol/component/update.ts';
import { SLOTS_MAX } from '../../../protocol/limits.ts';
import { complain, duration, expected, integer, line, mapping } from '../fields.ts';
import type { Complaint } from '../problems.ts';
import * as z from 'zod';
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

/** Kept as a whole number of millionths, so that all agents compare alike. */
const ratio = z.unknown().transform((value, context) => {
  const isText = typeof value === 'string' && /^\d{1,6}(\.\d{1,18})?$/.test(value);
  const number = isText ? Number(value) : value;
  if (typeof number === 'number' && number >= 0 && number <= 1) return Math.round(number * 1e6);
  return complain(context, { message: expected('a share from 0 to 1', value) });
});

export const updateField = mapping({
  parallelism: integer(0, SLOTS_MAX).optional(),
  delay: duration.optional(),
  order: order.optional(),
  monitor: duration.optional(),
  failure_action: action.optional(),
  max_failure_ratio: ratio.optional(),
}).transform((written): UpdatePolicy => ({
  parallelism: written.parallelism ?? DEFAULT_UPDATE.parallelism,
  delayMs: written.delay ?? DEFAULT_UPDATE.delayMs,
  order: written.order ?? DEFAULT_UPDATE.order,
  monitorMs: written.monitor ?? DEFAULT_UPDATE.monitorMs,
  onFailure: written.failure_action ?? DEFAULT_UPDATE.onFailure,
  failuresMaxPpm: written.max_failure_ratio ?? DEFAULT_UPDATE.failuresMaxPpm,
}));

/** Start-first where nothing can stand beside what it replaces. */
export function adviseOrder(component: ComponentSpec, { warnings }: Surroundings): void {
  const why = component.update?.order === 'startFirst' ? whyStopFirst(component) : undefined;
  if (why === undefined) return;
  const path = ['services', component.name, 'deploy', 'update_config', 'order'];
  const next = 'say stop-first, or leave it out';
  warnings.push({ path, on: 'value', message: 'done as stop-first', why, next });
}
