/**
 * The specs users deploy. Whoever takes one from a user must decode it here first: what a leader
 * accepts and its voters refuse could never be committed.
 */
import type { Millis } from '../base/time.ts';
import { affinityFaults } from '../component/affinity.ts';
import { jsonBytes } from '../component/size.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { PROPAGATIONS } from '../component/volume.ts';
import {
  COMPONENTS_MAX,
  ISOLATION_MS_MAX,
  ISOLATION_MS_MIN,
  ITEMS_MAX,
  RESTART_DELAY_MS_MAX,
  SLOTS_MAX,
  STACK_CHARS_MAX,
  TEXT_MAX,
} from '../limits.ts';
import { containerSettings } from './container-schema.ts';
import { dataKey, files } from './file-schema.ts';
import {
  boolean,
  byKind,
  list,
  literal,
  object,
  optional,
  record,
  text,
  where,
  whole,
} from './schema.ts';
import {
  componentName,
  COUNTER_MAX,
  deployId,
  digest,
  duplicate,
  labelName,
  length,
  port,
  stackName,
} from './vocabulary.ts';

/** Ends up in a process or an engine, where a zero character would end it early. */
const specText = text(STACK_CHARS_MAX, /^[^\0]*$/);
const specTexts = list(specText, ITEMS_MAX);
const variableName = text(STACK_CHARS_MAX, /^[^=\0]+$/);

const portSpec = object({
  target: port,
  published: optional(port),
  protocol: literal('tcp', 'udp'),
  address: optional(specText),
});

const mount = { source: specText, target: specText, readOnly: boolean };
const making = object({
  name: optional(specText),
  external: optional(boolean),
  driver: optional(specText),
  options: optional(record(variableName, specText, ITEMS_MAX)),
});
const volume = byKind({
  named: object({
    kind: literal('named'),
    ...mount,
    made: optional(making),
    noCopy: optional(boolean),
    subpath: optional(specText),
  }),
  bind: object({
    kind: literal('bind'),
    ...mount,
    propagation: optional(literal(...PROPAGATIONS)),
    createsPath: optional(boolean),
  }),
});

const healthcheck = object({
  test: byKind({
    exec: object({ kind: literal('exec'), words: specTexts }),
    shell: object({ kind: literal('shell'), line: specText }),
  }),
  intervalMs: length,
  timeoutMs: length,
  retries: whole(0, Number.MAX_SAFE_INTEGER),
  startPeriodMs: length,
});

const path = text(TEXT_MAX, /^\/[\x21-\x7e]*$/);
const endpoint = { port, path };
/** Engines keep it beside the instance, and read it back from there. */
export const heartbeat = object({
  target: byKind({
    http: object({ kind: literal('http'), ...endpoint }),
    tcp: object({ kind: literal('tcp'), port }),
  }),
  intervalMs: length,
  timeoutMs: length,
  retries: whole(0, Number.MAX_SAFE_INTEGER),
  startPeriodMs: length,
});

const retries = {
  retryMax: optional(whole(0, Number.MAX_SAFE_INTEGER)),
  delayMs: optional(whole<Millis>(0, RESTART_DELAY_MS_MAX)),
  windowMs: optional(length),
};
const restart = byKind({
  no: object({ kind: literal('no') }),
  always: object({ kind: literal('always'), ...retries }),
  unlessStopped: object({ kind: literal('unlessStopped'), ...retries }),
  onFailure: object({ kind: literal('onFailure'), ...retries }),
});

const dependency = object({
  on: componentName,
  condition: literal('started', 'healthy', 'completed'),
  required: boolean,
  restart: boolean,
});

const sought = object({ stack: stackName, dependsOn: list(dependency, COMPONENTS_MAX) });
const job = object({
  timeoutMs: optional(whole<Millis>(1, COUNTER_MAX)),
  seeks: optional(sought),
});

const onIsolation = object({
  action: literal('stop', 'freeze'),
  afterMs: whole<Millis>(ISOLATION_MS_MIN, ISOLATION_MS_MAX),
});

const operation = { operator: literal('==', '!='), value: specText };
const constraint = byKind({
  id: object({ kind: literal('id'), ...operation }),
  hostname: object({ kind: literal('hostname'), ...operation }),
  os: object({ kind: literal('os'), ...operation }),
  arch: object({ kind: literal('arch'), ...operation }),
  label: object({ kind: literal('label'), label: labelName, ...operation }),
});
const subject = byKind({
  id: object({ kind: literal('id') }),
  hostname: object({ kind: literal('hostname') }),
  os: object({ kind: literal('os') }),
  arch: object({ kind: literal('arch') }),
  label: object({ kind: literal('label'), label: labelName }),
});

