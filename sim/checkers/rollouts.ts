/**
 * S26 A changed spec comes to no more slots at a time than its policy allows, never before those that got
 *     it earlier have stood for as long as it says or have failed, and never where too many have failed. A
 *     slot that serves is taken only while enough others do, or stand in for it. No slot gets another
 *     revision than what its stack wants, or what is put back; what was taken back is not tried again;
 *     and hosts start what the newest record they know gives the slot. What users say in between is
 *     heard (`rollout-words.ts`).
 *
 * Judged by what the leader knew when it decided: what faults took away meanwhile it cannot know.
 */
import { componentOf, type HostId, type Key, stackOf } from '../../protocol/base/ids.ts';
import type { Instant } from '../../protocol/base/time.ts';
import { revisionOf } from '../../protocol/component/digest.ts';
import { DEFAULT_UPDATE, isBoundAlike, whyStopFirst } from '../../protocol/component/update.ts';
import type { Knowledge } from '../../protocol/core/knowledge.ts';
import type { Effect } from '../../protocol/effect.ts';
import { HOST_ENTRY, type InstanceReport } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import { VERSIONS_MAX } from '../../protocol/limits.ts';
import type { Component, RecordValue, Slot } from '../../protocol/record/record.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { List, Lists } from './lists.ts';
import { ofMembers } from './made.ts';
import type { Report } from './report.ts';
import { isResumed, isUndoing, ofHistory, ofPauses, type Words } from './rollout-words.ts';
import { brokenBond, placeOf } from './affinity.ts';
import { fixesPort, isAllowed, mostPerHost } from './whereabouts.ts';

type Decided = NonNullable<ReturnType<Agent['core']['decided']['get']>>;
/** What one life of an agent knew of the components it leads. */
type Sight = {
  readonly life: Agent;
  readonly decided: Map<Key, Decided>;
  /** Since when it has known the new instance of a slot on trial to be well, by slot, host and revision. */
  readonly wellSince: Map<string, Instant>;
};
export type RolloutChecker = {
  readonly report: Report;
  readonly sights: Map<Host, Sight>;
  readonly judged: WeakSet<RecordValue>;
};

export const createRolloutChecker = (report: Report): RolloutChecker => ({
  report,
  sights: new Map(),
  judged: new WeakSet(),
});

/** What each leader learns of slots on trial, in every step in which it has decided anew. */
export function lookAtTrials(checker: RolloutChecker, host: Host, now: Micros): void {
  const { agent } = host;
  if (agent === undefined || agent.core.decided.size === 0) return;
  const sight = sightOf(checker, host, agent);
  for (const [key, decided] of agent.core.decided) {
    if (sight.decided.get(key) === decided) continue;
    sight.decided.set(key, decided);
    look(sight, key, decided, localNow(agent, now));
  }
}

/** After `lookAtTrials`. */
export function checkRollouts(
  checker: RolloutChecker,
  host: Host,
  effects: readonly Effect[],
  lists: Lists,
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { key, value, revision } = effect.message;
    const sight = sightOf(checker, host, agent);
    const decided = sight.decided.get(key);
    const before = decided?.record?.value;
    if (value.kind !== 'component' || decided === undefined || checker.judged.has(value)) continue;
    checker.judged.add(value);
    if (revision.seq === 0 || before?.kind !== 'component' || before.life !== value.life) continue;
    const at = localNow(agent, now);
    const { knowledge } = decided;
    const change = { host, sight, key, before, after: value, knowledge, lists, at };
    for (const why of wrongs(change)) checker.report('S26', `${host.id}, leading ${key}: ${why}`);
  }
}

/** What the leader has decided by, of the key; after `lookAtTrials`. */
export const decidedOn = ({ sights }: RolloutChecker, host: Host, key: Key): Decided | undefined =>
  sights.get(host)?.decided.get(key);

function sightOf({ sights }: RolloutChecker, host: Host, life: Agent): Sight {
  const known = sights.get(host);
  if (known?.life === life) return known;
  const fresh: Sight = { life, decided: new Map(), wellSince: new Map() };
  sights.set(host, fresh);
  return fresh;
}

