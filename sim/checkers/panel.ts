/** All checkers together: each is told what concerns it. */
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Observed } from '../../protocol/input.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Micros } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import {
  checkAssigned,
  checkStart,
  createInstanceChecker,
  type InstanceChecker,
} from './instances.ts';
import { checkLeases, createLeaseChecker, type LeaseChecker, noteReign } from './leases.ts';
import { checkDisk, checkPromise, createPromiseChecker, type PromiseChecker } from './promises.ts';
import { checkKept, checkWrite, createRecordChecker, type RecordChecker } from './records.ts';
import type { Report } from './report.ts';

export type Panel = {
  readonly leases: LeaseChecker;
  readonly records: RecordChecker;
  readonly promises: PromiseChecker;
  readonly instances: InstanceChecker;
  /** Under which rosters each host may have counted what becomes durable now. */
  readonly rosters: Map<Host, readonly Roster[]>;
};

export const createPanel = (report: Report): Panel => ({
  leases: createLeaseChecker(report),
  records: createRecordChecker(report),
  promises: createPromiseChecker(report),
  instances: createInstanceChecker(report),
  rosters: new Map(),
});

const ROSTERS_LATELY = 3;

export function checkStep(
  { leases, instances, rosters }: Panel,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  checkLeases(leases, host, now);
  checkAssigned(instances, host, effects);
  const roster = host.agent?.core.council.roster;
  const known = rosters.get(host) ?? [];
  if (roster !== undefined && known.at(-1) !== roster)
    rosters.set(host, [...known, roster].slice(-ROSTERS_LATELY));
}

/** An effect has left its host. */
export function checkBegun(
  { leases, records, promises }: Panel,
  host: Host,
  effect: Outward,
  now: Micros,
): void {
  checkPromise(promises, host, effect);
  if (effect.kind === 'send' && effect.message.kind === 'write')
    checkWrite(records, effect.message);
  if (effect.kind === 'leaseChanged') noteReign(leases, host, effect, now);
}

export function checkSynced(
  { records, promises, rosters }: Panel,
  host: Host,
  writes: readonly DiskWrite[],
): void {
  checkDisk(promises, host, writes);
  checkKept(records, host, rosters.get(host) ?? [], writes);
}

export const checkStarted = ({ instances }: Panel, host: Host, instance: Observed): void =>
  checkStart(instances, host, instance);