const reservation = object({
  milliCpus: optional(whole(1, Number.MAX_SAFE_INTEGER)),
  memoryBytes: optional(whole(1, Number.MAX_SAFE_INTEGER)),
});

const placement = object({
  constraints: list(constraint, ITEMS_MAX),
  perHostMax: optional(whole(1, SLOTS_MAX)),
  reserves: optional(reservation),
  fill: optional(boolean),
  spread: optional(list(subject, ITEMS_MAX)),
  affinity: optional(list(componentName, COMPONENTS_MAX)),
  antiAffinity: optional(list(componentName, COMPONENTS_MAX)),
  rebalance: optional(boolean),
});

const way = {
  parallelism: whole(0, SLOTS_MAX),
  delayMs: length,
  order: literal('stopFirst', 'startFirst'),
  monitorMs: length,
  failuresMaxPpm: whole(0, 1_000_000),
};
const update = object({ ...way, onFailure: literal('pause', 'continue', 'rollback') });
const rollback = object({ ...way, onFailure: literal('pause', 'continue') });

const steering = object({
  held: optional(boolean),
  resumed: optional(deployId),
  undoes: optional(digest),
});

const fields = object({
  name: componentName,
  mode: literal('replicated', 'global'),
  replicas: whole(0, SLOTS_MAX),
  image: optional(specText),
  entrypoint: optional(specTexts),
  command: optional(specTexts),
  process: optional(object({ command: specTexts, workingDir: optional(specText) })),
  environment: record(variableName, specText, ITEMS_MAX),
  ports: list(portSpec, ITEMS_MAX),
  volumes: list(volume, ITEMS_MAX),
  files: optional(files),
  dataKey: optional(dataKey),
  healthcheck: optional(healthcheck),
  heartbeat: optional(heartbeat),
  inspect: optional(object(endpoint)),
  container: optional(containerSettings),
  restart,
  job: optional(job),
  dependsOn: list(dependency, COMPONENTS_MAX),
  stopGraceMs: length,
  update: optional(update),
  rollback: optional(rollback),
  steering: optional(steering),
  singleton: optional(literal('strict')),
  onIsolation: optional(onIsolation),
  onHeal: optional(literal('keepOldest', 'keepLeader')),
  placement: optional(placement),
});
const component = where(fields, (spec) => endless(spec) ?? twiceChecked(spec));

/** A job that is started again after its success never ends. */
function endless(spec: Pick<ComponentSpec, 'job' | 'restart'>): string | undefined {
  const { kind } = spec.restart;
  const isEndless = kind === 'always' || kind === 'unlessStopped';
  return spec.job !== undefined && isEndless ? `a job that restarts ${kind}` : undefined;
}

/** Its health would be two things at once. */
function twiceChecked({ healthcheck: check, heartbeat: beat }: Checked): string | undefined {
  return check !== undefined && beat !== undefined ? 'a healthcheck and a heartbeat' : undefined;
}
type Checked = Pick<ComponentSpec, 'healthcheck' | 'heartbeat'>;

/** As part of an assignment; it came from a stack, so it is no larger than one. */
export const componentSpec = where(component, oversize);

export const stackSpec = where(
  object({ name: stackName, components: list(component, COMPONENTS_MAX) }),
  (stack) =>
    duplicate(stack.components.map(({ name }) => name)) ??
    ungrouped(stack.components) ??
    oversize(stack),
);

/** Some component could never be placed, or never come to rest. */
function ungrouped(components: readonly ComponentSpec[]): string | undefined {
  const [fault] = affinityFaults(components);
  return fault && `the ${fault.bond} of ${fault.component} to ${fault.on}: ${fault.kind}`;
}

/**
 * `STACK_CHARS_MAX` counted in bytes: in any script the spec then fits a frame, with its slots or its
 * deploy ids beside it.
 */
export function oversize(spec: object): string | undefined {
  const bytes = jsonBytes(spec);
  return bytes > STACK_CHARS_MAX ? `${bytes} bytes as JSON, at most ${STACK_CHARS_MAX}` : undefined;
}
