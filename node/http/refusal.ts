/** An error of the local API: three parts, a stable code, the exit code of `agentctl`. */
import type { InstanceView } from '../../protocol/view/view.ts';
import { EngineError } from '../engine/engine.ts';
import { StartupError } from '../startup-error.ts';
import type { ErrorBody } from './api.ts';

type Parts = ErrorBody['error'];

export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  readonly parts: Parts;
  constructor(status: number, parts: Parts) {
    super(parts.what);
    this.status = status;
    this.parts = parts;
  }

  response(): Response {
    return Response.json({ error: this.parts } satisfies ErrorBody, { status: this.status });
  }

  static from(error: unknown): ApiRefusal {
    if (error instanceof ApiRefusal) return error;
    if (error instanceof StartupError) return fromStartup(error);
    if (error instanceof EngineError)
      return new ApiRefusal(502, {
        code: 'engine-failed',
        what: 'the engine of this host did not do it',
        why: error.message,
        next: 'agentctl doctor',
        exit: 1,
      });
    return new ApiRefusal(500, {
      code: 'bug',
      what: 'the agent could not answer',
      why: error instanceof Error ? error.message : String(error),
      next: 'look at the log of the agent: journalctl -u agentd',
      exit: 1,
    });
  }

  /** `former`: the one that has forgotten this host. */
  static noCluster(former: string | undefined): ApiRefusal {
    return new ApiRefusal(409, {
      code: 'no-cluster',
      what: `this host belongs to no cluster ${former === undefined ? 'yet' : 'any more'}`,
      why:
        former === undefined
          ? 'neither `cluster init` nor `cluster join` has been run here'
          : `it has left cluster ${former}, or was forgotten by it; what it ran there has been ended`,
      next: 'agentctl cluster init      or, with the token of a cluster: agentctl cluster join TOKEN',
      exit: 6,
    });
  }

  static noSuch(kind: string, id: string): ApiRefusal {
    return new ApiRefusal(404, {
      code: 'not-found',
      what: `there is no ${kind} ${id}`,
      why: 'this agent knows of none by that name',
      next: 'agentctl status',
      exit: 4,
    });
  }

  static noGuard(component: string): ApiRefusal {
    return new ApiRefusal(409, {
      code: 'no-guard',
      what: `${component} is a strict singleton, and no host can run one`,
      why: 'this agent knows of no host on which a guard answers',
      next: 'start agentd guard beside the agents and name its socket to them, or see in their logs why theirs is of no use: docs/install.md',
      exit: 6,
    });
  }

  static notRunning({ id, state, reason }: InstanceView): ApiRefusal {
    return new ApiRefusal(409, {
      code: 'not-running',
      what: `${id} does not run`,
      why: `it is ${state}${reason === undefined ? '' : ` (${reason})`}`,
      next: `agentctl restart ${id}      starts it at once; see: agentctl why ${id}`,
      exit: 4,
    });
  }

  static ended({ id, state }: InstanceView): ApiRefusal {
    return new ApiRefusal(409, {
      code: 'job-ended',
      what: `${id} is not started again`,
      why: `it is of a job, and ${state === 'complete' ? 'complete' : 'has failed for good'}`,
      next: 'deploy it with another spec, or destroy its stack and deploy it again',
      exit: 4,
    });
  }

  /** What a host was asked to do to an instance of its own, and could not. */
  static failedOn(host: string, error: unknown): ApiRefusal {
    return new ApiRefusal(502, {
      code: 'failed-there',
      what: `host ${host} could not do it`,
      why: error instanceof Error ? error.message : String(error),
      next: `agentctl host show ${host}`,
      exit: 1,
    });
  }

  static badRequest(why: string): ApiRefusal {
    return new ApiRefusal(400, {
      code: 'bad-request',
      what: 'the request cannot be understood',
      why,
      next: 'both have to be of one version: agentctl doctor',
      exit: 2,
    });
  }

  static tooLarge(bytesMax: number): ApiRefusal {
    return new ApiRefusal(413, {
      code: 'too-large',
      what: 'the request is too large',
      why: `at most ${bytesMax} bytes are read`,
      next: 'split the stack into several',
      exit: 2,
    });
  }

  static noSuchRoute(): ApiRefusal {
    return ApiRefusal.badRequest('there is no such call');
  }
}

const STATUS: Readonly<Record<string, readonly [number, number]>> = {
  'already-member': [409, 6],
  'still-leaving': [409, 6],
  'no-cluster-found': [504, 7],
  'bad-address': [400, 2],
};

function fromStartup({ parts }: StartupError): ApiRefusal {
  const [status, exit] = STATUS[parts.code] ?? [500, 1];
  return new ApiRefusal(status, { ...parts, exit });
}
