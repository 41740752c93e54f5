/**
 * The asking side of the local API: HTTP on the agent's unix socket. One connection per request.
 *
 * A request that failed before the agent could have read it (`sent` false) changed nothing; after
 * that its outcome is unknown, and only asking again with the same deploy id is safe.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { AgentFacts } from '../doctor/facts.ts';
import type {
  AvailabilityRequest,
  LabelsRequest,
  PlanBody,
  PlanRequest,
  ActionBody,
  AgentStopBody,
  BuildBody,
  BuildRequest,
  BundleBody,
  ChaosBody,
  ChaosRequest,
  ClusterBody,
  DeployBody,
  DeployRequest,
  DestroyRequest,
  DoctorRequest,
  ErrorBody,
  EventBody,
  InitRequest,
  InputBody,
  InspectBody,
  JoinRequest,
  KillRequest,
  LeadBody,
  LeadRequest,
  LogBody,
  PageBody,
  StatusBody,
} from './api.ts';

export type ApiRefusal = ErrorBody['error'];

/** The agent answered with an error of its own. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly refusal: ApiRefusal;
  constructor(status: number, refusal: ApiRefusal) {
    super(refusal.what);
    this.status = status;
    this.refusal = refusal;
  }
}

/** No answer. `code`: of the system call (`ENOENT`, …), or `TIMEOUT`, or `NOT-AN-AGENT`. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly socket: string;
  readonly code: string;
  /** Whether the agent may have read the request. */
  readonly sent: boolean;
  constructor(
    socket: string,
    code: string,
    options: { readonly sent: boolean; readonly cause?: unknown },
  ) {
    super(`no agent answers on ${socket} (${code})`, { cause: options.cause });
    this.socket = socket;
    this.code = code;
    this.sent = options.sent;
  }
}

export type EventQuery = {
  /** How far to look back. */
  readonly sinceMs: number;
  readonly follow: boolean;
  /** A full id; absent: everything. */
  readonly about?: string;
};
export type LogQuery = {
  /** A full id. */
  readonly subject: string;
  readonly follow: boolean;
  /** The instance before each in its place. */
  readonly previous: boolean;
  readonly tail?: number;
  /** RFC 3339. */
  readonly since?: string;
};

/** Each call ends in the body, an `ApiError`, an `UnreachableError`, or the signal's reason. */
export type Client = ReturnType<typeof createClient>;

/** Reading what the agent knows: it answers from memory. */
const READ_MS = 5_000;
/** Above the agent's own bound on a command (`commandMs`), so that its answer is heard. */
const COMMAND_MS = 20_000;
/** Joining listens for the cluster on the network first. */
const JOIN_MS = 90_000;
/** A large context comes from a slow disk. */
const BUNDLE_MS = 10 * 60_000;
/** It waits for hosts that do not answer; longest with a thousand of them. */
const DOCTOR_MS = 40_000;
/** Longer answers are refused. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** A longer line of a stream ends it with an error. */
const LINE_CHARS_MAX = 1024 * 1024;
/** Failures of `connect`: nothing was sent. */
const BEFORE_SENT = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'EACCES',
  'EPERM',
  'ENOTSOCK',
  'ENAMETOOLONG',
  'EINVAL',
]);

