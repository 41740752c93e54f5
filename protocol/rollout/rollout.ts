/**
 * How a changed spec comes to the slots of one component, batch by batch. Asked by the component's
 * leader before it looks at anything else; what it decides is in the record, and hosts follow that.
 *
 *     waits (former) ──taken──▶ on trial ──stood `monitor`──▶ done
 *                                  └──its instance fails──▶ counted, done
 *     too many failed ──▶ paused, or the revision before becomes the one to come (refused)
 *
 *  U1 A slot has the revision that its record gives it: the record's own, or while it waits its former.
 *  U2 Slots are taken only when none is on trial, and no more at a time than `parallelism`. One that is
 *     well is taken only while with it no more than so many are away; start-first only while so many
 *     extra slots, numbered above the others, stand in for them, unless no host has room for one.
 *  U3 A slot on trial is done when the leader has seen its new instance well for `monitor`; it has
 *     failed when that ended, was rejected, or is unhealthy. What fails later counts no more.
 *  U4 When more have failed than the policy allows, nothing more is taken; with `rollback` the former
 *     revision is put back.
 *  U5 What was taken back is not tried again before the stack wants another revision.
 *  U6 All of it is in the record. What a leader measures, the next one measures anew.
 *  U7 What binds a slot (`isBoundAlike`) changes in all slots at once: rules of placement go by one spec.
 *
 * A user's next deploy begins anew from wherever this one is: slots keep what they have until taken.
 *
 * Source: Docker Swarm's updater. Differs: what is next waits for what was before to stand, not only to
 * run; start-first stands in with extra slots, so that of one slot there are never two.
 */
import type { ComponentId, HostId } from '../base/ids.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { specDigest } from '../component/digest.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { jsonBytes } from '../component/size.ts';
import {
  DEFAULT_UPDATE,
  isBoundAlike,
  type UpdatePolicy,
  whyStopFirst,
} from '../component/update.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import { SLOTS_MAX, STACK_CHARS_MAX, VERSIONS_MAX } from '../limits.ts';
import type { Component, Rollout, Slot, Version } from '../record/record.ts';
import { asWanted } from './version.ts';

/** What a leader has seen itself, and its successor sees anew (U6). */
export type Watch = {
  /** The revision that the rest is about. */
  revision: string;
  /** Instances on trial that are well, and since when. */
  readonly wellSince: Map<string, Instant>;
  /** Since when none is on trial. */
  restingSince: Instant | undefined;
};
export const createWatch = (): Watch => ({
  revision: '',
  wellSince: new Map(),
  restingSince: undefined,
});

export type RolloutRequest = {
  readonly component: ComponentId;
  /** What the stack asks for. */
  readonly wanted: Version;
  /** As last committed, of this life of its stack. */
  readonly current: Component | undefined;
  /** What the host of a slot says of it; undefined: nothing, or it is not alive. */
  readonly reportOf: (slot: Slot) => InstanceReport | undefined;
  readonly isAlive: (host: HostId) => boolean;
  /** Whether one more slot of this spec would find a place. */
  readonly hasRoom: (spec: ComponentSpec) => boolean;
  readonly watch: Watch;
  readonly now: Instant;
};

/** What is to be placed, and under which revision. */
export type Course = {
  readonly target: Version;
  readonly slots: readonly Slot[];
  readonly former: readonly Version[];
  readonly failed: readonly number[];
  readonly paused?: string | undefined;
  readonly refused?: Rollout['refused'];
  /** Slots wanted beyond `replicas` while it lasts (U2). */
  readonly extra: number;
  /** For the journal. */
  readonly notes: readonly string[];
  /** When it goes on by itself. */
  readonly dueAt: Instant | undefined;
};

type Draft = {
  readonly request: RolloutRequest;
  policy: UpdatePolicy;
  target: Version;
  slots: readonly Slot[];
  former: readonly Version[];
  failed: readonly number[];
  paused: string | undefined;
  refused: Rollout['refused'];
  readonly notes: string[];
  dueAt: Instant | undefined;
};

