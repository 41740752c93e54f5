/** The labels and the name by which a container is known to be ours, and whose it is. */
import type { Heartbeat } from '../../../protocol/component/spec.ts';
import { decode } from '../../../protocol/wire/schema.ts';
import { heartbeat as heartbeatSchema } from '../../../protocol/wire/spec-schema.ts';
import { readAddresses } from '../kept-addresses.ts';
import type { EngineScope, InstanceLabels } from '../engine.ts';

const CLUSTER = 'io.millrace.cluster';
const HOST = 'io.millrace.host';
const HOME = 'io.millrace.home';
const COMPONENT = 'io.millrace.component';
const SLOT = 'io.millrace.slot';
const ATTEMPT = 'io.millrace.attempt';
const REVISION = 'io.millrace.revision';
const TERM = 'io.millrace.term';
const ADDRESSES = 'io.millrace.addresses';
const HEARTBEAT = 'io.millrace.heartbeat';
const STACK = 'io.millrace.stack';
const HAND = 'io.millrace.hand';
const BUILT_BY = 'io.millrace.built-by';
/** What the container was made from (`drift.ts`). */
export const MADE = 'io.millrace.made';

export type Labels = Readonly<Record<string, string>>;

/** On everything we make, volumes too: `destroy` finds it by `used-by` when no agent is left. */
export function scopeLabels(scope: EngineScope): Record<string, string> {
  const { cluster, host, home } = scope;
  const labels = { 'used-by': 'millrace', [CLUSTER]: cluster, [HOST]: host };
  return home === undefined ? labels : { ...labels, [HOME]: home };
}

export function writeLabels(scope: EngineScope, labels: InstanceLabels): Record<string, string> {
  return {
    ...scopeLabels(scope),
    [COMPONENT]: labels.component,
    [SLOT]: String(labels.slot),
    [ATTEMPT]: String(labels.attempt),
    [REVISION]: labels.revision,
    [TERM]: String(labels.term),
    ...(labels.addresses !== undefined && { [ADDRESSES]: JSON.stringify(labels.addresses) }),
  };
}

/** `undefined`: not ours, another host's, or not readable, which is the same to us. */
export function readLabels(scope: EngineScope, written: Labels): InstanceLabels | undefined {
  if (written[CLUSTER] !== scope.cluster || written[HOST] !== scope.host) return undefined;
  const component = written[COMPONENT];
  const revision = written[REVISION];
  const slot = readCount(written[SLOT]);
  const attempt = readCount(written[ATTEMPT]);
  const term = readCount(written[TERM]);
  if (component === undefined || revision === undefined) return undefined;
  if (slot === undefined || attempt === undefined || term === undefined) return undefined;
  const addresses = readAddresses(written[ADDRESSES]);
  const told = addresses === undefined ? {} : { addresses };
  return { component, slot, attempt, revision, term, ...told };
}

/** For whichever agent finds the container: it does not know its spec. */
export const heartbeatLabels = (heartbeat: Heartbeat | undefined): Record<string, string> =>
  heartbeat === undefined ? {} : { [HEARTBEAT]: JSON.stringify(heartbeat) };

/** `undefined`: it has none, or none that can be read. */
export function readHeartbeat(written: Labels): Heartbeat | undefined {
  try {
    const read = decode(heartbeatSchema, JSON.parse(written[HEARTBEAT] ?? ''));
    return read.ok ? read.value : undefined;
  } catch {
    return undefined;
  }
}

/** The engine's own filter: a container needs every one of these. */
export function scopeFilter(scope: EngineScope): string[] {
  return [`${CLUSTER}=${scope.cluster}`, `${HOST}=${scope.host}`];
}

/** On what unpacks files for instances. It is none itself, and is never listed nor told as one. */
export const handLabels = (scope: EngineScope): Record<string, string> => ({
  'used-by': 'millrace',
  [HAND]: `${scope.cluster}-${scope.host}`,
});

export const handFilter = (scope: EngineScope): string[] => [
  `${HAND}=${scope.cluster}-${scope.host}`,
];

/** On images. Containers take over what is on their image: it must not be what marks those as ours. */
export const builtLabels = (scope: EngineScope): Record<string, string> => ({
  [BUILT_BY]: `${scope.cluster}-${scope.host}`,
});

export const builtFilter = (scope: EngineScope): string[] => [
  `${BUILT_BY}=${scope.cluster}-${scope.host}`,
];

/** Of what every host of this cluster with this very home has made; undefined where there is no home. */
export function homeFilter({ cluster, home }: EngineScope): string[] | undefined {
  return home === undefined ? undefined : [`${CLUSTER}=${cluster}`, `${HOME}=${home}`];
}

export const isOfHost = ({ host }: EngineScope, written: Labels): boolean => written[HOST] === host;

/** Ends in the host, so that several agents can share one engine. */
export function containerName(scope: EngineScope, labels: InstanceLabels): string {
  const component = labels.component.replace('.', '-');
  return `${component}-${labels.slot}-${labels.attempt}-${scope.host}`;
}

/** Of no host and no cluster: whoever has the stack on this engine shares them, as it shares volumes. */
export const networkLabels = (stack: string): Record<string, string> => ({
  'used-by': 'millrace',
  [STACK]: stack,
});

export const NETWORK_FILTER: readonly string[] = ['used-by=millrace', STACK];

export const isOurNetwork = (written: Labels): boolean => written[STACK] !== undefined;

/** A named volume belongs to its stack and outlives every instance. */
export function volumeName(labels: InstanceLabels, source: string): string {
  return `${stackOf(labels)}_${source}`;
}

/** As Compose calls them. */
export const networkName = (labels: InstanceLabels, called: string): string =>
  `${stackOf(labels)}_${called}`;

export const stackOf = ({ component }: InstanceLabels): string => component.split('.', 1)[0] ?? '';

function readCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
