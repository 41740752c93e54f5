/** Where what runs here finds what it depends on, by what this host knows of all. */
import { type ComponentId, componentId, type HostId, stackOf } from '../base/ids.ts';
import { type PortReach, reachOf, type Sight } from '../component/addresses.ts';
import type { ComponentSpec, Dependency } from '../component/spec.ts';
import { HOST_ENTRY, type HostFacts, instancesOf } from '../inventory/entry.ts';
import { entriesOf, hasChanged } from '../inventory/inventories.ts';
import { healthOf } from '../membership/membership.ts';
import { know } from './know.ts';
import type { Versions } from './knowledge.ts';
import type { Core } from './state.ts';

/** Of components that run here and depend on others: what was found, and by what was known then. */
export type Finds = ReadonlyMap<ComponentId, Found>;
type Found = {
  readonly versions: Versions;
  readonly dependsOn: readonly Dependency[];
  readonly reach: readonly PortReach[] | undefined;
};

type Finder = {
  /** Undefined: it depends on nothing that could be told of. */
  readonly reachOf: (
    component: ComponentId,
    spec: ComponentSpec,
  ) => readonly PortReach[] | undefined;
  /** Those that were asked for. */
  readonly asked: Finds;
};

/** For one look at what runs here. */
export function createFinder(core: Core): Finder {
  const asked = new Map<ComponentId, Found>();
  return {
    asked,
    reachOf(component, { dependsOn }) {
      if (dependsOn.length === 0) return undefined;
      const known = asked.get(component) ?? core.finds.get(component);
      const found =
        known !== undefined && isCurrent(core, component, known)
          ? known
          : find(core, component, dependsOn);
      asked.set(component, found);
      return found.reach;
    },
  };
}

const find = (core: Core, component: ComponentId, dependsOn: readonly Dependency[]): Found => ({
  versions: know(core).versions,
  dependsOn,
  reach: reachOf(component, dependsOn, sightOf(core)),
});

/** It is asked for in every step, and follows from what few of the others say. */
function isCurrent(core: Core, component: ComponentId, { versions, dependsOn }: Found): boolean {
  const now = know(core).versions;
  const hasMoved = ({ on }: Dependency): boolean => {
    const other = componentId(stackOf(component), on);
    return hasChanged(core.inventories, instancesOf(other), versions.facts);
  };
  return (
    versions.membership === now.membership &&
    versions.committed === now.committed &&
    !hasChanged(core.inventories, 'host', versions.facts) &&
    !dependsOn.some(hasMoved)
  );
}

function sightOf(core: Core): Sight {
  const { identity, membership } = core;
  return {
    self: identity.host,
    reportsOf: (component) =>
      know(core)
        .reports()
        .filter(({ report }) => report.component === component),
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
