/**
 * How a strict singleton begins on Docker: its container is made below a cgroup that its guard makes,
 * closes, opens and empties (`guard/gates.ts`), and is started once the guard has opened it. What the
 * engine starts later than it was asked begins behind a gate that is closed by then.
 */
import { z } from 'zod';
import { type ComponentId, slotKey } from '../../../protocol/base/ids.ts';
import { cgroupParent, gateName, type GateName } from '../../guard/gates.ts';
import type { GuardLink } from '../../guard/link.ts';
import {
  EngineError,
  type EngineInstance,
  type EngineScope,
  type GuardReach,
  type InstanceLabels,
  type InstanceRequest,
} from '../engine.ts';
import type { Connection } from './connection.ts';
import { containerName } from './labels.ts';

const told = z.object({
  CgroupDriver: z.string(),
  /** Older engines know v1 alone, and say nothing. */
  CgroupVersion: z.string().default('1'),
  SecurityOptions: z.array(z.string()).nullish(),
});
/** It looks at every plugin of the engine first. */
const INFO_MS = 30_000;
const INFO_NEXT =
  'use a Docker Engine that runs as root with the cgroup driver systemd or cgroupfs';

export interface Gatekeeper {
  readonly reach: GuardReach;
  /** Undefined: it is not strict. Throws a permanent `bad-spec` where no guard can let it in. */
  parentOf(request: InstanceRequest): string | undefined;
  /** Waits until it may be started; rejects if it may not. Resolves for what is not strict. */
  admit(id: string, request: InstanceRequest): Promise<void>;
  /** It was started: what it is now. Rejects if it runs and the guard has no hand on it. */
  begun(request: InstanceRequest, inspect: () => Promise<EngineInstance>): Promise<EngineInstance>;
  /** The container is no more. */
  removed(labels: InstanceLabels): void;
  hasFrozen(id: string): boolean;
}

/** Only who has a guard asks where it would find the containers. */
export async function openGatekeeper(
  scope: EngineScope,
  connection: Connection,
  guard: GuardLink | undefined,
  signal: AbortSignal,
): Promise<Gatekeeper> {
  if (guard === undefined) return createGatekeeper(scope, undefined, undefined);
  const what = 'cannot ask the Docker Engine about its cgroups';
  const info = await connection.call({ what, boundMs: INFO_MS, signal }, (cut) =>
    // The types lack the options of this one call.
    (connection.docker.info as (o: object) => Promise<unknown>).call(connection.docker, {
      abortSignal: cut,
    }),
  );
  return createGatekeeper(scope, guard, info);
}

/** `info` is what the engine says of itself. */
export function createGatekeeper(
  scope: EngineScope,
  guard: GuardLink | undefined,
  info: unknown,
): Gatekeeper {
  const { reach, driver } = readInfo(info);
  const isStrict = ({ spec }: InstanceRequest): boolean => spec.singleton === 'strict';
  const gateOf = (labels: InstanceLabels, of: GateName['driver']): GateName =>
    gateName(of, `${scope.cluster} ${containerName(scope, labels)}`);
  return {
    reach,
    parentOf(request) {
      if (!isStrict(request)) return undefined;
      const { component } = request.labels;
      if (guard === undefined) {
        const next = 'start agentd guard and name its socket to agentd with --guard';
        throw refusal(component, 'this agent was told of no guard', next);
      }
      if (reach.kind === 'none' || driver === undefined)
        throw refusal(component, 'no guard has a hand on its containers', INFO_NEXT);
      return cgroupParent(guard.socket, gateOf(request.labels, driver));
    },
    async admit(id, request) {
      if (!isStrict(request) || driver === undefined) return;
      const { component, slot, term } = request.labels;
      const key = slotKey(component as ComponentId, slot);
      const body = { kind: 'container', gate: gateOf(request.labels, driver) } as const;
      const token = containerName(scope, request.labels);
      await guard?.admit({ id, token, key, term, body });
    },
    async begun(request, inspect) {
      const instance = await inspect();
      const { id, name, pid } = instance;
      if (!isStrict(request) || pid === undefined) return instance;
      try {
        await guard?.begun({ id, token: name }, pid);
        return instance;
      } catch (error) {
        // It may have come to its end meanwhile.
        const now = await inspect();
        if (now.pid !== undefined) throw error;
        return now;
      }
    },
    removed(labels) {
      // What is not strict had no gate, and then there is none to take away.
      if (driver !== undefined) guard?.removed(gateOf(labels, driver));
    },
    hasFrozen: (id) => guard?.hasFrozen(id) ?? false,
  };
}

function refusal(component: string, why: string, next: string): EngineError {
  const message = `cannot start ${component} on Docker: it is a strict singleton and ${why}; ${next}`;
  return new EngineError('bad-spec', message, { permanent: true });
}

/** How the engine makes cgroups, and whether a guard can have a hand on them. */
export function readInfo(info: unknown): { reach: GuardReach; driver?: GateName['driver'] } {
  const { data } = told.safeParse(info);
  const none = (why: string) => ({ reach: { kind: 'none', why: `${why}; ${INFO_NEXT}` } as const });
  if (data === undefined) return none('the Docker Engine does not say how it makes cgroups');
  const { CgroupDriver: driver, CgroupVersion: version, SecurityOptions: options } = data;
  if (options?.some((option) => option.includes('name=rootless')) === true)
    return none('the Docker Engine is rootless, and its cgroups are not where a guard looks');
  if (driver !== 'cgroupfs' && driver !== 'systemd')
    return none(`the Docker Engine makes no cgroups (its driver is ${driver})`);
  return { reach: { kind: 'cgroups', version: version === '2' ? 'v2' : 'v1' }, driver };
}