export function rollOut(request: RolloutRequest): Course {
  const { watch, wanted, current } = request;
  // U7
  const bound = [current, ...(current?.rollout?.former ?? [])];
  if (!bound.every((each) => each === undefined || isBoundAlike(each.spec, wanted.spec)))
    return atOnce(wanted, current?.slots ?? []);
  const draft = begin(request);
  followTarget(draft);
  judge(draft);
  followTarget(draft);
  if (!draft.slots.some(({ trial }) => trial === true)) watch.restingSince ??= request.now;
  if (draft.paused === undefined) take(draft);
  if (draft.slots.some(({ trial }) => trial === true)) watch.restingSince = undefined;
  const { target, slots, former, failed, paused, refused, notes, dueAt } = draft;
  const extra = extraOf(draft);
  return { target, slots, former, failed, paused, refused, extra, notes, dueAt };
}

/** Without a rollout: all slots have what is wanted. */
export const atOnce = (target: Version, slots: readonly Slot[]): Course => ({
  target,
  slots: slots.map((slot) => marked(slot, {})),
  former: [],
  failed: [],
  extra: 0,
  notes: [],
  dueAt: undefined,
});

/** The record as it is to be, once the slots of a course have been placed. */
export function concluded(
  course: Course,
  placed: readonly Slot[],
): Pick<Component, 'spec' | 'revision' | 'rollout' | 'slots'> {
  const { target, failed, paused, refused } = course;
  const marks = new Map(course.slots.map((slot) => [slot.slot, slot]));
  const isOn = course.extra > 0 || course.slots.some(isUnderWay) || paused !== undefined;
  const [good] = course.former;
  const slots = placed.map((slot): Slot => {
    const known = marks.get(slot.slot);
    if (known !== undefined) return marked(slot, known);
    if (!isOn) return slot;
    // A newcomer is on trial like all others, and gets nothing that has failed.
    if (paused === undefined) return marked(slot, { trial: true });
    return good === undefined ? slot : marked(slot, { former: good.revision });
  });
  const used = new Set(slots.map(({ former }) => former));
  const lasts = slots.some(isUnderWay) || course.extra > 0 || paused !== undefined;
  const former = lasts
    ? course.former.filter(({ revision }, at) => at === 0 || used.has(revision))
    : [];
  const rollout: Rollout = {
    former,
    failed: lasts ? failed : [],
    ...(paused === undefined ? {} : { paused }),
    ...(refused === undefined ? {} : { refused }),
  };
  const isNamed = lasts || refused !== undefined;
  return { ...target, ...(isNamed ? { rollout } : {}), slots };
}

const isUnderWay = ({ former, trial }: Slot): boolean => former !== undefined || trial === true;

function marked(slot: Slot, { former, trial }: Pick<Slot, 'former' | 'trial'>): Slot {
  const { former: _, trial: __, ...bare } = slot;
  return {
    ...bare,
    ...(former === undefined ? {} : { former }),
    ...(trial === true ? { trial } : {}),
  };
}

/** Where the record is, and where the stack wants it to go. */
function begin(request: RolloutRequest): Draft {
  const { wanted, current } = request;
  const { former = [], failed = [], paused, refused } = current?.rollout ?? {};
  const draft: Draft = {
    request,
    policy: wanted.spec.update ?? DEFAULT_UPDATE,
    target: wanted,
    slots: current?.slots ?? [],
    former,
    failed,
    paused,
    refused: undefined,
    notes: [],
    dueAt: undefined,
  };
  if (current === undefined) return draft;
  const revision = current.revision ?? revisionBefore(current, wanted);
  if (refused?.revision === wanted.revision) {
    // U5: what was put back stays.
    draft.target = { revision, spec: asWanted(current.spec, wanted.spec) };
    draft.policy = wayBack(draft);
    draft.refused = refused;
  } else if (revision !== wanted.revision) {
    draft.target = { revision, spec: current.spec };
    retarget(draft, wanted);
  }
  const { target } = draft;
  // What is above the wanted number stands in, or goes.
  draft.slots = draft.slots.map((slot) =>
    isExtra(target, slot) && slot.former !== undefined ? marked(slot, { trial: true }) : slot,
  );
  return draft;
}

/** As the stack has it now, like all that is no matter of revisions. */
const wayBack = ({ request: { wanted } }: Draft): UpdatePolicy =>
  wanted.spec.rollback ?? DEFAULT_UPDATE;