export function createClient(socket: string) {
  const get = <T>(path: string, signal: AbortSignal): Promise<T> =>
    call<T>(socket, { method: 'GET', path, limitMs: READ_MS }, signal);
  const post = <T>(
    path: string,
    body: object,
    signal: AbortSignal,
    limitMs = COMMAND_MS,
  ): Promise<T> => call<T>(socket, { method: 'POST', path, body, limitMs }, signal);
  const instance = (id: string): string => `/v1/instances/${encodeURIComponent(id)}`;
  return {
    socket,
    doctor: (body: DoctorRequest, signal: AbortSignal) =>
      post<AgentFacts>('/v1/doctor', body, signal, DOCTOR_MS),
    status: (signal: AbortSignal) => get<StatusBody>('/v1/status', signal),
    cluster: (signal: AbortSignal) => get<ClusterBody>('/v1/cluster', signal),
    clusterInit: (signal: AbortSignal) =>
      post<ClusterBody>('/v1/cluster/init', {} satisfies InitRequest, signal),
    clusterJoin: (body: JoinRequest, signal: AbortSignal) =>
      post<ClusterBody>('/v1/cluster/join', body, signal, JOIN_MS),
    deploy: (body: DeployRequest, signal: AbortSignal) =>
      post<DeployBody>('/v1/deploy', body, signal),
    destroy: (body: DestroyRequest, signal: AbortSignal) =>
      post<DeployBody>('/v1/destroy', body, signal),
    clusterLeave: (signal: AbortSignal) => post<ActionBody>('/v1/cluster/leave', {}, signal),
    chaos: (body: ChaosRequest, signal: AbortSignal) => post<ChaosBody>('/v1/chaos', body, signal),
    forceVoters: (signal: AbortSignal) => post<ActionBody>('/v1/cluster/voters/force', {}, signal),
    hostForget: (host: string, signal: AbortSignal) =>
      post<ActionBody>(`/v1/hosts/${encodeURIComponent(host)}/forget`, {}, signal),
    plan: (body: PlanRequest, signal: AbortSignal) => post<PlanBody>('/v1/plan', body, signal),
    hostLabels: (host: string, body: LabelsRequest, signal: AbortSignal) =>
      post<ActionBody>(`/v1/hosts/${encodeURIComponent(host)}/labels`, body, signal),
    hostAvailability: (host: string, body: AvailabilityRequest, signal: AbortSignal) =>
      post<ActionBody>(`/v1/hosts/${encodeURIComponent(host)}/availability`, body, signal),
    lead: (body: LeadRequest, signal: AbortSignal) => post<LeadBody>('/v1/lead', body, signal),
    kill: (id: string, name: string, signal: AbortSignal) =>
      post<ActionBody>(`${instance(id)}/kill`, { signal: name } satisfies KillRequest, signal),
    restart: (id: string, signal: AbortSignal) =>
      post<ActionBody>(`${instance(id)}/restart`, {}, signal),
    inspect: (subject: string, signal: AbortSignal) =>
      get<InspectBody>(`/v1/inspect?${new URLSearchParams({ subject })}`, signal),
    page: (id: string, signal: AbortSignal) => get<PageBody>(`${instance(id)}/page`, signal),
    agentStop: (asked: AgentStopBody, signal: AbortSignal) =>
      post<ActionBody>('/v1/agent/stop', asked, signal),
    bundle: (hash: string, signal: AbortSignal) => get<BundleBody>(`/v1/bundles/${hash}`, signal),
    /** `input` is read as it is sent. */
    keepBundle: (hash: string, input: Readable, signal: AbortSignal) =>
      call<BundleBody>(
        socket,
        { method: 'POST', path: `/v1/bundles/${hash}`, input, limitMs: BUNDLE_MS },
        signal,
      ),
    build: (host: string, body: BuildRequest, signal: AbortSignal): AsyncGenerator<BuildBody> => {
      const path = `/v1/hosts/${encodeURIComponent(host)}/build`;
      return each(bodies<BuildBody>(socket, { method: 'POST', path, body }, signal));
    },
    /** `input` is read as it is sent; what comes is in the form of `exec/frames.ts`. */
    exec: (id: string, input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> =>
      streamed(socket, { method: 'POST', path: `${instance(id)}/exec`, input }, signal),
    /** `input` is read as it is sent, and is closed in the end. */
    input: (id: string, input: Readable, signal: AbortSignal): AsyncGenerator<InputBody> => {
      const path = `${instance(id)}/input`;
      return each(bodies<InputBody>(socket, { method: 'POST', path, input }, signal));
    },
    logs: (host: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogBody[]> => {
      const asked = new URLSearchParams({
        subject: query.subject,
        follow: query.follow ? '1' : '0',
        previous: query.previous ? '1' : '0',
      });
      if (query.tail !== undefined) asked.set('tail', String(query.tail));
      if (query.since !== undefined) asked.set('since', query.since);
      const path = `/v1/hosts/${encodeURIComponent(host)}/logs?${asked}`;
      return bodies<LogBody>(socket, { method: 'GET', path }, signal);
    },
    events: (query: EventQuery, signal: AbortSignal): AsyncGenerator<EventBody> => {
      const asked = new URLSearchParams({
        since_ms: String(query.sinceMs),
        follow: query.follow ? '1' : '0',
      });
      if (query.about !== undefined) asked.set('about', query.about);
      const path = `/v1/events?${asked}`;
      return each(bodies<EventBody>(socket, { method: 'GET', path }, signal));
    },
  };
}

type Call = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  /** Sent as it comes, in place of `body`. */
  readonly input?: Readable;
};

async function call<T>(
  socket: string,
  asked: Call & { readonly limitMs: number },
  signal: AbortSignal,
): Promise<T> {
  const limit = AbortSignal.timeout(asked.limitMs);
  const either = AbortSignal.any([signal, limit]);
  try {
    const response = await send(socket, asked, either);
    return await readBody<T>(socket, response);
  } catch (error) {
    throw told(socket, error, signal, limit);
  }
}

/** The lines of a streamed answer, as many as came at once. */
async function* bodies<T>(socket: string, asked: Call, signal: AbortSignal): AsyncGenerator<T[]> {
  for await (const lines of splitLines(streamed(socket, asked, signal)))
    yield lines.filter((line) => line !== '').map((line) => parse<T>(socket, line));
}

/** A streamed answer; bounded in time only until its first byte. */
async function* streamed(
  socket: string,
  asked: Call,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), READ_MS);
  try {
    const response = await send(socket, asked, AbortSignal.any([signal, waiting.signal]));
    clearTimeout(timer);
    if (response.statusCode !== 200) await readBody<never>(socket, response);
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw told(socket, error, signal, waiting.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function* each<T>(portions: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const portion of portions) yield* portion;
}

async function* splitLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX)
      throw new Error(`a line is longer than ${LINE_CHARS_MAX} characters`);
    yield parts;
  }
  if (rest !== '') yield [rest];
}

