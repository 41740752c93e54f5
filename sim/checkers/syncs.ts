/**
 * S6 A new voter that calls itself synced has on disk whatever was committed before a change of roster
 *    began, and a floor not below any term that was led under by then (roster rule 4).
 */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import { compareRevision, type Revision, showRevision } from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import type { Host } from '../host.ts';
import type { LeaseChecker } from './leases.ts';
import type { RecordChecker } from './records.ts';
import type { Report } from './report.ts';

/** What stood when the first host followed a joint roster. */
type Standing = { readonly commits: ReadonlyMap<Key, Revision>; readonly term: number };

export type SyncChecker = {
  readonly report: Report;
  /** By epoch of the joint roster. */
  readonly standings: Map<number, Standing>;
  /** As their disks say. */
  readonly synced: Set<HostId>;
};

export const createSyncChecker = (report: Report): SyncChecker => ({
  report,
  standings: new Map(),
  synced: new Set(),
});

/** After a step. */
export function noteJoint(
  { standings }: SyncChecker,
  host: Host,
  { committed }: RecordChecker,
  { reigns }: LeaseChecker,
): void {
  const roster = host.agent?.core.council.roster;
  if (roster?.next === undefined || standings.has(roster.epoch)) return;
  const commits = new Map<Key, Revision>();
  for (const [key, each] of committed)
    for (const { revision } of each) {
      const known = commits.get(key);
      if (known === undefined || compareRevision(revision, known) > 0) commits.set(key, revision);
    }
  const term = Math.max(0, ...[...reigns.values()].map((reign) => reign.term));
  standings.set(roster.epoch, { commits, term });
}

/** Writes have become durable. */
export function checkSyncs(checker: SyncChecker, host: Host, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    if (name !== 'host') continue;
    const { synced, ceiling } = value as { readonly synced: boolean; readonly ceiling: number };
    if (!synced) checker.synced.delete(host.id);
    if (!synced || checker.synced.has(host.id)) continue;
    checker.synced.add(host.id);
    const { epoch, next } = host.agent?.core.council.roster ?? { epoch: 0 };
    const standing = checker.standings.get(next === undefined ? epoch - 1 : epoch);
    if (standing !== undefined) checkSync(checker, host, standing, ceiling);
  }
}

function checkSync(
  { report }: SyncChecker,
  { id, disk }: Host,
  { commits, term }: Standing,
  ceiling: number,
): void {
  const what = `${id} calls itself synced`;
  if (ceiling < term) report('S6', `${what} with the ceiling ${ceiling}, led was term ${term}`);
  for (const [key, revision] of commits) {
    const register = disk.durable.get(`record/${key}`) as Register | undefined;
    const has = register?.revision;
    if (has !== undefined && compareRevision(has, revision) >= 0) continue;
    const found = has === undefined ? 'nothing' : showRevision(has);
    report('S6', `${what} and has ${found} of ${key}, committed was ${showRevision(revision)}`);
  }
}
