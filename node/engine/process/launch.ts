/**
 * From a request to what is run: words, folder, environment, volumes, healthcheck.
 *
 * This engine isolates nothing. It mounts nothing: a volume is a folder that the instance finds in
 * `MILLRACE_VOLUME_TARGET` (`/var/lib/data` → `MILLRACE_VOLUME_VAR_LIB_DATA`), and `readOnly` is left
 * to the instance's good will. A file is below the folder `MILLRACE_FILES`, at its target there, and
 * belongs to whom the agent runs as, as the instance itself does. It binds nothing: the instance itself listens, at
 * `MILLRACE_PUBLISH_ADDRESS`, where its port has a number on the host at that one: `MILLRACE_PORT_80`.
 */
import { isAbsolute, join } from 'node:path';
import type { ComponentSpec, Healthcheck } from '../../../protocol/component/spec.ts';
import { hasInput } from '../../run/label.ts';
import type { Volume } from '../../../protocol/component/volume.ts';
import {
  EngineError,
  type EngineInstance,
  type EngineScope,
  type InstanceLabels,
  type InstanceRequest,
} from '../engine.ts';
import type { InstanceFolders } from '../files.ts';
import { addressVariables, portVariables } from '../port-variables.ts';
import type { CheckPlan } from './check.ts';

/** Set on an instance and everything it starts; with the two others it says whose process it is. */
export const INSTANCE_VARIABLE = 'MILLRACE_INSTANCE';
export const CLUSTER_VARIABLE = 'MILLRACE_CLUSTER';
export const HOST_VARIABLE = 'MILLRACE_HOST';
/** Of a strict instance: the socket of the guard that may end it. */
export const GUARD_VARIABLE = 'MILLRACE_GUARD';
/** A strict instance stops itself before its first instruction, until its guard lets it go on. */
const GATE = ['/bin/sh', '-c', 'kill -STOP $$; exec "$@"', 'gate'] as const;
/** Set on a healthcheck in place of `INSTANCE_VARIABLE`, so that it is never taken for the instance. */
export const CHECK_VARIABLE = 'MILLRACE_CHECK';

const INHERITED = ['PATH', 'HOME', 'LANG'];
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Launch = {
  readonly words: readonly [string, ...string[]];
  readonly workingDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Folders of named volumes, to be made if they are missing. */
  readonly volumeFolders: readonly string[];
  readonly check?: CheckPlan;
  /** Its standard input is a pipe; else it is empty. */
  readonly hasInput: boolean;
  readonly ports: EngineInstance['ports'];
};

export type LaunchPlace = {
  readonly scope: EngineScope;
  readonly volumesDir: string;
  readonly folders: Pick<InstanceFolders, 'folderOf'>;
  /** The socket of this host's guard; undefined: what is strict cannot run here. */
  readonly guardSocket?: string | undefined;
  /** The agent's own environment. */
  readonly agent: Readonly<Record<string, string | undefined>>;
};

/** `STACK.COMPONENT.SLOT.ATTEMPT`: names the instance's folder, and no other instance on this host. */
export function tokenOf(labels: InstanceLabels): string {
  if (!/^[\w-]+\.[\w-]+$/.test(labels.component)) {
    throw badSpec(
      `"${labels.component}"`,
      'it is no name of the form STACK.COMPONENT',
      'rename it',
    );
  }
  return `${labels.component}.${labels.slot}.${labels.attempt}`;
}

/** Throws `bad-spec` where this engine can never run it. */
export function planLaunch({ labels, spec }: InstanceRequest, place: LaunchPlace): Launch {
  const isStrict = spec.singleton === 'strict';
  const own = wordsOf(spec, labels.component);
  const words = isStrict ? ([...GATE, ...own] as const) : own;
  const guarded = isStrict ? { [GUARD_VARIABLE]: guardOf(place, labels.component) } : {};
  const workingDir = spec.process?.workingDir ?? '/';
  if (!isAbsolute(workingDir)) {
    const why = `its working folder "${workingDir}" is not an absolute path`;
    throw badSpec(labels.component, why, 'give the whole path in x-millrace.process.working_dir');
  }
  const stack = labels.component.slice(0, labels.component.indexOf('.'));
  const volumes = spec.volumes.map((volume) => placeVolume(volume, stack, place.volumesDir));
  requireDistinct(volumes, labels.component);
  const environment = environmentOf(labels, spec, place, volumes);
  const ownToken = { [INSTANCE_VARIABLE]: tokenOf(labels) };
  const checkToken = { [CHECK_VARIABLE]: tokenOf(labels) };
  return {
    words,
    workingDir,
    environment: { ...environment, ...ownToken, ...guarded },
    volumeFolders: volumes.filter(({ named }) => named).map(({ folder }) => folder),
    hasInput: hasInput(spec),
    ports: spec.ports.map(({ target, published, address, protocol }) => ({
      target,
      address: address ?? place.scope.publishAddress,
      published: published ?? target,
      ...(protocol === 'udp' && { protocol }),
    })),
    ...(spec.healthcheck === undefined
      ? {}
      : { check: planCheck(spec.healthcheck, { ...environment, ...checkToken }, workingDir) }),
  };
}

