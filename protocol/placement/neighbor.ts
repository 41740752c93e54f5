/**
 * Where the components are that a component wants to have on its hosts, or not to have there. The leader
 * goes by the committed assignments it knows, which other leaders may be changing: what follows another
 * one comes after it. As nothing follows in a circle (`component/affinity.ts`), whatever follows nobody
 * comes to rest first, then what follows that, and so on: no two chase each other.
 */
import { type ComponentId, componentId, type HostId } from '../base/ids.ts';
import { type Bond, followedBy } from '../component/affinity.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { Slot } from '../record/record.ts';

/** A component that another one follows, as it is on one host. */
export type Neighbor = {
  readonly component: ComponentId;
  readonly bond: Bond;
  /** `ended`: all that it has there are slots of a job that are over. Absent: it is not known where it is. */
  readonly has?: 'slots' | 'ended' | 'none';
};

/** A component's mode and number of slots, and its slots as they are assigned. */
export type Seated = {
  readonly spec: Pick<ComponentSpec, 'mode' | 'replicas'>;
  readonly slots: readonly Slot[];
};

/** `seatedOf`: undefined if nothing is known of it yet. */
export function neighborsBy(
  spec: Pick<ComponentSpec, 'placement'>,
  stack: string,
  seatedOf: (component: ComponentId) => Seated | undefined,
): (host: HostId) => readonly Neighbor[] {
  const all = followedBy(spec).map(({ on, bond }) => {
    const component = componentId(stack, on);
    const seated = seatedOf(component);
    return { component, bond, seats: seated && seatsFor(bond, seated) };
  });
  if (all.length === 0) return () => NONE;
  return (host) =>
    all.map(({ component, bond, seats }) =>
      seats === undefined
        ? { component, bond }
        : { component, bond, has: seats.get(host) ?? 'none' },
    );
}
const NONE: readonly Neighbor[] = [];

/** What stands in for others during a rollout is soon gone: nobody goes where that is. */
function seatsFor(
  bond: Bond,
  { spec: { mode, replicas }, slots }: Seated,
): ReadonlyMap<HostId, 'slots' | 'ended'> {
  const seats = new Map<HostId, 'slots' | 'ended'>();
  for (const { slot, host, from, ended } of slots) {
    if (bond === 'affinity' && mode !== 'global' && slot > replicas) continue;
    if (ended === undefined) seats.set(host, 'slots');
    else if (!seats.has(host)) seats.set(host, 'ended');
    if (from !== undefined) seats.set(from, 'slots');
  }
  return seats;
}

/** Where those are that follow a component, so that what it does there would move them (A2). */
export type Followers = {
  /** They need it there. */
  readonly near: ReadonlySet<HostId>;
  /** They keep away from it. */
  readonly apart: ReadonlySet<HostId>;
};

/** `seatedOf`: undefined if nothing is known of it yet. */
export function followersOf(
  name: string,
  components: readonly Pick<ComponentSpec, 'name' | 'placement'>[],
  seatedOf: (name: string) => Pick<Seated, 'slots'> | undefined,
): Followers {
  const near = new Set<HostId>();
  const apart = new Set<HostId>();
  for (const each of components)
    for (const { on, bond } of followedBy(each)) {
      if (on !== name) continue;
      const hosts = bond === 'affinity' ? near : apart;
      for (const { host, from, ended } of seatedOf(each.name)?.slots ?? [])
        if (ended === undefined) for (const id of [host, from ?? host]) hosts.add(id);
    }
  return { near, apart };
}

/** Why a new slot cannot go there. Without knowing where the others are, none can go anywhere. */
export function whyNotBeside(neighbors: readonly Neighbor[]): string | undefined {
  const unknown = neighbors.find(({ has }) => has === undefined);
  return unknown === undefined ? whyNotStay(neighbors) : `${unknown.component} has no place yet`;
}

/** Why a slot that is there must leave: what is not known moves nothing. */
export function whyNotStay(neighbors: readonly Neighbor[]): string | undefined {
  const broken = neighbors.find(({ bond, has }) =>
    bond === 'affinity' ? has === 'none' : has === 'slots',
  );
  if (broken === undefined) return undefined;
  return `${broken.component} ${broken.bond === 'affinity' ? 'does not run' : 'runs'} there`;
}
