/** Where the hosts that run a service ask it: whether it is well, and what it tells of itself. */
import type { ComponentSpec, Endpoint, Heartbeat } from '../../../protocol/component/spec.ts';
import { type Millis, millis, seconds } from '../../../protocol/base/time.ts';
import { TEXT_MAX } from '../../../protocol/limits.ts';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { complain, duration, expected, integer, line, mapping } from '../fields.ts';
import type { Complaint } from '../problems.ts';
import type { ServiceFields } from './service.ts';
import type { Surroundings } from './surroundings.ts';

const EVERY: Millis = seconds(2);
const TIMEOUT: Millis = seconds(1);
const MISSES = 3;
const START_PERIOD: Millis = seconds(10);
/** Each question is a connection. */
const EVERY_MIN: Millis = millis(100);
const MISSES_MAX = 1_000;
const PORT_MAX = 65_535;

const PATH = 'a path such as /healthz';
const path = line(PATH, (written): Result<string, Complaint> => {
  if (/^\/[\x21-\x7e]*$/.test(written) && written.length <= TEXT_MAX) return ok(written);
  const next = 'begin it with /, and escape what a URL cannot hold, a space as %20';
  return fail({ message: expected(PATH, written), next });
});
const port = integer(1, PORT_MAX);

const every = duration.transform((length, context) => {
  if (length >= EVERY_MIN) return length;
  const message = `too often, at least ${EVERY_MIN}ms are needed`;
  const next = `leave it out for ${EVERY / 1000}s`;
  return complain(context, { message, why: 'each question is a connection', next });
});
const timeout = duration.transform((length, context) => {
  const next = `leave it out for ${TIMEOUT / 1000}s`;
  return length > 0 ? length : complain(context, { message: 'no time at all', next });
});

/** Without a port: the only one that is published. */
type Written<T> = Omit<T, 'port'> & { readonly port?: number | undefined };
type Target =
  | Written<Extract<Heartbeat['target'], { kind: 'http' }>>
  | Extract<Heartbeat['target'], { kind: 'tcp' }>;

export const heartbeatField = mapping({
  path: path.optional(),
  port: port.optional(),
  tcp: port.optional(),
  every: every.optional(),
  timeout: timeout.optional(),
  miss: integer(1, MISSES_MAX).optional(),
  start_period: duration.optional(),
}).transform((fields, context): Omit<Heartbeat, 'target'> & { readonly target: Target } => {
  const { tcp } = fields;
  const beside = (['path', 'port'] as const).find((key) => fields[key] !== undefined);
  if (tcp !== undefined && beside !== undefined) {
    const why = 'tcp asks whether a port takes connections, path and port ask a page';
    const complaint = { message: `has no meaning beside ${beside}`, why, next: 'keep one' };
    return complain(context, complaint, ['tcp']);
  }
  if (tcp === undefined && fields.path === undefined) {
    const next = 'write path: /healthz for a page, or tcp: PORT';
    return complain(context, { message: 'missing: path, or tcp', next });
  }
  return {
    target:
      tcp === undefined
        ? { kind: 'http', path: fields.path ?? '/', port: fields.port }
        : { kind: 'tcp', port: tcp },
    intervalMs: fields.every ?? EVERY,
    timeoutMs: fields.timeout ?? TIMEOUT,
    retries: fields.miss ?? MISSES,
    startPeriodMs: fields.start_period ?? START_PERIOD,
  };
});

export const inspectField = mapping({ path, port: port.optional() });

export function readEndpoints(
  name: string,
  fields: ServiceFields,
  around: Surroundings,
): Pick<ComponentSpec, 'heartbeat' | 'inspect'> {
  const { heartbeat, inspect } = fields['x-millrace'] ?? {};
  const complainer = (key: 'heartbeat' | 'inspect') => (complaint: Complaint) => {
    const at = ['services', name, 'x-millrace', key];
    around.errors.push({ path: at, on: 'key', ...complaint });
  };
  checkHeartbeat(fields, complainer('heartbeat'));
  if (inspect !== undefined) checkReach(fields, complainer('inspect'));
  return {
    ...(heartbeat !== undefined && {
      heartbeat: { ...heartbeat, target: whole(heartbeat.target, fields, complainer('heartbeat')) },
    }),
    ...(inspect !== undefined && { inspect: whole(inspect, fields, complainer('inspect')) }),
  };
}

type Complain = (complaint: Complaint) => void;

function checkHeartbeat(fields: ServiceFields, complainAbout: Complain): void {
  if (fields['x-millrace']?.heartbeat === undefined) return;
  checkReach(fields, complainAbout);
  if (fields.healthcheck?.kind !== 'on') return;
  const why = 'the health of a service comes from one of the two';
  const next = 'leave one of the two out';
  complainAbout({ message: 'has no meaning beside healthcheck', why, next });
}

function checkReach({ network_mode: mode }: ServiceFields, complainAbout: Complain): void {
  if (mode !== 'none') return;
  const why = 'its host has no way to it';
  const next = 'leave one of the two out';
  complainAbout({ message: 'has no meaning beside network_mode: none', why, next });
}

/** With its port. What cannot be known is complained about, and port 1 stands for it. */
function whole<T extends { readonly port?: number | undefined }>(
  written: T,
  { ports = [] }: ServiceFields,
  complainAbout: Complain,
): T & Pick<Endpoint, 'port'> {
  if (written.port !== undefined) return { ...written, port: written.port };
  const published = ports.filter(({ port: { protocol } }) => protocol === 'tcp');
  const [target, ...more] = new Set(published.map(({ port: { target: inside } }) => inside));
  if (target === undefined || more.length > 0) {
    const why = `${target === undefined ? 'no port' : 'more than one'} is published`;
    complainAbout({ message: 'missing: port', why, next: 'write port: N, where it listens' });
  }
  return { ...written, port: target ?? 1 };
}
