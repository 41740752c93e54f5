/** Small clusters for the tests of placement. */
import { componentId, hostId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { HostFacts } from '../../../protocol/inventory/entry.ts';
import {
  place,
  type Placement,
  type PlacementHost,
  type PlaceRequest,
} from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { spec } from '../reconcile/stage.ts';

export const WEB = componentId('shop', 'web');

const facts = (runs: HostFacts['runs']): HostFacts => ({
  kind: 'host',
  name: 'host',
  agent: '1',
  engine: runs === 'images' ? 'docker 20' : 'process 1',
  runs,
  publishAddress: '0.0.0.0',
  cpuCount: 1,
  memoryBytes: 1,
});
export const DOCKER = facts('images');
export const PROCESS = facts('processes');
export const WITNESS = facts('nothing');

export const host = (id: string, changes: Partial<PlacementHost> = {}): PlacementHost => ({
  id: hostId(id),
  name: id,
  alive: true,
  facts: DOCKER,
  slotCount: 0,
  portsTaken: [],
  reserved: { milliCpus: 0, memoryBytes: 0 },
  neighbors: [],
  ...changes,
});
export const unknown = (id: string): PlacementHost => {
  const { facts: _, ...rest } = host(id);
  return rest;
};
export const silent = (id: string): PlacementHost =>
  host(id, { facts: { ...DOCKER, engineSilentAfterMs: millis(1000) } });
/** It reboots, and is to be back. */
export const rebooting = (id: string): PlacementHost => host(id, { alive: false, awaited: true });
export const dead = (id: string): PlacementHost => host(id, { alive: false });
/** `h1 h2 -`: slot 1 on h1, slot 2 on h2, no slot 3. */
export const slotsOf = (text: string): readonly Slot[] =>
  text
    .split(' ')
    .flatMap((id, i) => (id === '-' || id === '' ? [] : [{ slot: i + 1, host: hostId(id) }]));
export const show = (slots: readonly Slot[]): string =>
  Array.from(
    { length: Math.max(0, ...slots.map(({ slot }) => slot)) },
    (_, i) => slots.find(({ slot }) => slot === i + 1)?.host ?? '-',
  ).join(' ');

export const image = (replicas: number, changes: Partial<ComponentSpec> = {}): ComponentSpec =>
  spec({ image: 'web:1', replicas, ...changes });
export const FIXED = { ports: [{ target: 80, published: 8080, protocol: 'tcp' as const }] };
export const DATA = {
  volumes: [{ kind: 'named', source: 'data', target: '/data', readOnly: false }],
} as const;
export const takes = (by: string, protocol: 'tcp' | 'udp' = 'tcp'): Partial<PlacementHost> => ({
  portsTaken: [{ published: 8080, protocol, by }],
});
/** It was given to a slot, and gives way. */
export const chosenBy = (by: string): Partial<PlacementHost> => ({
  portsTaken: [{ published: 8080, protocol: 'tcp', by, givesWay: true }],
});
export const run = (
  wanted: ComponentSpec,
  current: string,
  hosts: readonly PlacementHost[],
): Placement => place({ ...request(wanted, hosts), current: slotsOf(current) });

/** Nobody but whom a slot is assigned to runs it. */
export const request = (wanted: ComponentSpec, hosts: readonly PlacementHost[]): PlaceRequest => ({
  component: WEB,
  spec: wanted,
  current: [],
  hosts,
  leader: hostId('h1'),
  runs: () => false,
  isStuck: () => false,
  progress: () => 'none',
  reported: () => undefined,
});
