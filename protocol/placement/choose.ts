/** Of the hosts that fit, which one a slot gets (rule 5), and why not another. */
import type { HostId } from '../base/ids.ts';
import { rendezvous } from '../base/order.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { ownOn, type Seating } from './draft.ts';
import { type PlacementHost, steadyOf, whyNotPlace } from './fit.ts';
import { type Rejection, slotsThere } from './reasons.ts';
import { compareGroups, fullerGroup, type Spread, spreadOf } from './spread.ts';

export type Sifted = {
  readonly fitting: readonly PlacementHost[];
  readonly rejected: readonly Rejection[];
};

export function sift(seating: Seating, spec: ComponentSpec): Sifted {
  const fitting: PlacementHost[] = [];
  const rejected: Rejection[] = [];
  for (const host of seating.hosts.values()) {
    const why = whyNotPlace(spec, host, ownOn(seating, host.id));
    if (why === undefined) fitting.push(host);
    else rejected.push({ host: host.id, why });
  }
  return { fitting, rejected };
}

export type Choice = {
  readonly chosen: PlacementHost;
  /** Each of the others that fit, and what spoke against it. */
  readonly others: readonly Rejection[];
};

export function choose(
  seating: Seating,
  slot: number,
  fitting: readonly PlacementHost[],
): Choice | undefined {
  const { request, hosts, own } = seating;
  const spread = spreadOf(seating.groups, own);
  let best: PlacementHost[] = [];
  for (const host of steadyOf(fitting)) {
    const first = best[0];
    const order = first === undefined ? -1 : compareHosts(seating, spread, host, first);
    if (order < 0) best = [host];
    else if (order === 0) best.push(host);
  }
  const [id] = rendezvous(
    `${request.component}/${slot}`,
    best.map((host) => host.id),
  );
  const chosen = id === undefined ? undefined : hosts.get(id);
  if (chosen === undefined) return undefined;
  const others = fitting
    .filter((host) => host.id !== chosen.id)
    .map((host) => ({ host: host.id, why: outscored(seating, spread, host, chosen) }));
  return { chosen, others };
}

/** Negative: `a` is preferred. */
export const compareHosts = (
  seating: Seating,
  spread: Spread,
  a: PlacementHost,
  b: PlacementHost,
): number => compareOwn(seating, spread, a, b) || a.slotCount - b.slotCount;

/** The same, whatever other components have there. */
export const compareOwn = (
  seating: Seating,
  spread: Spread,
  a: PlacementHost,
  b: PlacementHost,
): number => compareGroups(spread, a.id, b.id) || countOn(seating, a.id) - countOn(seating, b.id);

const countOn = (seating: Seating, id: HostId): number => ownOn(seating, id).length;

function outscored(
  seating: Seating,
  spread: Spread,
  host: PlacementHost,
  chosen: PlacementHost,
): string {
  if (host.restless !== undefined && chosen.restless === undefined) return host.restless;
  const group = fullerGroup(seating.request.spec, spread, host, chosen.id);
  if (group !== undefined) return group;
  if (compareHosts(seating, spread, host, chosen) === 0)
    return 'as good, later in the order of this slot';
  return slotsThere(countOn(seating, host.id), host.slotCount);
}
