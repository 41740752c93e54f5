/** U2: which slots are taken next, and what stands in for them. */
import { after, earlier } from '../base/time.ts';
import { type UpdatePolicy, whyStopFirst } from '../component/update.ts';
import { SLOTS_MAX } from '../limits.ts';
import type { Slot } from '../record/record.ts';
import { type Draft, isExtra, isHalted, isUnderWay, marked, stands } from './draft.ts';

/** U2. */
export function take(draft: Draft): void {
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
  // What has ended for good with what is to come comes back by no waiting.
  const isAwaited = (slot: Slot): boolean =>
    isAway(slot) && (slot.former !== undefined || request.reportOf(slot)?.isOver !== true);
  const size = sizeOf(draft);
  // Those above were for larger batches, and go.
  const isStandIn = (slot: Slot): boolean =>
    isExtra(target, slot) && slot.slot <= target.spec.replicas + size && !isAwaited(slot);
  const most = orderOf(draft) === 'stopFirst' ? size : slots.filter(isStandIn).length;
  const away = own.filter((slot) => slot.former === undefined && isAwaited(slot)).length;
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
export function extraOf(draft: Draft): number {
  const { target, slots } = draft;
  const own = slots.filter((slot) => !isExtra(target, slot));
  if (isHalted(draft) || !own.some(isUnderWay) || orderOf(draft) === 'stopFirst') return 0;
  return Math.min(sizeOf(draft), SLOTS_MAX - own.length);
}
