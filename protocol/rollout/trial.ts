/** U3, U4: what becomes of new instances, by what their hosts say. */
import { after, earlier, type Instant } from '../base/time.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import { type Draft, isExtra, isUnderWay, isWell, marked } from './draft.ts';

/** U3. Why it goes on no more; undefined: no more have failed than the policy allows. */
export function judge(draft: Draft): string | undefined {
  const { request, policy, target } = draft;
  const { component, current, reportOf, watch, now } = request;
  // What comes only now has no new instance anywhere, though one of before may be of the same revision.
  if (current?.revision !== target.revision) return undefined;
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
  return whyStop(draft, why);
}

/** U4. What has failed before counts by the policy as it is now. */
function whyStop(draft: Draft, why: string | undefined): string | undefined {
  const { policy, target, slots, failed, forgiven, paused } = draft;
  const count = Math.max(1, slots.filter((slot) => !isExtra(target, slot)).length);
  const failures = failed.length - forgiven;
  const isTooMany = failures * 1e6 > policy.failuresMaxPpm * count;
  if (policy.onFailure === 'continue' || !isTooMany) return undefined;
  const isStanding = paused !== undefined || !slots.some(isUnderWay);
  return why ?? (isStanding ? undefined : `${failures} of ${count} have failed`);
}

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
