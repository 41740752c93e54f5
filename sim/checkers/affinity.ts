/**
 * S31 No leader gives a slot to a host where a component that it is to be beside has none, or one that it
 *     is to keep away from has any, nor leaves it there, by the assignments that it went by. As long as it
 *     does not know where they are it gives it to none.
 *
 * The rules are read here once more, as simply as they can be said.
 */
import { type ComponentId, componentId, type HostId, stackOf } from '../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Knowledge } from '../../protocol/core/knowledge.ts';
import type { Decided } from '../../protocol/core/state.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Committed, Component, RecordValue } from '../../protocol/record/record.ts';
import { seatName } from '../engine/engine.ts';
import type { Host } from '../host.ts';
import { type Given, slotsBefore } from './given.ts';
import type { Lists } from './lists.ts';
import type { Report } from './report.ts';

export type AffinityChecker = {
  readonly report: Report;
  readonly given: Given;
  /** Repeated, an assignment is not decided on again. */
  readonly judged: WeakSet<RecordValue>;
};

export const createAffinityChecker = (report: Report): AffinityChecker => ({
  report,
  given: new Map(),
  judged: new WeakSet(),
});

/** What a leader went by. */
type Grounds = { readonly lists: Lists; readonly decided: Decided | undefined };

export function checkAffinity(
  checker: AffinityChecker,
  host: Host,
  effects: readonly Effect[],
  groundsOf: (key: Committed['key']) => Grounds,
): void {
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'write')
      judge(checker, host, effect.message, groundsOf(effect.message.key));
}

function judge(
  { report, given, judged }: AffinityChecker,
  host: Host,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
  { lists, decided }: Grounds,
): void {
  if (value.kind !== 'component') return;
  const before = slotsBefore(given, host, { key, value });
  const isNew = !judged.has(value);
  judged.add(value);
  if (revision.seq === 0 || !isNew || decided === undefined) return;
  const { component, spec, slots } = value;
  const { knowledge } = decided;
  for (const { slot, host: at, from, ended } of slots) {
    const broken = brokenBond(component, spec, at, (other) => placeOf(knowledge, other));
    if (broken === undefined || ended !== undefined) continue;
    const was = before.filter((each) => each.slot === slot);
    const isThere = was.some((each) => each.host === at || each.from === at);
    const isBack = was.some(({ left }) => left?.includes(at) === true);
    const isMoved = from !== undefined || was.some((each) => each.from !== undefined);
    // What is not known moves nothing, and brings nothing back either.
    const mayStay = broken.isUnknown || spec.job !== undefined || isMoved;
    if (isThere ? mayStay || isExcused(knowledge, lists, at) : isBack && broken.isUnknown) continue;
    const what = isThere ? 'leaves' : 'gives';
    report('S31', `${host.id} ${what} ${seatName(component, slot)} on ${at}: ${broken.why}`);
  }
}

/** As it is committed, if it is known. */
export const placeOf = (
  { assignments }: Knowledge,
  component: ComponentId,
): Component | undefined => {
  const known = assignments.get(component);
  return known === undefined || known.isVoid ? undefined : known.component;
};

/** A slot stays there while it fits nowhere else. */
const isExcused = ({ alive, leaving }: Knowledge, { before, after }: Lists, at: HostId): boolean =>
  !alive.includes(at) ||
  leaving.has(at) ||
  [before, after].some((list) => list.get(at)?.availability === 'draining');

export type Broken = { readonly why: string; readonly isUnknown: boolean };

/** Undefined: it may be there, as far as the others are concerned. */
export function brokenBond(
  component: ComponentId,
  { placement }: Pick<ComponentSpec, 'placement'>,
  at: HostId,
  find: (other: ComponentId) => Component | undefined,
): Broken | undefined {
  const { affinity = [], antiAffinity = [] } = placement ?? {};
  const found = (name: string): Component | undefined =>
    find(componentId(stackOf(component), name));
  const known = [...affinity, ...antiAffinity].filter((name) => found(name) !== undefined);
  for (const name of known) {
    const isNear = affinity.includes(name);
    const isThere = hasSlotOn(found(name), at, isNear);
    if (isThere !== isNear)
      return { why: `${name} is ${isThere ? '' : 'not '}there`, isUnknown: false };
  }
  const isAllKnown = known.length === affinity.length + antiAffinity.length;
  return isAllKnown ? undefined : { why: 'nobody knows where others are', isUnknown: true };
}

/** `isNear`: what has ended there counts, what stands in there for a while does not. */
const hasSlotOn = (other: Component | undefined, at: HostId, isNear: boolean): boolean =>
  other?.slots.some(({ slot, host, from, ended }) => {
    const isLasting = other.spec.mode === 'global' || slot <= other.spec.replicas;
    return (host === at || from === at) && (isNear ? isLasting : ended === undefined);
  }) === true;