/** Of a record without one: what was made from an equal spec needs no new instance. */
const revisionBefore = ({ spec }: Component, wanted: Version): string =>
  specDigest(spec) === specDigest(wanted.spec) ? wanted.revision : specDigest(spec);

/** From here on `target` is to come; whatever slots have they keep until they are taken. */
function retarget(draft: Draft, target: Version): void {
  const before = draft.target;
  const others = draft.former.filter(
    ({ revision }) => revision !== target.revision && revision !== before.revision,
  );
  const slots = draft.slots.map((slot) => {
    const former = slot.former ?? before.revision;
    return marked(slot, former === target.revision ? {} : { former });
  });
  const former = [...others, before];
  while (former.length > VERSIONS_MAX || jsonBytes([target.spec, ...former]) > STACK_CHARS_MAX) {
    // Slots of what cannot be kept get what is to come at once.
    if (former.pop() === undefined) break;
  }
  const kept = new Set(former.map(({ revision }) => revision));
  draft.slots = slots.map((slot) =>
    slot.former === undefined || kept.has(slot.former) ? slot : marked(slot, { trial: true }),
  );
  draft.former = former;
  draft.failed = [];
  draft.paused = undefined;
  draft.target = target;
  const waiting = draft.slots.filter((slot) => slot.former !== undefined).length;
  if (waiting > 0)
    draft.notes.push(`${target.revision} is to replace ${before.revision}: ${waiting} slots wait`);
}

/** What was measured of another revision counts for nothing. */
function followTarget({ request: { watch }, target }: Draft): void {
  if (watch.revision === target.revision) return;
  watch.revision = target.revision;
  watch.wellSince.clear();
  watch.restingSince = undefined;
}

/** U3. */
function judge(draft: Draft): void {
  const { request, policy, target } = draft;
  const { component, current, reportOf, watch, now } = request;
  // What comes only now has no new instance anywhere, though one of before may be of the same revision.
  if (current?.revision !== target.revision) return;
  let why: string | undefined;
  const well = new Map<string, Instant>();
  draft.slots = draft.slots.map((slot) => {
    const report = slot.trial === true ? reportOf(slot) : undefined;
    const isNew = report?.revision === target.revision;
    const failure = report !== undefined && isNew ? failureOf(report) : undefined;
    if (failure !== undefined) {
      why ??= `${component}.${slot.slot} ${failure}`;
      draft.failed = [...draft.failed.filter((each) => each !== slot.slot), slot.slot];
      draft.notes.push(
        `${target.revision} has failed on trial: ${component}.${slot.slot} ${failure}`,
      );
      return marked(slot, {});
    }
    if (report === undefined || !isNew || !isWell(report)) return slot;
    const instance = `${slot.slot} ${slot.host} ${report.attempt}`;
    const since = watch.wellSince.get(instance) ?? now;
    well.set(instance, since);
    const doneAt = after(since, policy.monitorMs);
    if (now >= doneAt) return marked(slot, {});
    draft.dueAt = earlier(draft.dueAt, doneAt);
    return slot;
  });
  watch.wellSince.clear();
  for (const [instance, since] of well) watch.wellSince.set(instance, since);
  if (why !== undefined && isTooMany(draft)) giveUp(draft, why);
}

/** U4. */
function isTooMany({ policy, target, slots, failed }: Draft): boolean {
  const count = Math.max(1, slots.filter((slot) => !isExtra(target, slot)).length);
  return policy.onFailure !== 'continue' && failed.length * 1e6 > policy.failuresMaxPpm * count;
}

function giveUp(draft: Draft, why: string): void {
  const { policy, target, former } = draft;
  const [good] = former;
  if (policy.onFailure !== 'rollback' || good === undefined) {
    draft.paused = why;
    draft.notes.push(`the rollout of ${target.revision} is paused: ${why}`);
    return;
  }
  draft.refused = { revision: target.revision, why };
  draft.policy = wayBack(draft);
  draft.notes.push(`${target.revision} is taken back: ${why}`);
  retarget(draft, good);
}

