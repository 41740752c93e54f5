/** What is to come to an end: Swarm's modes of jobs, and how long an attempt of one may take. */
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { complain, duration } from '../fields.ts';
import type { ServiceFields } from './service.ts';
import type { Surroundings } from './surroundings.ts';

export const timeoutField = duration.transform((length, context) => {
  if (length > 0) return length;
  const next = 'leave it out, and it may take any time';
  return complain(context, { message: 'no time at all', next });
});

export function readJob(
  name: string,
  fields: ServiceFields,
  { errors }: Surroundings,
): Pick<ComponentSpec, 'job'> {
  const timeoutMs = fields['x-millrace']?.timeout;
  if (fields.deploy?.mode?.isJob === true)
    return { job: timeoutMs === undefined ? {} : { timeoutMs } };
  if (timeoutMs !== undefined) {
    const path = ['services', name, 'x-millrace', 'timeout'];
    const why = 'only a job comes to an end';
    const next = 'say deploy.mode: replicated-job, or remove it';
    errors.push({ path, on: 'key', message: 'has no meaning here', why, next });
  }
  return {};
}
