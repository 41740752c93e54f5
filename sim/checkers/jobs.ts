/**
 * S27 What has ended is not run again. No host starts a slot of a job that it knows to have ended, by the
 *     record or by an attempt of its own that ended with 0. No leader drops an end that it knows to be
 *     committed, nor begins another run of the same revision; it writes that a slot is complete only if an
 *     attempt ended with 0, and that it has failed only if its policy has nothing left. It moves no slot
 *     whose host it believes alive and at work on it, nor one of whose end that host has told it.
 */
import { componentKey, type HostId, type Key, type Term } from '../../protocol/base/ids.ts';
import { sameData } from '../../protocol/base/same.ts';
import { runRevision } from '../../protocol/component/digest.ts';
import type { Effect } from '../../protocol/effect.ts';
import { instanceEntry, type InstanceReport, isGoingOn } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import type {
  Committed,
  Component,
  RecordValue,
  Slot,
  SlotEnd,
} from '../../protocol/record/record.ts';
import { seatName, tryName } from '../engine/engine.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';
import type { Start } from './starts.ts';

export type JobChecker = {
  readonly report: Report;
  /** All that were seen: what their engines did counts for everyone. */
  readonly hosts: Set<Host>;
  /** What is written again was decided by what was known then. */
  readonly judged: WeakSet<RecordValue>;
  /** What each host wrote last of each component, committed or not: it goes on from there. */
  readonly written: Map<string, Written>;
};
type Written = { readonly term: Term; readonly value: Component };

export const createJobChecker = (report: Report): JobChecker => ({
  report,
  hosts: new Set(),
  judged: new WeakSet(),
  written: new Map(),
});

/** `records`: what the host knew before this step. */
export function checkJobs(
  checker: JobChecker,
  host: Host,
  effects: readonly Effect[],
  records: ReadonlyMap<Key, Committed>,
): void {
  const { agent } = host;
  checker.hosts.add(host);
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind === 'startInstance' && effect.spec.job !== undefined)
      checkStart(checker, host, agent, effect, records);
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { key, value, revision } = effect.message;
    if (value.kind !== 'component') continue;
    const decided = decidedBefore(checker, host, key, { term: revision.term, value });
    // Committed again under a new term, nothing is decided.
    if (revision.seq === 0 || checker.judged.has(value)) continue;
    checker.judged.add(value);
    const known = records.get(key)?.value;
    const before = known?.kind === 'component' && known.life === value.life ? known : undefined;
    const base = decided ?? before;
    if (base !== undefined) checkRun(checker, host, base, value);
    const isSame = before?.run !== undefined && sameData(before.run, value.run);
    checkSlots(checker, host, agent, {
      before: isSame ? before : undefined,
      decided: decided?.slots,
      value,
    });
  }
}

/** What it has written before in this reign: it goes on from there. */
function decidedBefore(
  { written }: JobChecker,
  { id }: Host,
  key: Key,
  now: Written,
): Component | undefined {
  const name = `${id} ${key}`;
  const last = written.get(name);
  written.set(name, now);
  const isOfThisReign = last?.term === now.term && last.value.life === now.value.life;
  return isOfThisReign ? last.value : undefined;
}

function checkStart(
  { report }: JobChecker,
  { id }: Host,
  { core }: Agent,
  { component, slot, revision }: Start,
  records: ReadonlyMap<Key, Committed>,
): void {
  const seat = seatName(component, slot);
  const value = records.get(componentKey(component))?.value;
  const run = value?.kind === 'component' ? value.run : undefined;
  if (value?.kind === 'component' && run !== undefined && runRevision(run) === revision) {
    const ended = value.slots.find((each) => each.slot === slot)?.ended;
    if (ended !== undefined) report('S27', `${id} starts ${seat}, which is ${ended.state}`);
  }
  const { instances } = core.slots.seats.get(instanceEntry(component, slot)) ?? {};
  for (const { observed, ended, stop } of instances?.values() ?? [])
    if (observed.revision === revision && ended?.exitCode === 0 && stop === undefined)
      report('S27', `${id} starts ${seat} again, whose attempt ${observed.attempt} ended with 0`);
}

