/** What `inspect` says of a container, as an `EngineInstance`. */
import { z } from 'zod';
import {
  EngineError,
  type EngineInstance,
  type EngineScope,
  type InstanceLabels,
} from '../engine.ts';
import { readDrift } from './drift.ts';
import { type Labels, networkName, readHeartbeat, readLabels } from './labels.ts';

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  State: z.object({
    Status: z.string(),
    Pid: z.number(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  HostConfig: z.object({ NetworkMode: z.string().nullish() }).nullish(),
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({ IPAddress: z.string().nullish(), GlobalIPv6Address: z.string().nullish() }),
      )
      .nullish(),
    Ports: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable(),
      )
      .nullish(),
  }),
});
type Inspected = z.infer<typeof inspected>;

/** `undefined`: the container is not ours. Throws where the engine's answer cannot be read. */
export function readInstance(scope: EngineScope, answer: unknown): EngineInstance | undefined {
  const parsed = inspected.safeParse(answer);
  if (!parsed.success) {
    throw new EngineError(
      'failed',
      `cannot read what the Docker Engine says of a container: ${z.prettifyError(parsed.error)}; ` +
        'use an engine with API 1.24 or later',
    );
  }
  const { Id, Name, Config, State } = parsed.data;
  const labels = readLabels(scope, Config.Labels ?? {});
  if (labels === undefined) return undefined;
  const state = readState(State.Status);
  const heartbeat = readHeartbeat(Config.Labels ?? {});
  const network = readNetwork(parsed.data, labels);
  const drift = state === 'running' || state === 'paused' ? readDrift(answer) : undefined;
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    labels,
    state,
    health: readHealth(State.Health?.Status) ?? 'none',
    ...(heartbeat !== undefined && { heartbeat }),
    ...(network !== undefined && { network }),
    ...(drift !== undefined && { drift }),
    ...(State.Pid > 0 && { pid: State.Pid }),
    // Year 1: it never started.
    ...(!State.StartedAt.startsWith('0001-') && { startedAt: State.StartedAt }),
    ...(state === 'exited' && { exitCode: State.ExitCode, oomKilled: State.OOMKilled }),
    ports: readPorts(parsed.data),
  };
}

/** The little that an event itself tells of a container which is gone before it can be inspected. */
export function instanceFromEvent(
  scope: EngineScope,
  id: string,
  attributes: Labels,
): EngineInstance | undefined {
  const labels = readLabels(scope, attributes);
  if (labels === undefined) return undefined;
  const heartbeat = readHeartbeat(attributes);
  return {
    id,
    ...(heartbeat !== undefined && { heartbeat }),
    name: attributes['name'] ?? id,
    labels,
    state: 'running',
    health: 'none',
    ports: [],
  };
}

/** What a list tells of a container that cannot be inspected. */
export function instanceFromList(
  scope: EngineScope,
  { Id, Names, Labels: told, State, Status }: ListedContainer,
): EngineInstance | undefined {
  const labels = readLabels(scope, told);
  if (labels === undefined) return undefined;
  const state = readState(State);
  const exitCode = /^Exited \((\d+)\)/.exec(Status)?.[1];
  return {
    id: Id,
    name: Names[0]?.replace(/^\//, '') ?? Id,
    labels,
    state,
    health: 'none',
    ...(state === 'exited' && { exitCode: Number(exitCode ?? -1) }),
    ports: [],
  };
}

export type ListedContainer = {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Labels;
  readonly State: string;
  /** For people, e.g. `Exited (137) 2 hours ago`. */
  readonly Status: string;
};

export function readHealth(
  status: string | undefined,
): 'starting' | 'healthy' | 'unhealthy' | undefined {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy'
    ? status
    : undefined;
}

function readState(status: string): EngineInstance['state'] {
  switch (status) {
    case 'created':
    case 'running':
    case 'paused':
      return status;
    case 'restarting': // somebody else gave it a restart policy: it has a process, or soon again
      return 'running';
    default: // exited, removing, dead
      return 'exited';
  }
}

/**
 * The bridges that are made for its stack lead to it from this host, so any of them will do; what others have
 * made may not, as a macvlan does not.
 */
function readNetwork(
  { HostConfig, NetworkSettings }: Inspected,
  labels: InstanceLabels,
): EngineInstance['network'] {
  if (HostConfig?.NetworkMode === 'host') return { kind: 'host' };
  const isOwn = (name: string): boolean => name.startsWith(networkName(labels, ''));
  const [address] = Object.entries(NetworkSettings.Networks ?? {})
    .toSorted(([a], [b]) => Number(isOwn(b)) - Number(isOwn(a)))
    .map(([, network]) => network)
    .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
    .filter((one) => typeof one === 'string' && one !== '');
  return typeof address === 'string' ? { kind: 'own', address } : undefined;
}

function readPorts({ NetworkSettings }: Inspected): EngineInstance['ports'] {
  return Object.entries(NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) =>
    (bindings ?? []).map((binding) => ({
      target: Number.parseInt(key, 10),
      address: binding.HostIp,
      published: Number(binding.HostPort),
      ...(key.endsWith('/udp') && { protocol: 'udp' as const }),
    })),
  );
}
