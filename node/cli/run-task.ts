/**
 * A service of a Compose file, or an image, as a task of its own: a stack of one job that runs once.
 *
 * It is not its service. Nobody finds it by the name of the service, its ports are not published, and no
 * healthcheck or contract holds for it. What it works on is the service's: its networks, and its volumes,
 * on the host where they are.
 */
import { randomBytes } from 'node:crypto';
import { seconds } from '../../protocol/base/time.ts';
import type { ContainerSettings, Network } from '../../protocol/component/container.ts';
import type {
  ComponentSpec,
  Dependency,
  RestartPolicy,
  StackSpec,
} from '../../protocol/component/spec.ts';
import { staysBehind, type Volume } from '../../protocol/component/volume.ts';
import type { ClusterView, ComponentView, HostView } from '../../protocol/view/view.ts';
import { runLabel } from '../run/label.ts';
import { EXIT, Failure, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { servingSlots } from './verdict.ts';

/** The one component of the stack. */
export const TASK = 'run';
const NAME_CHARS_MAX = 63;

export type Wish = {
  /** In place of the service's own; empty: that. */
  readonly words: readonly string[];
  /** Laid over the service's. */
  readonly environment: ComponentSpec['environment'];
  /** How often it is tried again where it fails. */
  readonly retries: number;
  /** Begin although what the service depends on is not there. */
  readonly noDeps: boolean;
  /** It has a standard input. */
  readonly input: boolean;
};

export function imageTask(image: string, { words, environment, retries, input }: Wish): StackSpec {
  const task: ComponentSpec = {
    name: TASK,
    mode: 'replicated',
    replicas: 1,
    image,
    ...(words.length > 0 && { command: words }),
    environment: sorted(environment),
    ports: [],
    volumes: [],
    container: { labels: runLabel({ input }) },
    restart: restartOf(retries),
    job: {},
    dependsOn: [],
    stopGraceMs: seconds(10),
  };
  return { name: stackName(''), components: [task] };
}

/** Throws a `Failure` where there is no such service, or nothing that it depends on. */
export function serviceTask(
  stack: StackSpec,
  service: string,
  view: ClusterView,
  wish: Wish,
): StackSpec {
  const spec = stack.components.find(({ name }) => name === service);
  if (spec === undefined) throw noService(stack, service);
  if (!wish.noDeps) requireDependencies(stack.name, spec, view);
  const { words, environment } = wish;
  const { image, entrypoint, process, files, dataKey, stopGraceMs, placement } = spec;
  const { constraints = [], reserves, spread } = placement ?? {};
  const home = homeOf(`${stack.name}.${service}`, spec, view);
  const here = { kind: 'id', operator: '==', value: home?.id ?? '' } as const;
  const command = words.length > 0 ? words : spec.command;
  const task: ComponentSpec = {
    name: TASK,
    mode: 'replicated',
    replicas: 1,
    ...(image !== undefined && { image }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(command !== undefined && { command }),
    ...(process !== undefined && {
      process: words.length > 0 ? { ...process, command: words } : process,
    }),
    environment: sorted({ ...spec.environment, ...environment }),
    ports: [],
    volumes: spec.volumes.map((volume) => sharedVolume(volume, stack.name, home)),
    ...(files !== undefined && { files }),
    ...(dataKey !== undefined && { dataKey }),
    container: containerOf(spec.container ?? {}, stack.name, wish.input),
    restart: restartOf(wish.retries),
    job: { ...spec.job, seeks: { stack: stack.name, dependsOn: spec.dependsOn.map(unfollowed) } },
    dependsOn: [],
    stopGraceMs,
    placement: {
      constraints: home === undefined ? constraints : [...constraints, here],
      ...(reserves !== undefined && { reserves }),
      ...(spread !== undefined && { spread }),
    },
  };
  return { name: stackName(`${stack.name}-${service}-`), components: [task] };
}

/** It is told where that is, and is not begun anew when that has moved. */
const unfollowed = (dependency: Dependency): Dependency => ({ ...dependency, restart: false });

/** As stacks may be called. */
function stackName(before: string): string {
  const end = `run-${randomBytes(4).toString('hex')}`;
  const plain = before.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '');
  return plain.slice(0, NAME_CHARS_MAX - end.length) + end;
}

const sorted = (named: ComponentSpec['environment']): ComponentSpec['environment'] =>
  Object.fromEntries(Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const restartOf = (retries: number): RestartPolicy =>
  retries === 0 ? { kind: 'no' } : { kind: 'onFailure', retryMax: retries };

/** On the networks of the service, under none of its names and at none of its addresses. */
function containerOf(
  container: ContainerSettings,
  stack: string,
  input: boolean,
): ContainerSettings {
  const own: Network = {
    name: `${stack}_default`,
    external: false,
    internal: false,
    ipv6: false,
    subnets: [],
    aliases: [],
  };
  const { networks = [own], labels = {}, networkMode } = container;
  const joined = networks.map(({ name, external, internal, ipv6, subnets }): Network => ({
    name,
    external,
    internal,
    ipv6,
    subnets,
    aliases: [],
  }));
  return {
    ...container,
    labels: { ...labels, ...runLabel({ input }) },
    ...(networkMode === undefined && { networks: joined }),
  };
}

/** Where the data of its volumes is; undefined: it has none, or nothing of it runs. */
function homeOf(id: string, spec: ComponentSpec, view: ClusterView): HostView | undefined {
  if (!spec.volumes.some(staysBehind)) return undefined;
  const slots = componentIn(id, view)?.slots ?? [];
  const host = slots.find((slot) => slot.host !== undefined)?.host;
  return view.hosts.find((one) => one.id === host);
}

/** By the name that it has for the service: engines name it after the stack. */
function sharedVolume(volume: Volume, stack: string, home: HostView | undefined): Volume {
  if (volume.kind !== 'named' || volume.made?.name !== undefined) return volume;
  const between = home?.engine?.startsWith('process') === true ? '.' : '_';
  const name = `${stack}${between}${volume.source}`;
  return { ...volume, made: { ...volume.made, name } };
}

function requireDependencies(stack: string, { dependsOn }: ComponentSpec, view: ClusterView): void {
  for (const { on, required } of dependsOn) {
    if (!required) continue;
    const component = componentIn(`${stack}.${on}`, view);
    if (component !== undefined && servingSlots(view, component).length > 0) continue;
    throw new Failure({
      code: 'no-dependency',
      what: `what the task depends on is not there: ${stack}.${on}`,
      why: component === undefined ? 'it is not deployed' : 'no instance of it is well',
      next: `${typed('deploy')}      or begin without it: ${typed('run --no-deps')}`,
      exit: EXIT.refused,
    });
  }
}

const componentIn = (id: string, view: ClusterView): ComponentView | undefined =>
  view.stacks.flatMap(({ components }) => components).find((component) => component.id === id);

function noService({ name, components }: StackSpec, service: string): Failure {
  const known = components.map((component) => component.name).join(', ');
  const what = `there is no service ${service} in the stack ${name}`;
  return usageFailure(what, `it has ${known}`, 'one with a profile needs --profile NAME');
}
