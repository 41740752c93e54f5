/**
 * One Docker Engine behind its unix socket: dockerode with what it lacks. Every call has a bound and
 * obeys an `AbortSignal`, every failure is an `EngineError`, the API version is agreed with the engine
 * and never pinned, and answers can be read as streams.
 */
import { Agent, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { EngineError } from '../engine.ts';
import { API_VERSION_MAX, API_VERSION_MIN, isOlder } from './api-version.ts';
import { isVersionRefused, toEngineError } from './failure.ts';

const ANSWER_BOUND_MS = 5_000;

export type Bounds = {
  /** Starts the error message, e.g. `cannot start shop.web`. */
  readonly what: string;
  readonly boundMs: number;
  readonly signal: AbortSignal;
};

type StreamRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A tar. */
  readonly body?: Readable;
};

/** The part of docker-modem that dockerode's own methods are made of. */
type Modem = {
  version?: string;
  dial(
    options: Record<string, unknown>,
    callback: (error: unknown, answer: IncomingMessage) => void,
  ): void;
};

/**
 * docker-modem writes out all options of each request, with all that hangs on them, for a log that nobody
 * reads; of an agent with its sockets that takes longer than the request.
 */
class BriefAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

export class Connection implements Disposable {
  readonly docker: Docker;
  readonly #agent: Agent;
  readonly #modem: Modem;
  #apiVersion = '';

  constructor(socketPath: string) {
    this.#agent = new BriefAgent({ keepAlive: true });
    // An empty `host` keeps DOCKER_HOST from taking the place of the socket.
    const options = { socketPath, host: '', protocol: 'http' as const, agent: this.#agent };
    this.docker = new Docker(options);
    this.#modem = this.docker.modem as unknown as Modem; // its types leave out the version
  }

  /** E.g. `1.41`; empty before `negotiate`. */
  get apiVersion(): string {
    return this.#apiVersion;
  }

  /** Resolves where the engine answers at all. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.#ping('the Docker Engine is not heard', signal);
  }

  /** Asks the engine which API it speaks; every later call speaks it. */
  async negotiate(signal: AbortSignal): Promise<void> {
    const what = 'cannot talk to the Docker Engine';
    delete this.#modem.version; // asked without a version, or an upgraded engine would refuse
    const answer = await this.#ping(what, signal);
    const offered = answer.headers['api-version'];
    if (typeof offered !== 'string' || !/^\d+\.\d+$/.test(offered)) {
      const why = 'what answers on its socket names no API version';
      throw new EngineError('unavailable', `${what}: ${why}; check the path of the socket`);
    }
    if (isOlder(offered, API_VERSION_MIN)) {
      const why = `it speaks API ${offered}, at least ${API_VERSION_MIN} is needed`;
      throw new EngineError('unavailable', `${what}: ${why}; upgrade it`, { permanent: true });
    }
    this.#apiVersion = isOlder(offered, API_VERSION_MAX) ? offered : API_VERSION_MAX;
    this.#modem.version = `v${this.#apiVersion}`;
  }

  /** Runs one request. It ends at the bound even where dockerode never calls back. */
  async call<T>(limits: Bounds, run: (cut: AbortSignal) => Promise<T>): Promise<T> {
    const { what, boundMs, signal } = limits;
    if (signal.aborted) throw abortedError(what);
    const cut = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = (error: EngineError) => {
      reject(error); // first, so that it wins over the request's own AbortError
      cut.abort(error);
    };
    const onAbort = () => end(abortedError(what));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => end(lateError(what, boundMs)), boundMs);
    try {
      return await Promise.race([ended, run(cut.signal)]);
    } catch (error) {
      // The engine was replaced by another version: the next try speaks that one.
      if (isVersionRefused(error)) await this.negotiate(signal);
      throw toEngineError(what, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Opens an answer that is read as it comes. `boundMs` covers the opening only; `signal` destroys
   * the stream at any time.
   */
  async stream(limits: Bounds, request: StreamRequest): Promise<Readable> {
    const cut = new AbortController();
    const answer = await this.call(limits, (late) => {
      late.addEventListener('abort', () => cut.abort(late.reason), { once: true });
      return this.#dial(request, cut.signal);
    });
    const onAbort = () => answer.destroy(abortedError(limits.what));
    limits.signal.addEventListener('abort', onAbort, { once: true });
    answer.once('close', () => limits.signal.removeEventListener('abort', onAbort));
    answer.once('error', () => undefined); // a reader sees it too; without one it is not fatal
    if (limits.signal.aborted) onAbort();
    return answer;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #ping(what: string, signal: AbortSignal): Promise<IncomingMessage> {
    const limits = { what, boundMs: ANSWER_BOUND_MS, signal };
    const answer = await this.call(limits, (cut) =>
      this.#dial({ method: 'GET', path: '/_ping', query: {} }, cut),
    );
    return answer.resume();
  }

  #dial(request: StreamRequest, cut: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = {
        path: `${request.path}?`,
        method: request.method,
        options: { _query: request.query, _body: {} },
        ...(request.headers !== undefined && { headers: { ...request.headers } }),
        ...(request.body !== undefined && { file: request.body }),
        abortSignal: cut,
        isStream: true,
        statusCodes: { 200: true, 400: 'bad request', 404: 'no such thing', 500: 'server error' },
      };
      this.#modem.dial(options, (error, answer) => {
        if (error === null || error === undefined) resolve(answer);
        else reject(error);
      });
    });
  }
}

function abortedError(what: string): EngineError {
  return new EngineError('aborted', `${what}: it was called off; nothing to do`);
}

function lateError(what: string, boundMs: number): EngineError {
  const why = `the Docker Engine did not answer within ${boundMs / 1000} s`;
  return new EngineError('unavailable', `${what}: ${why}; check that it is not overloaded`);
}
