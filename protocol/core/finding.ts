/** Where what runs here finds what it depends on, by what this host knows of all. */
import { type ComponentId, componentId, type HostId } from '../base/ids.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import { type PortReach, reachOf, type Sight, soughtBy } from '../component/addresses.ts';
import type { ComponentSpec, Dependency, Sought } from '../component/spec.ts';
import { HOST_ENTRY, type HostFacts, instancesOf } from '../inventory/entry.ts';
import { entriesOf, hasChanged } from '../inventory/inventories.ts';
import { healthOf } from '../membership/membership.ts';
import type { Wait } from '../reconcile/slots.ts';
import type { Turn } from '../turn.ts';
import { know } from './know.ts';
import type { Versions } from './knowledge.ts';
import type { Core } from './state.ts';

/** Of components that run here and depend on others: what was found, and by what was known then. */
export type Finds = ReadonlyMap<ComponentId, Found>;
type Found = {
  readonly versions: Versions;
  readonly sought: Sought;
  /** Undefined: it depends on nothing that could be told of. */
  readonly reach: readonly PortReach[] | undefined;
  /** Since when something that it follows is nowhere, as this agent has seen it. */
  readonly awaySince: Instant | undefined;
};

/**
 * So long a start waits for what it follows, once that is nowhere (N5). A deploy that changes both replaces
 * both at the same moment.
 */
const AWAITED_MS = seconds(10);

type Finder = {
  /** `wait`: for what it follows; undefined: for nothing. */
  readonly find: (
    component: ComponentId,
    spec: ComponentSpec,
  ) => Pick<Found, 'reach'> & { readonly wait: Wait | undefined };
  /** Those that were asked for. */
  readonly asked: Finds;
};

/** For one look at what runs here. */
export function createFinder(core: Core, { now }: Turn): Finder {
  const asked = new Map<ComponentId, Found>();
  return {
    asked,
    find(component, spec) {
      const sought = soughtBy(component, spec);
      if (sought.dependsOn.length === 0) return { reach: undefined, wait: undefined };
      const known = asked.get(component) ?? core.finds.get(component);
      const { reach, versions } =
        known !== undefined && isCurrent(core, known) ? known : findAnew(core, sought);
      const away = reach && awayOf(core, sought, reach);
      const awaySince = away === undefined ? undefined : (known?.awaySince ?? now);
      asked.set(component, { versions, sought, reach, awaySince });
      if (awaySince === undefined) return { reach, wait: undefined };
      const until = after(awaySince, AWAITED_MS);
      return {
        reach,
        wait: now < until ? { why: `waits until ${away} is found`, until } : undefined,
      };
    },
  };
}

const findAnew = (core: Core, sought: Sought) => ({
  versions: know(core).versions,
  reach: reachOf(sought, sightOf(core)),
});

/** What it follows, of which ports are to be published and none is found. */
function awayOf(
  core: Core,
  { stack, dependsOn }: Sought,
  reach: readonly PortReach[],
): ComponentId | undefined {
  const components = know(core).stacks.get(stack)?.stack.spec?.components ?? [];
  const away = dependsOn.find(
    ({ on, restart, condition }) =>
      restart &&
      condition !== 'completed' &&
      components.some(({ name, ports }) => name === on && ports.length > 0) &&
      !reach.some((port) => port.on === on && port.at.length > 0),
  );
  return away && componentId(stack, away.on);
}

/** It is asked for in every step, and follows from what few of the others say. */
function isCurrent(core: Core, { versions, sought }: Found): boolean {
  const now = know(core).versions;
  const hasMoved = ({ on }: Dependency): boolean => {
    const other = componentId(sought.stack, on);
    return hasChanged(core.inventories, instancesOf(other), versions.facts);
  };
  return (
    versions.membership === now.membership &&
    versions.committed === now.committed &&
    !hasChanged(core.inventories, 'host', versions.facts) &&
    !sought.dependsOn.some(hasMoved)
  );
}

function sightOf(core: Core): Sight {
  const { identity, membership } = core;
  return {
    self: identity.host,
    reportsOf: (component) =>
      know(core).reports.filter(({ report }) => report.component === component),
    factsOf: (host) => (host === identity.host ? identity.facts : factsIn(core, host)),
    healthOf(host) {
      if (host === identity.host) return 'alive';
      const health = healthOf(membership, host);
      return health === 'alive' || health === 'suspect' ? health : 'gone';
    },
  };
}

function factsIn({ inventories }: Core, host: HostId): HostFacts | undefined {
  const entry = entriesOf(inventories, host).get(HOST_ENTRY);
  return entry?.kind === 'host' ? entry : undefined;
}