function guardOf({ guardSocket }: LaunchPlace, component: string): string {
  if (guardSocket !== undefined) return guardSocket;
  const why = 'it is a strict singleton and this agent was told of no guard';
  throw badSpec(component, why, 'start agentd guard and name its socket to agentd with --guard');
}

function wordsOf(spec: ComponentSpec, component: string): readonly [string, ...string[]] {
  const own = [...(spec.entrypoint ?? []), ...(spec.command ?? [])];
  const [command, ...args] = spec.process?.command ?? own;
  if (command === undefined || command === '') {
    const why = 'this host runs processes and the component names no command';
    throw badSpec(component, why, 'add x-millrace.process.command, or run it where Docker is');
  }
  return [command, ...args];
}

type PlacedVolume = { readonly variable: string; readonly folder: string; readonly named: boolean };

function placeVolume(volume: Volume, stack: string, volumesDir: string): PlacedVolume {
  const letters = volume.target.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  const variable = `MILLRACE_VOLUME_${letters.replace(/^_|_$/g, '')}`;
  if (volume.kind === 'bind') return { variable, folder: volume.source, named: false };
  const { name } = volume.made ?? {};
  if (!/^[\w-][\w.-]*$/.test(name ?? volume.source)) {
    const why = `"${name ?? volume.source}" cannot be the name of a volume`;
    throw badSpec(stack, why, 'use letters, digits, "_", "-" and "."');
  }
  const folder = join(volumesDir, name ?? `${stack}.${volume.source}`);
  return { variable, folder, named: true };
}

/** Two targets may differ in nothing but punctuation. */
function requireDistinct(volumes: readonly PlacedVolume[], component: string): void {
  const names = volumes.map(({ variable }) => variable);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw badSpec(component, `two of its volumes are both ${twice}`, 'rename one of the targets');
}

/** Ours comes last: what a component believes of itself is never what its spec claims. */
function environmentOf(
  labels: InstanceLabels,
  spec: ComponentSpec,
  { scope, agent, folders }: LaunchPlace,
  volumes: readonly PlacedVolume[],
): Readonly<Record<string, string>> {
  const inherited: Record<string, string> = { PATH: PATH_DEFAULT };
  for (const name of INHERITED) {
    const value = agent[name];
    if (value !== undefined) inherited[name] = value;
  }
  return {
    ...inherited,
    ...spec.environment,
    ...Object.fromEntries(volumes.map(({ variable, folder }) => [variable, folder])),
    [CLUSTER_VARIABLE]: scope.cluster,
    [HOST_VARIABLE]: scope.host,
    MILLRACE_COMPONENT: labels.component,
    MILLRACE_SLOT: String(labels.slot),
    MILLRACE_ATTEMPT: String(labels.attempt),
    MILLRACE_REVISION: labels.revision,
    MILLRACE_TERM: String(labels.term),
    MILLRACE_PUBLISH_ADDRESS: scope.publishAddress,
    ...portVariables(spec),
    ...addressVariables(labels.addresses),
    ...(spec.files !== undefined && { MILLRACE_FILES: folders.folderOf(tokenOf(labels)) }),
  };
}

function planCheck(
  check: Healthcheck,
  environment: CheckPlan['environment'],
  workingDir: string,
): CheckPlan {
  const { test, intervalMs, timeoutMs, retries, startPeriodMs } = check;
  const words = test.kind === 'exec' ? [...test.words] : ['/bin/sh', '-c', test.line];
  return { words, intervalMs, timeoutMs, retries, startPeriodMs, environment, workingDir };
}

/** What happened, why, and what to do next, as a permanent refusal. */
export function badSpec(component: string, why: string, next: string): EngineError {
  const message = `${component} cannot start here: ${why}; ${next}`;
  return new EngineError('bad-spec', message, { permanent: true });
}
