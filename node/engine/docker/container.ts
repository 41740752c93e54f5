/**
 * A component's spec as the body of `POST /containers/create`. Everything is in this one call, also
 * the named volumes: the engine makes those that are missing, so that a start costs no extra round
 * trip.
 */
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { Healthcheck } from '../../../protocol/component/spec.ts';
import type { Volume } from '../../../protocol/component/volume.ts';
import { hasInput } from '../../run/label.ts';
import { unreachable } from '../../../protocol/base/assert.ts';
import { EngineError, type EngineScope, type InstanceRequest } from '../engine.ts';
import { addressVariables, portVariables } from '../port-variables.ts';
import { fileMounts } from './files.ts';
import { INPUT_SETTINGS } from './input.ts';
import { heartbeatLabels, scopeLabels, volumeName, writeLabels } from './labels.ts';
import { hostSettings, topSettings } from './settings.ts';

const NANOS_PER_MS = 1_000_000;

type Mounts = NonNullable<HostConfig['Mounts']>;

/**
 * Throws a permanent `bad-spec` if the component has no image. `cgroupParent`: default the engine's.
 * `filesFolder`: where its files are.
 */
export function containerBody(
  scope: EngineScope,
  request: InstanceRequest,
  { cgroupParent, filesFolder = '' }: { cgroupParent?: string; filesFolder?: string } = {},
): ContainerCreateOptions {
  const { labels, spec, files = [] } = request;
  const settings = spec.container ?? {};
  if (spec.image === undefined) {
    throw new EngineError(
      'bad-spec',
      `cannot start ${labels.component} on Docker: it names no image; add image: to the component ` +
        'or let it run on a host whose engine is process',
      { permanent: true },
    );
  }
  return {
    Image: spec.image,
    ...topSettings(settings),
    ...(hasInput(spec) && INPUT_SETTINGS),
    Labels: {
      ...settings.labels,
      ...writeLabels(scope, labels),
      ...heartbeatLabels(spec.heartbeat),
    },
    Env: environment(scope, request),
    // An absent key keeps what the image says, as Compose does.
    ...(spec.entrypoint !== undefined && { Entrypoint: [...spec.entrypoint] }),
    ...(spec.command !== undefined && { Cmd: [...spec.command] }),
    ...(spec.healthcheck !== undefined && { Healthcheck: healthcheck(spec.healthcheck) }),
    // One that the image brings along would contradict it.
    ...(spec.heartbeat !== undefined && { Healthcheck: { Test: ['NONE'] } }),
    ExposedPorts: Object.fromEntries(spec.ports.map((port) => [portKey(port), {}])),
    // For `docker stop` by hand; our own stop names its grace.
    StopTimeout: Math.ceil(spec.stopGraceMs / 1000),
    HostConfig: {
      ...hostSettings(settings),
      // We restart; two supervisors would fight.
      RestartPolicy: { Name: 'no' },
      PortBindings: portBindings(scope, request),
      ...(cgroupParent !== undefined && { CgroupParent: cgroupParent }),
      Mounts: [
        ...spec.volumes.map((volume) => mount(scope, request, volume)),
        ...fileMounts(filesFolder, files),
      ],
    },
  };
}

function environment(scope: EngineScope, { labels, spec }: InstanceRequest): string[] {
  const all = {
    ...spec.environment,
    MILLRACE_COMPONENT: labels.component,
    MILLRACE_SLOT: String(labels.slot),
    MILLRACE_ATTEMPT: String(labels.attempt),
    MILLRACE_TERM: String(labels.term),
    MILLRACE_PUBLISH_ADDRESS: scope.publishAddress,
    ...portVariables(spec),
    ...addressVariables(labels.addresses),
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

function portKey(port: { readonly target: number; readonly protocol: string }): string {
  return `${port.target}/${port.protocol}`;
}

/** One target may be published on several ports. */
function portBindings(scope: EngineScope, { spec }: InstanceRequest): HostConfig['PortBindings'] {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of spec.ports) {
    (bindings[portKey(port)] ??= []).push({
      HostIp: port.address ?? scope.publishAddress,
      HostPort: port.published === undefined ? '' : String(port.published),
    });
  }
  return bindings;
}

function mount(scope: EngineScope, request: InstanceRequest, volume: Volume): Mounts[number] {
  const where = { Target: volume.target, ReadOnly: volume.readOnly };
  switch (volume.kind) {
    case 'bind':
      return { ...where, Type: 'bind', Source: volume.source, ...bindOptions(volume) };
    case 'named': {
      const { name, driver = 'local', options = {} } = volume.made ?? {};
      return {
        ...where,
        Type: 'volume',
        Source: name ?? volumeName(request.labels, volume.source),
        VolumeOptions: {
          NoCopy: volume.noCopy === true,
          Labels: scopeLabels(scope),
          DriverConfig: { Name: driver, Options: { ...options } },
          ...(volume.subpath !== undefined && { Subpath: volume.subpath }),
        },
      };
    }
    default:
      return unreachable(volume);
  }
}

function bindOptions({ propagation, createsPath }: Extract<Volume, { kind: 'bind' }>) {
  if (propagation === undefined && createsPath !== true) return {};
  // What the engine does anyway.
  const options = { Propagation: propagation ?? 'rprivate' } as const;
  return { BindOptions: createsPath === true ? { ...options, CreateMountpoint: true } : options };
}

function healthcheck(check: Healthcheck): ContainerCreateOptions['Healthcheck'] {
  const { test } = check;
  return {
    Test: test.kind === 'exec' ? ['CMD', ...test.words] : ['CMD-SHELL', test.line],
    Interval: check.intervalMs * NANOS_PER_MS,
    Timeout: check.timeoutMs * NANOS_PER_MS,
    StartPeriod: check.startPeriodMs * NANOS_PER_MS,
    Retries: check.retries,
  };
}
