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
 *  U8 What users say in between (`Steering`) holds until the stack is deployed anew: while they hold it
 *     nothing is taken; their word to go on ends a pause, and what was taken back is tried again.
 *  U9 Of the revisions before the newest are remembered, and what became of them (`history.ts`).
 *
 * A user's next deploy begins anew from wherever this one is: slots keep what they have until taken.
 *
 * Source: Docker Swarm's updater. Differs: what is next waits for what was before to stand, not only to
 * run; start-first stands in with extra slots, so that of one slot there are never two.
 */
import { type Instant } from '../base/time.ts';
import { jsonBytes } from '../component/size.ts';
import { DEFAULT_UPDATE, isBoundAlike, type UpdatePolicy } from '../component/update.ts';
import { STACK_CHARS_MAX, VERSIONS_MAX } from '../limits.ts';
import type { Component, Rollout, Slot, Stack, Version } from '../record/record.ts';
import { extraOf, take } from './batch.ts';
import { type Draft, isExtra, isHalted, isUnderWay, marked, type RolloutRequest } from './draft.ts';
import { recall } from './history.ts';
import { judge } from './trial.ts';
import { asWanted, isUndoing, revisionIn } from './version.ts';

/** What is to be placed, and under which revision. */
export type Course = {
  readonly target: Version;
  readonly slots: readonly Slot[];
  readonly former: readonly Version[];
  readonly failed: readonly number[];
  readonly forgiven: number;
  readonly paused?: string | undefined;
  /** It is paused, or a user holds it. */
  readonly halted: boolean;
  readonly refused?: Rollout['refused'];
  /** Slots wanted beyond `replicas` while it lasts (U2). */
  readonly extra: number;
  /** For the journal. */
  readonly notes: readonly string[];
  /** When it goes on by itself. */
  readonly dueAt: Instant | undefined;
};

export function rollOut(request: RolloutRequest): Course {
  const { watch, wanted, current } = request;
  // U7
  const bound = [current, ...(current?.rollout?.former ?? [])];
  if (!bound.every((each) => each === undefined || isBoundAlike(each.spec, wanted.spec)))
    return atOnce(wanted, current?.slots ?? []);
  const draft = begin(request);
  followTarget(draft);
  const why = judge(draft);
  if (why !== undefined) giveUp(draft, why);
  followTarget(draft);
  if (!draft.slots.some(({ trial }) => trial === true)) watch.restingSince ??= request.now;
  if (!isHalted(draft)) take(draft);
  if (draft.slots.some(({ trial }) => trial === true)) watch.restingSince = undefined;
  const { request: _, policy: __, ...course } = draft;
  return { ...course, halted: isHalted(draft), extra: extraOf(draft) };
}

/** Without a rollout: all slots have what is wanted. */
export const atOnce = (target: Version, slots: readonly Slot[]): Course => ({
  target,
  slots: slots.map((slot) => marked(slot, {})),
  former: [],
  failed: [],
  forgiven: 0,
  halted: false,
  extra: 0,
  notes: [],
  dueAt: undefined,
});

