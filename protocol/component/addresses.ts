/**
 * Where a component finds what it depends on. Hosts share no network: what runs on another one is
 * reached at a number that it publishes there, and nobody but the agents knows which that is.
 *
 *     reports of all hosts ──reachOf──▶ where each port is found now ──toldOf──▶ what a start is told
 *     what an instance was told, and where it is found now ──lostPort──▶ replaced, if it asks for that
 *
 * A job that is to have completed before is not told of: it has ended by then.
 */
import { type ComponentId, componentId, type HostId, stackOf } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import type { HostFacts, InstanceReport } from '../inventory/entry.ts';
import { ADDRESSES_MAX } from '../limits.ts';
import type { ComponentSpec, Port, Sought } from './spec.ts';

/** A port of a component that another one depends on, and where its instances are found. */
export type PortAddresses = {
  /** Its name, without the stack's. */
  readonly on: string;
  /** As it listens itself. */
  readonly target: number;
  readonly protocol: Port['protocol'];
  /** `10.0.0.7:5432`, an IPv6 address in brackets; the nearest first, `ADDRESSES_MAX` of them at most. */
  readonly at: readonly string[];
};

/** What one instance is told when it starts: each port once, and none of which nothing is known. */
export type Addresses = readonly PortAddresses[];

/** Where one port is found at this moment. */
export type PortReach = PortAddresses & {
  /** The dependency says `restart: true`. */
  readonly isFollowed: boolean;
  /** All that is true: wherever an instance runs, well or not, on whatever host that is not gone. */
  readonly all: ReadonlySet<string>;
};

/** What a host knows of the others. */
export type Sight = {
  readonly self: HostId;
  readonly reportsOf: (
    component: ComponentId,
  ) => readonly { readonly host: HostId; readonly report: InstanceReport }[];
  readonly factsOf: (host: HostId) => HostFacts | undefined;
  readonly healthOf: (host: HostId) => 'alive' | 'suspect' | 'gone';
};

/** What an instance is to find: what its component depends on, or of a one-off task its service. */
export const soughtBy = (
  component: ComponentId,
  { dependsOn, job }: Pick<ComponentSpec, 'dependsOn' | 'job'>,
): Sought => job?.seeks ?? { stack: stackOf(component), dependsOn };

/** Undefined: it depends on nothing that could be told of. */
export function reachOf(
  { stack, dependsOn }: Sought,
  sight: Sight,
): readonly PortReach[] | undefined {
  const told = dependsOn.filter(({ condition }) => condition !== 'completed');
  if (told.length === 0) return undefined;
  return told.flatMap(({ on, restart }) =>
    portsOf(placesOf(componentId(stack, on), sight)).map(({ target, protocol, places }) => ({
      on,
      target,
      protocol,
      at: addressesOf(places),
      isFollowed: restart,
      all: new Set(places.map(({ address }) => address)),
    })),
  );
}

export const toldOf = (reach: readonly PortReach[]): Addresses =>
  reach
    .filter(({ at }) => at.length > 0)
    .map(({ on, target, protocol, at }) => ({ on, target, protocol, at }));

/** The port to follow that is found elsewhere than what was told, of which nothing is true any more. */
export function lostPort(
  told: Addresses | undefined,
  reach: readonly PortReach[],
): PortReach | undefined {
  if (told === undefined) return undefined;
  return reach.find((port) => {
    const known = told.find((each) => isSamePort(each, port))?.at ?? [];
    return port.isFollowed && port.at.length > 0 && !known.some((address) => port.all.has(address));
  });
}

export const isSamePort = (a: PortAddresses, b: PortAddresses): boolean =>
  a.on === b.on && a.target === b.target && a.protocol === b.protocol;

/** One port of one instance, as others reach it. */
type Place = {
  readonly target: number;
  readonly protocol: Port['protocol'];
  readonly address: string;
  readonly slot: number;
  readonly isOwn: boolean;
  readonly isAlive: boolean;
  readonly isWell: boolean;
};

function placesOf(component: ComponentId, sight: Sight): readonly Place[] {
  return sight.reportsOf(component).flatMap(({ host, report }): readonly Place[] => {
    const health = sight.healthOf(host);
    if (report.state !== 'running' || health === 'gone') return [];
    const isOwn = host === sight.self;
    const isWell = report.health === 'healthy' || report.health === 'none';
    const same = { slot: report.slot, isOwn, isAlive: health === 'alive', isWell };
    return report.ports.flatMap((port): readonly Place[] => {
      const { target, protocol = 'tcp' } = port;
      const address = addressOf(port, sight.factsOf(host), isOwn);
      return address === undefined ? [] : [{ ...same, target, protocol, address }];
    });
  });
}

const EVERYWHERE: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);
const LOOPBACK = '127.0.0.1';
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/**
 * Undefined: there is no way to it, or none is known. A loopback address leads there only where a host
 * publishes on it altogether, as hosts on one machine do, or from a process beside it: a container has a
 * loopback of its own.
 */
function addressOf(
  { address, published }: InstanceReport['ports'][number],
  facts: HostFacts | undefined,
  isOwn: boolean,
): string | undefined {
  const isBeside = isOwn && facts?.runs === 'processes';
  const ofHost = facts?.address ?? (isBeside ? LOOPBACK : undefined);
  const at = EVERYWHERE.has(address) ? ofHost : address;
  if (at === undefined || published === 0) return undefined;
  if (isLoopback(at) && at !== facts?.publishAddress && !isBeside) return undefined;
  return at.includes(':') ? `[${at}]:${published}` : `${at}:${published}`;
}

type PortPlaces = Pick<Place, 'target' | 'protocol'> & { readonly places: readonly Place[] };

/** By number, TCP first. */
function portsOf(places: readonly Place[]): readonly PortPlaces[] {
  const byPort = Map.groupBy(places, ({ target, protocol }) => `${target}/${protocol}`);
  return [...byPort.values()]
    .flatMap((all): readonly PortPlaces[] =>
      all.slice(0, 1).map((one) => ({ ...one, places: all })),
    )
    .sort((a, b) => a.target - b.target || compareText(a.protocol, b.protocol));
}

/** Of those that are well, or else of all; each address once. */
function addressesOf(places: readonly Place[]): readonly string[] {
  const alive = places.filter(({ isAlive }) => isAlive);
  const well = alive.filter(({ isWell }) => isWell);
  const told = [...(well.length > 0 ? well : alive)].sort(byNearness);
  return [...new Set(told.map(({ address }) => address))].slice(0, ADDRESSES_MAX);
}

const byNearness = (a: Place, b: Place): number =>
  Number(b.isOwn) - Number(a.isOwn) || a.slot - b.slot || compareText(a.address, b.address);