/** What the leader learns of slots on trial. */
function look({ wellSince }: Sight, key: Key, { knowledge, record }: Decided, at: Instant): void {
  const value = record?.value;
  const trials = new Set<string>();
  if (value?.kind === 'component')
    for (const slot of value.slots) {
      if (slot.trial !== true) continue;
      const report = reportOf(knowledge, value, slot);
      if (report === undefined || report.revision !== value.revision || !isWell(report)) continue;
      const name = trialName(key, value, slot, report);
      trials.add(name);
      if (!wellSince.has(name)) wellSince.set(name, at);
    }
  for (const name of wellSince.keys())
    if (name.startsWith(`${key} `) && !trials.has(name)) wellSince.delete(name);
}

const trialName = (
  key: Key,
  { revision }: Component,
  { slot, host }: Slot,
  { attempt }: InstanceReport,
): string => `${key} ${slot} ${host} ${revision} ${attempt}`;

/** Of a host that is alive. */
function reportOf(
  { reports, alive }: Knowledge,
  { component }: Component,
  { slot, host }: Slot,
): InstanceReport | undefined {
  if (!alive.includes(host)) return undefined;
  return reports.find(
    (one) => one.host === host && one.report.component === component && one.report.slot === slot,
  )?.report;
}

const isWell = ({ state, health }: InstanceReport): boolean =>
  state === 'complete' || (state === 'running' && ['healthy', 'none'].includes(health));
const hasFailed = ({ state, health, restarts }: InstanceReport): boolean =>
  ['failed', 'rejected'].includes(state) || health === 'unhealthy' || restarts > 0;

type Change = {
  readonly host: Host;
  readonly sight: Sight;
  readonly key: Key;
  readonly before: Component;
  readonly after: Component;
  readonly knowledge: Knowledge;
  readonly lists: Lists;
  readonly at: Instant;
};

function wrongs(change: Change): readonly string[] {
  if (comesAtOnce(change)) return [];
  const told = [
    ofVersions(change),
    ofTrials(change),
    ofFailures(change),
    ofRefusal(change),
    ofBatch(change),
    ofPauses(wordsOf(change)),
    ofHistory(wordsOf(change)),
    ofMembers(change.before, change.after),
  ];
  return told.filter((why) => why !== undefined);
}

/** A job is run anew; what is bound otherwise than before replaces all. */
function comesAtOnce({ before, after }: Change): boolean {
  if (before.spec.job !== undefined || after.spec.job !== undefined) return true;
  const specs = [before.spec, ...(before.rollout?.former ?? []).map(({ spec }) => spec)];
  return !specs.every((spec) => isBoundAlike(spec, after.spec));
}

const versionOf = ({ revision }: Component, { former }: Slot): string | undefined =>
  former ?? revision;
const find = ({ slots }: Component, slot: number): Slot | undefined =>
  slots.find((each) => each.slot === slot);
const isOwn = ({ spec: { mode, replicas } }: Component, { slot }: Slot): boolean =>
  mode === 'global' || slot <= replicas;

function ofVersions({ before, after }: Change): string | undefined {
  for (const slot of after.slots) {
    const was = find(before, slot.slot);
    const version = versionOf(after, slot);
    if (version === after.revision || (was !== undefined && version === versionOf(before, was)))
      continue;
    if (was === undefined && isHalted(after)) continue;
    return `slot ${slot.slot} gets ${version}, which it did not have and nobody wants`;
  }
  return undefined;
}

/** A trial ends when it has lasted, or with a failure that is counted. */
function ofTrials({ sight, key, before, after, knowledge, at }: Change): string | undefined {
  if (before.revision !== after.revision) return undefined;
  const monitorMs = policyOf(before, after, knowledge).monitorMs;
  for (const was of before.slots) {
    const is = find(after, was.slot);
    if (was.trial !== true || is === undefined || is.trial === true) continue;
    const report = reportOf(knowledge, before, was);
    if (report !== undefined && report.revision === before.revision && hasFailed(report)) continue;
    const since =
      report === undefined ? undefined : sight.wellSince.get(trialName(key, before, was, report));
    if (since !== undefined && at - since >= monitorMs) continue;
    return `slot ${was.slot} counts as done, and ${since === undefined ? 'is not well' : `has stood ${at - since} ms`}`;
  }
  return undefined;
}

/** What has come to its end remembers no failures, be there something that was taken back. */
const goesOn = ({ slots, rollout }: Component): boolean =>
  rollout?.paused !== undefined ||
  slots.some(({ former, trial }) => former !== undefined || trial === true);