/** A run goes on as long as its revision is wanted. */
function checkRun({ report }: JobChecker, { id }: Host, before: Component, value: Component): void {
  if (before.run === undefined || before.run.revision !== value.run?.revision) return;
  if (!sameData(before.run, value.run))
    report('S27', `${id} begins another run of ${value.component}, of the same revision`);
}

type Change = {
  readonly before: Component | undefined;
  /** As it wrote it before in this reign. */
  readonly decided: readonly Slot[] | undefined;
  readonly value: Component;
};

function checkSlots(
  checker: JobChecker,
  host: Host,
  agent: Agent,
  { before, decided, value }: Change,
): void {
  if (value.run === undefined) return;
  const revision = runRevision(value.run);
  const was = new Map(before?.slots.map((each) => [each.slot, each]));
  for (const slot of value.slots) {
    const mine = decided?.find((each) => each.slot === slot.slot);
    // What it has left out of the job itself since, as users wanted, begins anew.
    const known = decided !== undefined && mine === undefined ? undefined : was.get(slot.slot);
    const seat = seatName(value.component, slot.slot);
    if (known?.ended !== undefined && !sameData(known, slot))
      checker.report('S27', `${host.id} forgets that ${seat} is ${known.ended.state}`);
    if (slot.ended !== undefined && known?.ended === undefined)
      checkEnd(checker, agent, value, slot, slot.ended, revision);
    const base = mine ?? known;
    if (base !== undefined && base.ended === undefined && known?.ended === undefined)
      checkLeft(checker, host, agent, { known: base, slot, seat, revision, value });
  }
}

/** By what engines did, whoever knew of it. */
function checkEnd(
  { report, hosts }: JobChecker,
  { core }: Agent,
  { component, spec }: Component,
  { slot, host }: Slot,
  { state, exitCode }: SlotEnd,
  revision: string,
): void {
  const id = core.identity.host;
  const seat = seatName(component, slot);
  const tries = [...hosts].flatMap(
    ({ engine }) => engine.tries.get(tryName(component, slot, revision)) ?? [],
  );
  const begun = tries.reduce((sum, each) => sum + each.begun, 0);
  if (state === 'complete') {
    if (!tries.some(({ codes }) => codes.includes(0)))
      report('S27', `${id} writes that ${seat} is complete, and no attempt ended with 0`);
    return;
  }
  if (begun === 0 && exitCode !== undefined)
    report('S27', `${id} writes that ${seat} has failed, and it never began`);
  const { restart, job } = spec;
  if (restart.kind === 'no' || job?.timeoutMs !== undefined) return;
  const { retryMax = Infinity } = restart;
  if (begun <= retryMax)
    report(
      'S27',
      `${id} writes that ${seat} has failed for good after ${begun} attempts on ${host}`,
    );
}

type Left = {
  /** As it had it before. */
  readonly known: Slot;
  readonly slot: Slot;
  readonly seat: string;
  readonly revision: string;
  readonly value: Component;
};

/** What it knows of its own instances may be of this very step: of others it was heard before. */
function checkLeft(
  { report }: JobChecker,
  { id }: Host,
  { core }: Agent,
  { known, slot, seat, revision, value }: Left,
): void {
  const from = known.host;
  if (slot.ended !== undefined || from === id) return;
  const said = saidBy(core, from, instanceEntry(value.component, slot.slot), revision);
  if (said?.isOver === true)
    report(
      'S27',
      `${id} knows from ${from} that ${seat} is over (${said.state}), and does not keep it`,
    );
  if (slot.host === from || known.left?.includes(slot.host) === true) return;
  const isAlive = core.membership.members.get(from)?.health === 'alive';
  if (isAlive && said !== undefined && isGoingOn(said))
    report('S27', `${id} moves ${seat} to ${slot.host}, and ${from} is at work on it`);
}

function saidBy(
  core: Agent['core'],
  host: HostId,
  name: string,
  revision: string,
): InstanceReport | undefined {
  const report = entriesOf(core.inventories, host).get(name);
  return report?.kind === 'instance' && report.revision === revision ? report : undefined;
}