function send(socket: string, asked: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const payload = asked.body === undefined ? undefined : JSON.stringify(asked.body);
  const request: ClientRequest = httpRequest({
    socketPath: socket,
    method: asked.method,
    path: asked.path,
    signal,
    // The agent's idle sockets would keep the process alive after the answer.
    agent: false,
    headers:
      payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
  });
  request.once('response', resolve);
  request.once('error', reject);
  if (asked.input === undefined) request.end(payload);
  else pipeline(asked.input, request, () => undefined); // its failures are told by the request
  return promise;
}

async function readBody<T>(socket: string, response: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error(`the answer is longer than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const status = response.statusCode ?? 0;
  const body = parse<unknown>(socket, Buffer.concat(chunks).toString('utf8'));
  if (status >= 200 && status < 300) return body as T;
  throw isErrorBody(body)
    ? new ApiError(status, body.error)
    : new UnreachableError(socket, 'NOT-AN-AGENT', { sent: true, cause: body });
}

function parse<T>(socket: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new UnreachableError(socket, 'NOT-AN-AGENT', { sent: true, cause });
  }
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const error = body.error as Partial<Record<string, unknown>> | null;
  return (
    typeof error === 'object' &&
    error !== null &&
    ['code', 'what', 'why', 'next'].every((part) => typeof error[part] === 'string') &&
    typeof error['exit'] === 'number'
  );
}

/** One of the documented errors, whatever `node:http` made of it. */
function told(socket: string, error: unknown, signal: AbortSignal, limit: AbortSignal): unknown {
  if (error instanceof ApiError || error instanceof UnreachableError) return error;
  if (signal.aborted) return signal.reason;
  if (limit.aborted) return new UnreachableError(socket, 'TIMEOUT', { sent: true, cause: error });
  const code = codeOf(error);
  return code === undefined
    ? error
    : new UnreachableError(socket, code, { sent: !BEFORE_SENT.has(code), cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