function ofFailures({ before, after, knowledge }: Change): string | undefined {
  if (before.revision !== after.revision) return undefined;
  for (const was of before.slots) {
    const report = was.trial === true ? reportOf(knowledge, before, was) : undefined;
    if (report === undefined || report.revision !== before.revision || !hasFailed(report)) continue;
    if (goesOn(after) && after.rollout?.failed.includes(was.slot) !== true)
      return `the failure of slot ${was.slot} is not counted`;
  }
  const { failed, count, isTooMany } = failuresIn(before, after, knowledge);
  const isNew = after.rollout?.paused !== undefined && before.rollout?.paused === undefined;
  if (isNew && !isTooMany) return `pauses, and ${failed} of ${count} have failed`;
  if (isTooMany && after.rollout?.paused === undefined && takenBy(before, after).length > 0)
    return `goes on though ${failed} of ${count} have failed`;
  return undefined;
}

function failuresIn(before: Component, after: Component, knowledge: Knowledge) {
  const { onFailure, failuresMaxPpm } = policyOf(before, after, knowledge);
  const failed = (after.rollout?.failed.length ?? 0) - (after.rollout?.forgiven ?? 0);
  const count = Math.max(1, before.slots.filter((slot) => isOwn(after, slot)).length);
  const isTooMany = onFailure !== 'continue' && failed / count > failuresMaxPpm / 1e6;
  return { failed, count, isTooMany };
}

const wordsOf = ({ before, after, knowledge }: Change): Words => ({
  before,
  after,
  wanted: specIn(after, knowledge),
  isTooMany: failuresIn(before, after, knowledge).isTooMany,
});

const isHalted = ({ spec, rollout }: Component): boolean =>
  rollout?.paused !== undefined || spec.steering?.held === true;

function ofRefusal({ before, after, knowledge }: Change): string | undefined {
  const wanted = wantedBy(after, knowledge);
  const refused = before.rollout?.refused?.revision;
  const isAsked = isResumed({ before, wanted: specIn(after, knowledge) }) && !isHalted(before);
  if (
    refused !== undefined &&
    refused === wanted &&
    (after.revision !== before.revision) !== isAsked
  )
    return isAsked
      ? `does not try ${refused} again though a user has said so`
      : `tries ${refused} again, which was taken back`;
  if (refused === undefined && after.rollout?.refused !== undefined && isHalted(after))
    return 'takes back what a user holds';
  if (after.revision === wanted || after.revision === before.revision) return undefined;
  if (after.revision === before.rollout?.former[0]?.revision) return undefined;
  return `${after.revision} is to come, and nobody wants it`;
}

/** Slots wanted by number that get another revision. */
const takenBy = (before: Component, after: Component): readonly Slot[] =>
  after.slots.filter((slot) => {
    const was = find(before, slot.slot);
    return (
      was !== undefined && isOwn(after, slot) && versionOf(before, was) !== versionOf(after, slot)
    );
  });

