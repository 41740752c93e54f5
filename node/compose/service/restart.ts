/** What becomes of an instance that ends: `restart`, and Swarm's `deploy.restart_policy`, which wins. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { ComponentSpec, RestartPolicy } from '../../../protocol/component/spec.ts';
import { complain, duration, expected, integer, line, mapping } from '../fields.ts';
import type { Complaint } from '../problems.ts';
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

export const restartPolicyField = mapping({
  condition: condition.optional(),
  max_attempts: integer(0, RETRIES_MAX).optional(),
  delay: duration.optional(),
  window: duration.optional(),
}).transform((written, context): RestartPolicy => {
  const { condition: wanted = 'any', max_attempts: retryMax = 0 } = written;
  if (wanted === 'on-failure') return { kind: 'onFailure', ...(retryMax > 0 && { retryMax }) };
  if (retryMax > 0 && wanted === 'any') {
    const message = 'not supported yet with condition: any';
    const next = 'say condition: on-failure, or leave max_attempts out';
    return complain(context, { message, next, unsupported: true }, ['max_attempts']);
  }
  return { kind: wanted === 'none' ? 'no' : 'always' };
});

/** What another service waits for to complete must end; everything else is to run for good. */
export function defaultRestart(name: string, { awaited }: Surroundings): RestartPolicy {
  return awaited.has(name) ? { kind: 'onFailure' } : { kind: 'always' };
}

export function checkRestart({ name, restart: policy }: ComponentSpec, around: Surroundings): void {
  if (!around.awaited.has(name)) return;
  if (policy.kind !== 'always' && policy.kind !== 'unlessStopped') return;
  const why = 'another service waits for it to complete, and it would be started again';
  const next = 'use restart: on-failure or "no"';
  const path = ['services', name, 'restart'];
  around.errors.push({ path, on: 'value', message: 'it would never complete', why, next });
}
