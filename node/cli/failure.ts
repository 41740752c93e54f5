/** What `agentctl` says when it cannot do what was asked, and the exit codes scripts rely on. */
import { isSea } from 'node:sea';
import { ApiError, UnreachableError } from '../http/client.ts';
import { SYSTEM_PATHS } from '../paths.ts';
import { asTyped, typed } from './invocation.ts';

export const EXIT = {
  ok: 0,
  /** Unexpected: a bug of ours. */
  bug: 1,
  /** Wrong usage, or a question that could not be asked. */
  usage: 2,
  /** Not healthy, not converged, or not in time. */
  unhealthy: 3,
  notFound: 4,
  noAgent: 5,
  /** Refused for safety. */
  refused: 6,
  /** Timed out, and still going on; or the outcome is unknown. */
  unknown: 7,
  interrupted: 130,
} as const;

export type FailureParts = {
  /** Stable, for scripts. */
  readonly code: string;
  readonly what: string;
  readonly why: string;
  /** What to type or do next. */
  readonly next: string;
  readonly exit: number;
};

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly parts: FailureParts;
  constructor(parts: FailureParts, options: { readonly cause?: unknown } = {}) {
    super(parts.what, options);
    this.parts = parts;
  }
}

export function usageFailure(what: string, why: string, next: string): Failure {
  return new Failure({ code: 'usage', what, why, next, exit: EXIT.usage });
}

export function renderFailure(parts: FailureParts): string {
  return `error: ${parts.what}\n  why   ${parts.why}\n  next  ${parts.next}\n`;
}

/** Any error as three parts and an exit code. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ApiError) return refusedBy(error);
  if (error instanceof UnreachableError) return new Failure(unreached(error), { cause: error });
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Failure(
    {
      code: 'bug',
      what,
      why: 'this is not an error that agentctl expects: probably a defect in it',
      next: 'try again with MILLRACE_DEBUG=1 and report what it prints',
      exit: EXIT.bug,
    },
    { cause: error },
  );
}

/** The request may have been read, and nobody said what came of it. */
export function isUnknown(error: unknown): error is ApiError | UnreachableError {
  if (error instanceof UnreachableError) return error.sent;
  return error instanceof ApiError && error.refusal.exit === EXIT.unknown;
}

export function unknownOutcome(
  what: string,
  id: string,
  again: string,
  cause: ApiError | UnreachableError,
): Failure {
  const why =
    cause instanceof ApiError
      ? cause.refusal.why
      : `the agent did not answer in the end (${cause.code})`;
  return new Failure(
    {
      code: 'unknown-outcome',
      what: `it is unknown whether ${what} happened (id ${id})`,
      why,
      next: `ask again, it happens at most once: ${again}`,
      exit: EXIT.unknown,
    },
    { cause },
  );
}

function refusedBy(error: ApiError): Failure {
  const { refusal } = error;
  return new Failure({ ...refusal, next: asTyped(refusal.next) }, { cause: error });
}

const UNREACHED: Readonly<Record<string, string>> = {
  ENOENT: 'there is no socket at this path: no agent was started here, or it listens elsewhere',
  ECONNREFUSED: 'the socket is there, but nobody listens: its agent was killed or has crashed',
  EACCES: 'this user may not open it: the socket is for root and the group millrace',
  TIMEOUT: 'the connection was taken, but no answer came in time: the agent hangs or is stopped',
  'NOT-AN-AGENT': 'something answered there that does not speak this version of the local API',
  ECONNRESET: 'the connection broke before the answer: the agent has just ended',
};

const NEXT: Readonly<Record<string, string>> = {
  EACCES: 'sudo usermod -aG millrace $USER, then log in again',
  TIMEOUT: 'agentctl doctor      looks at this host without the agent',
  'NOT-AN-AGENT': 'agentctl doctor      says what answers, and what does not',
};

function unreached(error: UnreachableError): FailureParts {
  const why = UNREACHED[error.code] ?? `the connection failed: ${causeOf(error)}`;
  const start = `${startOf(error.socket)}      or read this host only: ${typed('ps --local')}`;
  const next = NEXT[error.code] ?? start;
  return {
    code: 'no-agent',
    what: `no agent answers on ${error.socket} (${error.code})`,
    why,
    next: asTyped(next),
    exit: EXIT.noAgent,
  };
}

/** Where the package put us, the agent is a service. */
function startOf(socket: string): string {
  const isService = isSea() && socket === SYSTEM_PATHS.socket;
  return isService ? 'sudo systemctl start agentd' : typed('agent start');
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
