/**
 * S22 Voters are forced only by a host that has heard no quorum of them for long. In the very write that
 *     says so it has every record that it knew as committed, and has promised all ballots of before; it
 *     grants nothing as that until whatever the lost voters may have granted has run out: one that was
 *     forced elsewhere later, and that it follows instead, has been silent itself. Whoever follows it
 *     holds nothing by the votes of before. What it knew as committed stays.
 */
import type { Key } from '../../protocol/base/ids.ts';
import { FORCE_MISSED_MS } from '../../protocol/core/force.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import { ackedAt } from '../../protocol/lease/links.ts';
import { type Committed, compareRevision, type Revision } from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import { ballotFloor, forkOf, isForced } from '../../protocol/roster/fork.ts';
import { quorum, type Roster } from '../../protocol/roster/roster.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { Report } from './report.ts';

type Life = {
  readonly agent: Agent;
  readonly startedAt: number;
  /** Of the roster followed after the last step. */
  fork: number;
};

export type ForceChecker = {
  readonly report: Report;
  readonly lives: Map<Host, Life>;
  /** Hosts that have forced the voters, until their agent has started and been silent. */
  readonly silent: Map<Host, { readonly by: Agent; readonly fork: number; readonly forMs: number }>;
  forced: number;
};

export const createForceChecker = (report: Report): ForceChecker => ({
  report,
  lives: new Map(),
  silent: new Map(),
  forced: 0,
});

/** After a step. */
export function checkForces(
  checker: ForceChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const at = localNow(agent, now);
  const fork = forkOf(agent.core.council.roster.epoch);
  const known = checker.lives.get(host);
  const life = known?.agent === agent ? known : { agent, startedAt: at, fork };
  checker.lives.set(host, life);
  if (fork !== life.fork) checkEnded(checker, host, agent);
  life.fork = fork;
  for (const effect of effects) {
    if (effect.kind === 'reply' && effect.result.kind === 'forced')
      checkMissed(checker, host, agent, at);
    if (effect.kind === 'send') checkSilent(checker, host, life, effect, at);
  }
}

/** E4 */
function checkEnded({ report }: ForceChecker, host: Host, { core }: Agent): void {
  for (const [key, { term }] of core.leases?.holder.holds ?? [])
    if (term !== undefined)
      report('S22', `${host.id} follows forced voters and leads ${key} by the votes of before`);
}

/** E1 */
function checkMissed(checker: ForceChecker, host: Host, { core }: Agent, at: number): void {
  checker.forced += 1;
  const { roster } = core.council;
  const { links } = core.leases ?? {};
  const hears =
    links !== undefined && quorum(roster, (voter) => at - ackedAt(links, voter) < FORCE_MISSED_MS);
  if (hears) checker.report('S22', `${host.id} forces the voters, and hears a quorum of them`);
}

/** E3 */
function checkSilent(
  { report, silent }: ForceChecker,
  host: Host,
  { agent, startedAt, fork }: Life,
  { message }: Extract<Effect, { readonly kind: 'send' }>,
  at: number,
): void {
  const due = silent.get(host);
  if (due === undefined || due.by === agent) return;
  if (fork !== due.fork || at - startedAt >= due.forMs) return void silent.delete(host);
  const isGrant =
    (message.kind === 'prepareAck' && message.items.some(({ status }) => status === 'open')) ||
    (message.kind === 'acceptAck' && message.items.some(({ ok }) => ok));
  if (isGrant)
    report('S22', `${host.id} grants leases ${at - startedAt} ms after it was made the only voter`);
}

/** Writes have become durable; true: among them a roster that was forced here (E2). */
export function checkForcedDisk(
  checker: ForceChecker,
  host: Host,
  writes: readonly DiskWrite[],
): boolean {
  const written = writes.find(({ name }) => name === 'roster')?.value as Roster | undefined;
  if (written === undefined || !isForced(written.epoch) || written.voters[0] !== host.id)
    return false;
  const { report } = checker;
  const { durable } = host.disk;
  const what = `${host.id} is the only voter`;
  const numbers = durable.get('host') as { readonly ceiling: number; readonly synced: boolean };
  if (numbers.ceiling < ballotFloor(forkOf(written.epoch)))
    report('S22', `${what}, and has not promised the ballots of before`);
  for (const [key, revision] of committedOn(host)) {
    const kept = (durable.get(`record/${key}`) as Register | undefined)?.revision;
    if (kept === undefined || compareRevision(kept, revision) < 0)
      report('S22', `${what}, and not with ${key}, which it knew as committed`);
  }
  const { agent } = host;
  const { normal, strict } = written.termMs;
  const fork = forkOf(written.epoch);
  if (agent !== undefined)
    checker.silent.set(host, { by: agent, fork, forMs: Math.max(normal, strict) });
  return true;
}

/** By its disk, the newest of each key. */
function committedOn({ disk }: Host): ReadonlyMap<Key, Revision> {
  const found = new Map<Key, Revision>();
  for (const [name, value] of disk.durable)
    if (name.startsWith('committed/'))
      found.set((value as Committed).key, (value as Committed).revision);
  return found;
}