/** U2. */
function take(draft: Draft): void {
  const { request, policy, target, slots } = draft;
  const { component, watch, now } = request;
  const waiting = slots.filter((slot) => slot.former !== undefined);
  if (waiting.length === 0 || slots.some(({ trial }) => trial === true)) return;
  const own = slots.filter((slot) => !isExtra(target, slot));
  const restsUntil = after(watch.restingSince ?? now, policy.delayMs);
  if (own.some((slot) => slot.former === undefined) && now < restsUntil) {
    draft.dueAt = earlier(draft.dueAt, restsUntil);
    return;
  }
  // What is being handed over runs where it comes from, and is taken when it has arrived.
  const isAway = (slot: Slot): boolean =>
    slot.from === undefined && !draft.failed.includes(slot.slot) && !stands(draft, slot);
  const most =
    orderOf(draft) === 'stopFirst'
      ? sizeOf(draft)
      : slots.filter((slot) => isExtra(target, slot) && !isAway(slot)).length;
  const away = own.filter((slot) => slot.former === undefined && isAway(slot)).length;
  const taken = new Set<number>();
  // Those that serve nobody first.
  const present = waiting.filter(({ from }) => from === undefined);
  const [ill, well] = [present.filter(isAway), present.filter((slot) => !isAway(slot))];
  for (const { slot } of ill) if (taken.size < most) taken.add(slot);
  if (taken.size === ill.length)
    for (const { slot } of well) if (away + taken.size < most) taken.add(slot);
  if (taken.size === 0) return;
  draft.slots = slots.map((slot) => (taken.has(slot.slot) ? marked(slot, { trial: true }) : slot));
  const names = [...taken].map((slot) => `${component}.${slot}`).join(' ');
  const why = orderOf(draft) === wantedOrder(draft) ? '' : ', as nothing more would fit beside it';
  draft.notes.push(
    `${target.revision} comes to ${names}${why}; ${waiting.length - taken.size} wait`,
  );
}

/** Slots of a batch at most. */
function sizeOf({ policy: { parallelism }, target, slots }: Draft): number {
  const count = slots.filter((slot) => !isExtra(target, slot)).length;
  return parallelism === 0 ? count : Math.min(parallelism, count);
}

const wantedOrder = ({ policy, target }: Draft): UpdatePolicy['order'] =>
  whyStopFirst(target.spec) === undefined ? policy.order : 'stopFirst';

/** Where nothing fits that could stand in, nothing is waited for. */
function orderOf(draft: Draft): UpdatePolicy['order'] {
  const { request, target, slots } = draft;
  if (wantedOrder(draft) === 'stopFirst') return 'stopFirst';
  const hasExtra = slots.some((slot) => isExtra(target, slot) && request.isAlive(slot.host));
  return hasExtra || request.hasRoom(target.spec) ? 'startFirst' : 'stopFirst';
}

/** U2: as long as any other slot waits or is on trial, and it goes on. */
function extraOf(draft: Draft): number {
  const { target, slots, paused } = draft;
  const own = slots.filter((slot) => !isExtra(target, slot));
  if (paused !== undefined || !own.some(isUnderWay) || orderOf(draft) === 'stopFirst') return 0;
  return Math.min(sizeOf(draft), SLOTS_MAX - own.length);
}

const isExtra = ({ spec: { mode, replicas } }: Version, { slot }: Slot): boolean =>
  mode !== 'global' && slot > replicas;

/** It serves, or did what it had to. */
function stands({ request: { reportOf } }: Draft, slot: Slot): boolean {
  const report = reportOf(slot);
  return report !== undefined && isWell(report);
}

const isWell = ({ state, health }: InstanceReport): boolean =>
  state === 'complete' || (state === 'running' && (health === 'healthy' || health === 'none'));

/** It stands in the record. */
const REASON_CHARS_MAX = 200;
const cut = (text: string): string =>
  text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX).toWellFormed()}…`;

/** What a new instance has done wrong; undefined: nothing so far. */
function failureOf({ state, health, restarts, reason }: InstanceReport): string | undefined {
  const because = reason === undefined ? '' : `: ${cut(reason)}`;
  if (state === 'failed' || state === 'rejected') return `${state}${because}`;
  if (health === 'unhealthy') return 'is unhealthy';
  return restarts > 0 ? `failed and was restarted${because}` : undefined;
}
