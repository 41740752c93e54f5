/**
 * How a component wants its slots spread over the hosts (rule 5). Source: Docker Swarm: hosts of one
 * value are a group, those without the label one of their own; the first preference weighs most, and
 * each further one spreads within a group.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { showSubject, valueAt } from './constraint.ts';
import type { PlacementHost } from './fit.ts';

/** By preference, the host's group: it and the groups it is part of. */
type Groups = readonly string[];

export type Spread = {
  readonly groupsOf: (host: PlacementHost) => Groups;
  /** Slots in the group so far. */
  readonly countIn: (group: string) => number;
};

const NOWHERE: Spread = { groupsOf: () => [], countIn: () => 0 };

export function spreadOf(
  { placement }: Pick<ComponentSpec, 'placement'>,
  hosts: ReadonlyMap<HostId, PlacementHost>,
  own: ReadonlyMap<HostId, readonly number[]>,
): Spread {
  const over = placement?.spread ?? [];
  if (over.length === 0) return NOWHERE;
  const groupsOf = ({ facts, ...host }: PlacementHost): Groups => {
    const values = over.map((subject) => valueAt(subject, { ...host, facts: facts ?? {} }));
    return values.map((_, at) => JSON.stringify(values.slice(0, at + 1)));
  };
  const counts = new Map<string, number>();
  for (const [id, { length }] of own) {
    const host = hosts.get(id);
    for (const group of host === undefined ? [] : groupsOf(host))
      counts.set(group, (counts.get(group) ?? 0) + length);
  }
  return { groupsOf, countIn: (group) => counts.get(group) ?? 0 };
}

/** Negative: `a` is in the emptier group. */
export function compareGroups(
  { groupsOf, countIn }: Spread,
  a: PlacementHost,
  b: PlacementHost,
): number {
  const [ofA, ofB] = [groupsOf(a), groupsOf(b)];
  for (const [at, group] of ofA.entries()) {
    const order = countIn(group) - countIn(ofB[at] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** The first group by which they differ in number, in words. */
export function fullerGroup(
  { placement }: Pick<ComponentSpec, 'placement'>,
  { groupsOf, countIn }: Spread,
  host: PlacementHost,
  chosen: PlacementHost,
): string | undefined {
  const better = groupsOf(chosen);
  const at = groupsOf(host).findIndex((group, i) => countIn(group) !== countIn(better[i] ?? ''));
  const subject = placement?.spread?.[at];
  if (subject === undefined) return undefined;
  const { facts, ...rest } = host;
  const value = valueAt(subject, { ...rest, facts: facts ?? {} });
  const where =
    value === '' ? `${showSubject(subject)} is not set` : `${showSubject(subject)} is ${value}`;
  return `${countIn(groupsOf(host)[at] ?? '')} of its slots where ${where}`;
}
