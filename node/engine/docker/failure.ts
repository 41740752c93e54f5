/**
 * What the Docker Engine says when it refuses, as one `EngineError`: what happened, why, what next.
 * The engine is a trust boundary: nothing about the shape of its answers is taken for granted.
 */
import { EngineError } from '../engine.ts';

const REASON_LENGTH_MAX = 500;

type Verdict = {
  readonly code: EngineError['code'];
  readonly permanent?: boolean;
  readonly next: string;
};

const NO_IMAGE = /no such image/i;
const VERSION_REFUSED = /client version .* is too (old|new)/i;
/** What is refused as if the request were wrong, and is the state of the host. */
const PASSING = /fully subnetted|non-overlapping .*address pool|source path does not exist/i;
const NAME_TAKEN = /container name .* is already in use/i;
const NAME_AMBIGUOUS = /is ambiguous/i;
const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** `what` starts the message, e.g. `cannot start shop.web`. An `EngineError` passes unchanged. */
export function toEngineError(what: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const why = reasonOf(error);
  const { code, permanent = false, next } = judge(statusOf(error), fieldOf(error, 'code'), why);
  return new EngineError(code, `${what}: ${why}; ${next}`, { permanent, cause: error });
}

/** True of the answer to `create` when the image is not on this host. */
export function isImageMissing(error: unknown): boolean {
  return statusOf(error) === 404 && NO_IMAGE.test(reasonOf(error));
}

/** True of the answer to `create` where another container has the name. */
export function isNameTaken(error: unknown): boolean {
  return statusOf(error) === 409 && NAME_TAKEN.test(reasonOf(error));
}

/** True when the engine was upgraded or downgraded under us: the API version must be agreed anew. */
export function isVersionRefused(error: unknown): boolean {
  return statusOf(error) === 400 && VERSION_REFUSED.test(reasonOf(error));
}

/** True where several have the name that was given, as networks of one name can for a moment. */
export function isNameAmbiguous(error: unknown): boolean {
  return statusOf(error) === 400 && NAME_AMBIGUOUS.test(reasonOf(error));
}

/** The HTTP status of the engine's answer, or `undefined` where there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = fieldOf(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own words, cut to a readable length. */
export function reasonOf(error: unknown): string {
  const said = fieldOf(fieldOf(error, 'json'), 'message') ?? fieldOf(error, 'message') ?? error;
  // Of an answer that was to be streamed only the text is left, behind what docker-modem puts there.
  const words = String(said).replace(/^\(HTTP code \d+\) [^-]*- /, '');
  return words.trim().slice(0, REASON_LENGTH_MAX);
}

function judge(status: number | undefined, systemCode: unknown, why: string): Verdict {
  if (status === undefined) return judgeConnection(systemCode, why);
  if (VERSION_REFUSED.test(why))
    return { code: 'unavailable', next: 'the API version is agreed anew at the next try' };
  if (/port is already allocated|address already in use/i.test(why))
    return { code: 'conflict', next: 'free that port on this host or publish another one' };
  if (NAME_AMBIGUOUS.test(why))
    return { code: 'conflict', next: 'remove all but one of that name from this host' };
  if (PASSING.test(why))
    return { code: 'failed', next: 'it is tried again; see to it on this host' };
  switch (status) {
    case 400:
      return {
        code: 'bad-spec',
        permanent: true,
        next: 'correct the component and deploy it again',
      };
    case 404:
      if (NO_IMAGE.test(why)) return { code: 'no-image', next: 'bring it here with docker load' };
      return { code: 'not-found', next: 'list the instances again' };
    case 409:
      return { code: 'conflict', next: 'look at the container named, then try again' };
    default:
      return { code: 'failed', next: 'see the log of the Docker Engine on this host' };
  }
}

function judgeConnection(systemCode: unknown, why: string): Verdict {
  if (systemCode === 'EACCES' || systemCode === 'EPERM')
    return { code: 'unavailable', next: 'add the user of this agent to the group docker' };
  if (UNREACHABLE.has(String(systemCode)) || /socket hang up|aborted/i.test(why))
    return { code: 'unavailable', next: 'check that the Docker Engine runs on this host' };
  return { code: 'failed', next: 'see the log of the Docker Engine on this host' };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