function ofBatch(change: Change): string | undefined {
  const { before, after, knowledge } = change;
  const taken = takenBy(before, after);
  if (taken.length === 0 || before.revision === undefined) return undefined;
  if (before.rollout?.former.length === VERSIONS_MAX) return undefined; // one more than can be kept
  if (isHalted(after)) return 'takes slots while it is paused, or held by a user';
  const untried = before.slots.find(
    ({ slot, trial }) =>
      before.revision === after.revision && trial === true && find(after, slot)?.trial === true,
  );
  if (untried !== undefined) return `takes slots while slot ${untried.slot} is on trial`;
  const { order, parallelism } = policyOf(before, after, knowledge);
  const own = before.slots.filter((slot) => isOwn(after, slot));
  const failed = after.rollout?.failed ?? [];
  const serves = (slot: Slot): boolean => {
    const report = reportOf(knowledge, before, slot);
    // What is being handed over runs where it comes from.
    if (slot.from !== undefined) return true;
    return failed.includes(slot.slot) || (report !== undefined && isWell(report));
  };
  // Nobody waits for what has got the new one and ended for good with it.
  const hasEnded = (slot: Slot): boolean =>
    versionOf(before, slot) === after.revision &&
    !serves(slot) &&
    reportOf(knowledge, before, slot)?.isOver === true;
  const extra = before.slots.filter((slot) => !isOwn(after, slot));
  const standIns = extra.filter(
    (slot) => find(after, slot.slot)?.trial !== true && (serves(slot) || hasEnded(slot)),
  ).length;
  const isStartFirst =
    order === 'startFirst' &&
    whyStopFirst(after.spec) === undefined &&
    (extra.some(({ host }) => isUp(change, host)) || roomFor(change) !== undefined);
  const size = parallelism === 0 ? own.length : parallelism;
  const most = isStartFirst ? Math.min(size, standIns) : size;
  if (taken.length > most) return `takes ${taken.length} slots at once, of ${most}`;
  // What has not been replaced yet is what the slot is given again, and runs on.
  const ending = taken.filter((slot) => !runsOn(knowledge, before, slot, after.revision));
  const serving = own.filter(
    (slot) => serves(slot) && !ending.some((one) => one.slot === slot.slot),
  );
  const isServing = ending.some((slot) => own.some((one) => one.slot === slot.slot && serves(one)));
  if (isServing && serving.length < own.length - own.filter(hasEnded).length - most)
    return `leaves ${serving.length} of ${own.length} slots that serve, at ${most} at a time`;
  return undefined;
}

const runsOn = (
  knowledge: Knowledge,
  before: Component,
  { slot, host }: Slot,
  revision: string | undefined,
): boolean =>
  find(before, slot)?.host === host &&
  reportOf(knowledge, before, { slot, host })?.revision === revision;

const isUp = ({ host: { agent } }: Change, id: HostId): boolean =>
  ['alive', 'suspect'].includes(agent?.core.membership.members.get(id)?.health ?? '') ||
  agent?.core.identity.host === id;

/** A host that certainly could take one more slot: the rules are read once more, the ports left out. */
function roomFor(change: Change): HostId | undefined {
  const { host, before, after, knowledge, lists } = change;
  const { agent, id: by } = host;
  const isOpen = (list: List, id: HostId): boolean =>
    list.get(id)?.availability === undefined && isAllowed(after.spec, id, list);
  if (agent === undefined || fixesPort(after.spec)) return undefined;
  if (after.spec.placement?.reserves !== undefined) return undefined; // others may have more of it
  return knowledge.alive.find((id) => {
    const facts = entriesOf(agent.core.inventories, id).get(HOST_ENTRY);
    const own = before.slots.filter((slot) => slot.host === id).length;
    return (
      // Its own facts it makes anew in the very step, after it has decided.
      id !== by &&
      facts?.kind === 'host' &&
      facts.runs !== 'nothing' &&
      facts.engineSilentAfterMs === undefined &&
      !knowledge.leaving.has(id) &&
      isOpen(lists.before, id) &&
      isOpen(lists.after, id) &&
      brokenBond(after.component, after.spec, id, (other) => placeOf(knowledge, other)) ===
        undefined &&
      own < mostPerHost(after.spec)
    );
  });
}

const specIn = ({ component }: Component, { stacks }: Knowledge) =>
  stacks
    .get(stackOf(component))
    ?.stack.spec?.components.find(({ name }) => name === componentOf(component));

function wantedBy(value: Component, knowledge: Knowledge): string | undefined {
  const stack = knowledge.stacks.get(stackOf(value.component))?.stack.spec;
  const spec = specIn(value, knowledge);
  return stack === undefined || spec === undefined ? undefined : revisionOf(spec, stack);
}

function policyOf(before: Component, after: Component, knowledge: Knowledge) {
  const wanted = specIn(after, knowledge);
  const isBack =
    after.rollout?.refused !== undefined ||
    (wanted !== undefined && isUndoing(before, after, wanted));
  return (isBack ? wanted?.rollback : wanted?.update) ?? DEFAULT_UPDATE;
}

/** A host starts an instance by a record it knows. */
export function wrongStart(
  { component, slot, revision }: Extract<Effect, { readonly kind: 'startInstance' }>,
  value: Component,
): string | undefined {
  const mark = find(value, slot);
  const given = mark === undefined ? undefined : versionOf(value, mark);
  if (given === undefined || given === revision) return undefined;
  return `starts ${seatName(component, slot)} of ${revision}, and the record gives it ${given}`;
}
