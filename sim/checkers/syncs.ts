/**
 * S6 A new voter that calls itself synced has on disk whatever was committed before a change of roster
 *    began, and a floor not below any term that was led under by then (roster rule 4). Who votes no more
 *    has nothing left of what it had as a voter, in memory and on disk (rule 6).
 */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import { compareRevision, type Revision, showRevision } from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import { type Roster, votersOf } from '../../protocol/roster/roster.ts';
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

/** After a step. */
export function checkForgotten({ report }: SyncChecker, { id, agent }: Host): void {
  if (agent?.core.leases === undefined) return;
  const { council, registers, leases } = agent.core;
  const { epoch, voters, next } = council.roster;
  if (voters.includes(id) || next?.includes(id) === true) return;
  const what = `${id} does not vote under epoch ${epoch} and has`;
  if (registers.size > 0) report('S6', `${what} ${registers.size} records of a voter`);
  const { places, sessions } = leases.voter;
  const isLeft = places.size > 0 || Object.values(sessions).some((granted) => granted.size > 0);
  if (isLeft) report('S6', `${what} sessions or bindings of a voter`);
}

/** Its disk says that it votes no more: after a crash nothing must say that it can. */
function checkWiped({ report }: SyncChecker, { id, disk: { durable } }: Host): void {
  const kept = [...durable.keys()].filter((name) => name.startsWith('record/'));
  if (kept.length > 0) report('S6', `${id} votes no more, and its disk keeps ${kept.join(' ')}`);
  const numbers = durable.get('host') as { readonly synced: boolean } | undefined;
  if (numbers?.synced === true) report('S6', `${id} votes no more, and is synced by its disk`);
}

/** Writes have become durable. */
export function checkSyncs(
  checker: SyncChecker,
  records: RecordChecker,
  host: Host,
  writes: readonly DiskWrite[],
): void {
  for (const { name, value } of writes) {
    if (name === 'roster' && !votersOf(value as Roster).includes(host.id))
      checkWiped(checker, host);
    if (name !== 'host') continue;
    const { synced, ceiling } = value as { readonly synced: boolean; readonly ceiling: number };
    if (!synced) checker.synced.delete(host.id);
    if (!synced || checker.synced.has(host.id)) continue;
    checker.synced.add(host.id);
    const { epoch, next } = host.agent?.core.council.roster ?? { epoch: 0 };
    const standing = checker.standings.get(next === undefined ? epoch - 1 : epoch);
    if (standing !== undefined) checkSync(checker, host, standing, ceiling, records);
  }
}

function checkSync(
  { report }: SyncChecker,
  { id, disk }: Host,
  { commits, term }: Standing,
  ceiling: number,
  { committed }: RecordChecker,
): void {
  const what = `${id} calls itself synced`;
  if (ceiling < term) report('S6', `${what} with the ceiling ${ceiling}, led was term ${term}`);
  for (const [key, revision] of commits) {
    const register = disk.durable.get(`record/${key}`) as Register | undefined;
    const has = register?.revision;
    if (has !== undefined && compareRevision(has, revision) >= 0) continue;
    // Buried meanwhile, all forget it.
    if (committed.get(key)?.some((one) => compareRevision(one.revision, revision) >= 0) !== true)
      continue;
    const found = has === undefined ? 'nothing' : showRevision(has);
    report('S6', `${what} and has ${found} of ${key}, committed was ${showRevision(revision)}`);
  }
}