/** The record as it is to be, once the slots of a course have been placed. */
export function concluded(
  course: Course,
  placed: readonly Slot[],
  { current, stack }: { readonly current: Component | undefined; readonly stack: Stack },
): Pick<Component, 'spec' | 'revision' | 'rollout' | 'history' | 'slots'> {
  const { target, failed, forgiven, paused, halted, refused } = course;
  const marks = new Map(course.slots.map((slot) => [slot.slot, slot]));
  const isOn = course.extra > 0 || course.slots.some(isUnderWay) || paused !== undefined;
  const [good] = course.former;
  const slots = placed.map((slot): Slot => {
    const known = marks.get(slot.slot);
    if (known !== undefined) return marked(slot, known);
    if (!isOn) return slot;
    // A newcomer is on trial like all others, and gets nothing that has failed or is held.
    if (!halted) return marked(slot, { trial: true });
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
    ...(lasts && forgiven > 0 ? { forgiven } : {}),
    ...(paused === undefined ? {} : { paused }),
    ...(refused === undefined ? {} : { refused }),
  };
  const isNamed = lasts || refused !== undefined;
  const next = { ...target, ...(isNamed ? { rollout } : {}) };
  // A job runs anew, and nothing of it is put back.
  const known = current?.spec.job === undefined ? current : undefined;
  const history = target.spec.job === undefined ? recall(known, next, stack) : undefined;
  return { ...next, ...(history === undefined ? {} : { history }), slots };
}

/** Where the record is, and where the stack wants it to go. */
function begin(request: RolloutRequest): Draft {
  const { wanted, current } = request;
  const { former = [], failed = [], forgiven = 0, paused, refused } = current?.rollout ?? {};
  const draft: Draft = {
    request,
    policy: wanted.spec.update ?? DEFAULT_UPDATE,
    target: wanted,
    slots: current?.slots ?? [],
    former,
    failed,
    forgiven,
    paused,
    refused: undefined,
    notes: [],
    dueAt: undefined,
  };
  if (current === undefined) return draft;
  const revision = revisionIn(current, wanted);
  const isTriedAgain = hear(draft, current);
  if (refused?.revision === wanted.revision && !isTriedAgain) {
    // U5: what was put back stays.
    draft.target = { revision, spec: asWanted(current.spec, wanted.spec) };
    draft.policy = wayBack(draft);
    draft.refused = refused;
  } else if (revision !== wanted.revision) {
    if (isTriedAgain && refused !== undefined)
      draft.notes.push(`a user lets ${wanted.revision} be tried again`);
    draft.target = { revision, spec: current.spec };
    retarget(draft, wanted);
    if (wanted.spec.steering?.undoes === revision)
      draft.notes.push(`a user has taken ${revision} back`);
  }
  if (isUndoing(wanted, draft.former)) draft.policy = wayBack(draft);
  const { target } = draft;
  // What is above the wanted number stands in, or goes.
  draft.slots = draft.slots.map((slot) =>
    isExtra(target, slot) && slot.former !== undefined ? marked(slot, { trial: true }) : slot,
  );
  return draft;
}

/**
 * U8, whatever was not heard yet. What stands still goes on where it is, without the failures so far;
 * true: nothing did, and what was taken back is to be tried again.
 */
function hear(draft: Draft, { spec: { steering } }: Component): boolean {
  const { notes, paused, failed, target, request } = draft;
  const { held, resumed } = request.wanted.spec.steering ?? {};
  if (held === true && steering?.held !== true) notes.push(`a user holds ${target.revision}`);
  if (resumed === undefined || resumed === steering?.resumed) return false;
  if (paused === undefined) return steering?.held !== true;
  notes.push(`a user lets ${target.revision} go on`);
  draft.paused = undefined;
  draft.forgiven = failed.length;
  return false;
}

/** As the stack has it now, like all that is no matter of revisions. */
const wayBack = ({ request: { wanted } }: Draft): UpdatePolicy =>
  wanted.spec.rollback ?? DEFAULT_UPDATE;

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
  draft.forgiven = 0;
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

function giveUp(draft: Draft, why: string): void {
  const { policy, target, former, request } = draft;
  const { at } = request;
  const [good] = former;
  // What a user holds goes nowhere by itself.
  if (policy.onFailure !== 'rollback' || good === undefined || isHalted(draft)) {
    draft.paused = why;
    draft.notes.push(`the rollout of ${target.revision} is paused: ${why}`);
    return;
  }
  draft.refused = { revision: target.revision, why, ...(at === undefined ? {} : { at }) };
  draft.policy = wayBack(draft);
  draft.notes.push(`${target.revision} is taken back: ${why}`);
  // With what users have said, or it would be heard again.
  const { revision, spec } = good;
  retarget(draft, { revision, spec: asWanted(spec, request.wanted.spec) });
}
