/** Rare states of records and deploys, of what leaders find, and of what is lost with an agent. */
import { type Key, stackKey, stackOf } from '../../protocol/base/ids.ts';
import type { CommandResult, DiskWrite } from '../../protocol/effect.ts';
import { compareRevision, showRevision, type Revision } from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import type { WriteAck } from '../../protocol/wire/message.ts';
import type { Agent, Host } from '../host.ts';
import { type Errand, errandId } from '../workload.ts';
import { type Moment, type Observer, sometimes } from './observer.ts';

export function seeWriteAck(observer: Observer, { outcome }: WriteAck): void {
  if (outcome === 'refused') sometimes(observer, 'write-refused');
  if (outcome === 'superseded') sometimes(observer, 'write-superseded');
}

/** A leader commits what it has found as the first of its term. */
export function seeAdoption(observer: Observer, { agent }: Moment, key: Key): void {
  if (observer.seen.has('minority-adopted')) return;
  const writer = agent.core.writers.get(key);
  let found: Revision | undefined;
  for (const { revision } of writer?.reads.values() ?? []) {
    if (revision === undefined) continue;
    if (found === undefined || compareRevision(revision, found) > 0) found = revision;
  }
  if (found === undefined) return;
  const { panel, world } = observer;
  if (panel.records.known.has(`${key} ${showRevision(found)}`)) return;
  const { roster } = agent.core.council;
  let kept = 0;
  for (const voter of votersOf(roster)) {
    const disk = world.byId.get(voter)?.disk.durable;
    const revision = (disk?.get(`record/${key}`) as Register | undefined)?.revision;
    if (revision !== undefined && compareRevision(revision, found) === 0) kept += 1;
  }
  if (2 * kept <= votersOf(roster).length) sometimes(observer, 'minority-adopted');
}

/** A voter's answer has reached whoever wrote. */
export function seeLateCommit(observer: Observer, { agent, effects }: Moment, key: Key): void {
  if (agent.core.writers.has(key)) return;
  const name = `committed/${key}`;
  for (const effect of effects)
    if (effect.kind === 'persist' && effect.writes.some((write) => write.name === name))
      sometimes(observer, 'committed-after-lease');
}

/** A user asks an agent. */
export function seeAsked({ panel, askedAgain }: Observer, errand: Errand): void {
  const { stack, given, attempt } = errand;
  if (attempt === 1) return;
  const commits = panel.records.committed.get(stackKey(stack)) ?? [];
  if (commits.some(({ op }) => op === given.deployId)) askedAgain.add(errandId(errand));
}

/** Why hosts are not forgotten. */
const FORGET_CODES: ReadonlySet<string> = new Set(['host-alive', 'is-voter']);

/** Why voters are not forced. */
const FORCE_CODES: ReadonlySet<string> = new Set(['quorum-heard', 'voter-alive']);

export function seeReply(
  observer: Observer,
  errand: Errand | undefined,
  result: CommandResult,
): void {
  if (result.kind === 'refused' && FORGET_CODES.has(result.code))
    sometimes(observer, 'forget-refused');
  if (result.kind === 'refused' && FORCE_CODES.has(result.code))
    sometimes(observer, 'force-refused');
  if (errand === undefined) return;
  const { given, stack } = errand;
  if (result.kind === 'unknown') observer.unknown.set(given.deployId, stackKey(stack));
  if (result.kind === 'refused' && result.code === 'stale') sometimes(observer, 'stale-refused');
  const { expect } = given;
  if (result.kind === 'committed' && expect !== undefined && expect !== 'none')
    if (result.revision.term > expect.term) sometimes(observer, 'expected-of-a-leader-before');
  if (result.kind === 'committed' && observer.askedAgain.has(errandId(errand)))
    sometimes(observer, 'asked-again-answered');
}

/** When all is over: what was unknown to whoever asked. */
export function seeUnknown(observer: Observer): void {
  const { committed } = observer.panel.records;
  for (const [op, key] of observer.unknown)
    if (committed.get(key)?.some((commit) => commit.op === op) === true)
      sometimes(observer, 'unknown-committed');
}

/** An agent is about to end. */
export function seeUnfinished(observer: Observer, host: Host, { core }: Agent): void {
  if (core.deploys.errands.size > 0) sometimes(observer, 'asked-host-ended');
  for (const { pending } of core.writers.values())
    if (pending !== undefined) sometimes(observer, 'leader-ended-writing');
  if (host.disk.pending !== undefined) observer.cut.set(host, host.disk.pending);
}

export function seeSynced(observer: Observer, host: Host, writes: readonly DiskWrite[]): void {
  const { listed, ended } = observer.panel.burials;
  if (listed.size > 0) sometimes(observer, 'stack-buried');
  if (ended.size > 0) sometimes(observer, 'burial-over');
  if (observer.cut.get(host) !== writes) return;
  observer.cut.delete(host);
  sometimes(observer, 'write-cut-kept');
}

/** A new agent begins. */
export function seeBeginning(observer: Observer, host: Host): void {
  if (observer.cut.delete(host)) sometimes(observer, 'write-cut-lost');
}

export function lookAtRecords(observer: Observer, { agent }: Moment): void {
  const { knowledge } = agent.core;
  for (const { isVoid, component } of knowledge?.assignments.values() ?? []) {
    if (!isVoid) continue;
    const stack = knowledge?.stacks.get(stackOf(component.component))?.stack;
    if (stack !== undefined && stack.life > component.life)
      sometimes(observer, 'older-life-assigned');
  }
}
