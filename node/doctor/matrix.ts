/** Who reaches whom, from the rows of those that told. */
import type { HostId } from '../../protocol/base/ids.ts';
import type { ClusterFacts, Outcome } from './facts.ts';

/** `self`: the same host. `unknown`: the host that would dial did not tell. */
export type Cell = Outcome | 'self' | 'unknown';

export type Pair = { readonly from: HostId; readonly to: HostId; readonly cell: Cell };

export type Matrix = {
  readonly hosts: ClusterFacts['hosts'];
  readonly cell: (from: HostId, to: HostId) => Cell;
  /** How the others reach this one. */
  readonly into: (to: HostId) => readonly Pair[];
  /** Everything but a host with itself, row by row. */
  readonly pairs: readonly Pair[];
};

/** Hosts that have left are in nobody's way. */
export function matrixOf({ hosts, rows }: ClusterFacts): Matrix {
  const outcomes = new Map<string, Outcome>();
  for (const row of rows)
    if (row.kind === 'told')
      for (const { host, outcome } of row.report.reach)
        outcomes.set(`${row.host} ${host}`, outcome);
  const there = hosts.filter(({ state }) => state !== 'left');
  const cell = (from: HostId, to: HostId): Cell =>
    from === to ? 'self' : (outcomes.get(`${from} ${to}`) ?? 'unknown');
  const row = (from: HostId): readonly Pair[] =>
    there.flatMap(({ id: to }) => (from === to ? [] : [{ from, to, cell: cell(from, to) }]));
  return {
    hosts: there,
    cell,
    into: (to) =>
      there.flatMap(({ id: from }) => (from === to ? [] : [{ from, to, cell: cell(from, to) }])),
    pairs: there.flatMap(({ id }) => row(id)),
  };
}
