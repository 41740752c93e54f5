/**
 * What the last agent left behind. An agent may end at any instruction, so:
 *
 *  1. A record without a process is written before the process is made, and completed before the
 *     process counts as started: whatever runs has a folder.
 *  2. Every process carries its instance, cluster and host in its environment. If the agent ended
 *     between the two writes, or its state folder was lost, the process is found by them in `/proc`.
 *  3. Nothing is signaled but a process that carries our names or that a record identifies exactly.
 */
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineScope } from '../engine.ts';
import {
  activityOf,
  type ProcessIdentity,
  processesWith,
  readStat,
  type Seen,
} from './identity.ts';
import { signalGroup } from './identity.ts';
import { CHECK_VARIABLE, CLUSTER_VARIABLE, HOST_VARIABLE, INSTANCE_VARIABLE } from './launch.ts';
import { logPath } from './log-file.ts';
import { type InstanceRecord, readRecord, type StartedRecord, writeRecord } from './record.ts';

/** The exit code of what ended while no agent was its parent: nobody can know it. */
export const EXIT_CODE_UNKNOWN = -1;

export type Recovered = { readonly folder: string; readonly record: StartedRecord };
type Place = { readonly scope: EngineScope; readonly instancesDir: string; readonly boot: string };

/** Every instance of ours, running or ended, each with its record brought up to date. */
export async function recover(place: Place): Promise<readonly Recovered[]> {
  killChecks(place);
  const leaders = leadersOf(place);
  const tokens = new Set([...(await readdir(place.instancesDir)), ...leaders.keys()]);
  const recovered: Recovered[] = [];
  for (const token of tokens) {
    const folder = join(place.instancesDir, token);
    const record = settle(await readRecord(folder), leaders.get(token), place.boot);
    if (record === undefined || record.exitCode !== undefined) killRest(token, place.scope);
    if (record === undefined) {
      // Never started, or unreadable with no process left.
      await rm(folder, { recursive: true, force: true });
      continue;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await (await open(logPath(folder), 'a', 0o640)).close();
    await writeRecord(folder, record);
    recovered.push({ folder, record });
  }
  return recovered;
}

/**
 * Kills whatever an ended instance has started and left, one by one and by name, also what has taken a
 * session of its own. Takes as long as a look at every process of this host.
 */
export function killRest(token: string, scope: EngineScope): void {
  for (const { stat } of ofScope(INSTANCE_VARIABLE, scope, token)) {
    if (readStat(stat.pid)?.startTicks === stat.startTicks) killQuietly(stat.pid);
  }
}

/** The record as it is now: completed (invariants 1 and 2), or marked as ended. */
function settle(
  record: InstanceRecord | undefined,
  leader: Seen | undefined,
  boot: string,
): StartedRecord | undefined {
  if (record?.process !== undefined) {
    const { process } = record;
    const holds = record.exitCode !== undefined || activityOf(process, boot) !== 'gone';
    return { ...record, process, ...(holds ? {} : { exitCode: EXIT_CODE_UNKNOWN }) };
  }
  if (leader === undefined) return undefined;
  const base = record ?? recordFrom(leader);
  return base === undefined ? undefined : { ...base, process: identify(leader, boot) };
}

function identify({ stat }: Seen, boot: string): ProcessIdentity {
  return { pid: stat.pid, startTicks: stat.startTicks, boot };
}

/** All that a lost record can be made of again: no ports, no healthcheck. */
function recordFrom({ environment }: Seen): InstanceRecord | undefined {
  const number = (name: string): number => Number(environment.get(name) ?? Number.NaN);
  const labels = {
    component: environment.get('MILLRACE_COMPONENT') ?? '',
    slot: number('MILLRACE_SLOT'),
    attempt: number('MILLRACE_ATTEMPT'),
    revision: environment.get('MILLRACE_REVISION') ?? '',
    term: number('MILLRACE_TERM'),
  };
  const numbers = [labels.slot, labels.attempt, labels.term];
  if (!numbers.every(Number.isSafeInteger) || labels.component === '') return undefined;
  const startedAt = new Date().toISOString();
  return { format: 1, labels, startedAt, ports: [], health: 'none' };
}

/** The oldest process of each instance that leads its own session, as only the main one does. */
function leadersOf({ scope }: Place): ReadonlyMap<string, Seen> {
  const leaders = new Map<string, Seen>();
  for (const seen of ofScope(INSTANCE_VARIABLE, scope)) {
    const { pid, group, session } = seen.stat;
    const token = seen.environment.get(INSTANCE_VARIABLE) ?? '';
    // The token becomes a folder's name.
    if (pid !== group || pid !== session || !/^[\w-]+\.[\w-]+\.\d+\.\d+$/.test(token)) continue;
    if (!leaders.has(token)) leaders.set(token, seen);
  }
  return leaders;
}

/** A healthcheck that the last agent did not live to bound. */
function killChecks({ scope, boot }: Place): void {
  for (const seen of ofScope(CHECK_VARIABLE, scope)) {
    if (seen.stat.pid === seen.stat.group) signalGroup(identify(seen, boot), 'SIGKILL', boot);
  }
}

function ofScope(variable: string, scope: EngineScope, token?: string): readonly Seen[] {
  return processesWith(variable).filter(
    ({ environment }) =>
      environment.get(CLUSTER_VARIABLE) === scope.cluster &&
      environment.get(HOST_VARIABLE) === scope.host &&
      (token === undefined || environment.get(variable) === token),
  );
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
