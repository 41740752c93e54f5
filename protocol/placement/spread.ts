/**
 * How a component wants its slots spread over the hosts (rule 5). Source: Docker Swarm: hosts of one
 * value are a group, those without the label one of their own; the first preference weighs most, and
 * each further one spreads within a group.
 */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec, Subject } from '../component/spec.ts';
import { showSubject, valueAt } from './constraint.ts';
import type { PlacementHost } from './fit.ts';

/** By preference, the host's group: it and the groups it is part of. */
export type Groups = ReadonlyMap<HostId, readonly string[]>;

export function groupsOf(
  { placement }: Pick<ComponentSpec, 'placement'>,
  hosts: Iterable<PlacementHost>,
): Groups {
  const over = placement?.spread ?? [];
  if (over.length === 0) return NO_GROUPS;
  return new Map(
    [...hosts].map((host) => {
      const values = over.map((subject) => valueOn(subject, host));
      return [host.id, values.map((_, at) => JSON.stringify(values.slice(0, at + 1)))];
    }),
  );
}
const NO_GROUPS: Groups = new Map();

const valueOn = (subject: Subject, { facts, ...host }: PlacementHost): string =>
  valueAt(subject, { ...host, facts: facts ?? {} });

export type Spread = { readonly groups: Groups; readonly countIn: (group: string) => number };

/** `own`: the slots so far, by host. */
export function spreadOf(groups: Groups, own: ReadonlyMap<HostId, readonly number[]>): Spread {
  const counts = new Map<string, number>();
  if (groups.size > 0)
    for (const [id, { length }] of own)
      for (const group of groups.get(id) ?? [])
        counts.set(group, (counts.get(group) ?? 0) + length);
  return { groups, countIn: (group) => counts.get(group) ?? 0 };
}

/** Negative: `a` is in the emptier group. */
export function compareGroups({ groups, countIn }: Spread, a: HostId, b: HostId): number {
  const [ofA = [], ofB = []] = [groups.get(a), groups.get(b)];
  for (const [at, group] of ofA.entries()) {
    const order = countIn(group) - countIn(ofB[at] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** The first group by which they differ in number, in words. */
export function fullerGroup(
  { placement }: Pick<ComponentSpec, 'placement'>,
  { groups, countIn }: Spread,
  host: PlacementHost,
  chosen: HostId,
): string | undefined {
  const [ofIt = [], better = []] = [groups.get(host.id), groups.get(chosen)];
  const at = ofIt.findIndex((group, i) => countIn(group) !== countIn(better[i] ?? ''));
  const subject = placement?.spread?.[at];
  if (subject === undefined) return undefined;
  const value = valueOn(subject, host);
  const where =
    value === '' ? `${showSubject(subject)} is not set` : `${showSubject(subject)} is ${value}`;
  return `${countIn(ofIt[at] ?? '')} of its slots where ${where}`;
}
