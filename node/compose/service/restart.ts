/** What becomes of an instance that ends: `restart`, and Swarm's `deploy.restart_policy`, which wins. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { ComponentSpec, RestartPolicy, Retries } from '../../../protocol/component/spec.ts';
import { RESTART_DELAY_MS_MAX } from '../../../protocol/limits.ts';
import { complain, duration, expected, integer, line, mapping } from '../fields.ts';
import type { Complaint } from '../problems.ts';
import type { ServiceFields } from './service.ts';
import type { Surroundings } from './surroundings.ts';

const RESTARTS = 'no, always, unless-stopped or on-failure[:attempts]';
export const restartField = line(RESTARTS, (written): Result<RestartPolicy, Complaint> => {
  if (written === 'no') return ok({ kind: 'no' });
  if (written === 'always') return ok({ kind: 'always' });
  if (written === 'unless-stopped') return ok({ kind: 'unlessStopped' });
  const [whole, attempts = '0'] = /^on-failure(?::(\d{1,6}))?$/.exec(written) ?? [];
  if (whole === undefined) return fail({ message: expected(RESTARTS, written) });
  // As in Docker, zero attempts means no limit.
  const retryMax = Number(attempts);
  return ok({ kind: 'onFailure', ...(retryMax > 0 && { retryMax }) });
});

const RETRIES_MAX = 999_999;

const CONDITIONS = 'none, on-failure or any';
type Condition = 'none' | 'on-failure' | 'any';
const condition = line(CONDITIONS, (written): Result<Condition, Complaint> => {
  if (written === 'none' || written === 'on-failure' || written === 'any') return ok(written);
  return fail({ message: expected(CONDITIONS, written) });
});

const delayField = duration.transform((length, context) => {
  if (length <= RESTART_DELAY_MS_MAX) return length;
  return complain(context, { message: 'too long, at most 1d is possible', next: 'shorten it' });
});

/** What holds without a condition depends on what the service is for. */
export type PolicyField = { readonly condition: Condition | undefined; readonly retries: Retries };

export const restartPolicyField = mapping({
  condition: condition.optional(),
  max_attempts: integer(0, RETRIES_MAX).optional(),
  delay: delayField.optional(),
  window: duration.optional(),
}).transform((written): PolicyField => {
  const { condition: wanted, max_attempts: retryMax = 0, delay, window } = written;
  const retries: Retries = {
    ...(retryMax > 0 && { retryMax }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(window !== undefined && { windowMs: window }),
  };
  return { condition: wanted, retries };
});

/** `deploy.restart_policy`, else `restart`, else what fits what the service is for. */
export function readRestart(
  name: string,
  { deploy, restart }: ServiceFields,
  { awaited }: Surroundings,
): RestartPolicy {
  const isToEnd = awaited.has(name) || deploy?.mode?.isJob === true;
  const policy = deploy?.restart_policy;
  if (policy === undefined) return restart ?? { kind: isToEnd ? 'onFailure' : 'always' };
  // A job that says nothing of it is tried again when it fails, and not when it has done its work.
  const wanted = policy.condition ?? (deploy?.mode?.isJob === true ? 'on-failure' : 'any');
  if (wanted === 'none') return { kind: 'no' };
  return { kind: wanted === 'any' ? 'always' : 'onFailure', ...policy.retries };
}

export function checkRestart(
  { name, restart: policy, job }: ComponentSpec,
  { deploy }: ServiceFields,
  { awaited, errors }: Surroundings,
): void {
  if (policy.kind !== 'always' && policy.kind !== 'unlessStopped') return;
  if (job === undefined && !awaited.has(name)) return;
  const isPolicy = deploy?.restart_policy !== undefined;
  const why =
    job === undefined
      ? 'another service waits for it to complete, and it would be started again'
      : 'it is a job, and would be started again when it is done';
  const next = isPolicy ? 'use condition: on-failure or none' : 'use restart: on-failure or "no"';
  const path = ['services', name, ...(isPolicy ? ['deploy', 'restart_policy'] : ['restart'])];
  errors.push({ path, on: 'value', message: 'it would never complete', why, next });
}
