/**
 * The revisions that a component has had, in its record: what a user may put back, and what became of
 * the others (U9). At most `HISTORY_MAX`; specs that do not fit beside what slots have are not kept, the
 * oldest first, and of those only the rest is.
 */
import { jsonBytes } from '../component/size.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { HISTORY_MAX, STACK_CHARS_MAX } from '../limits.ts';
import type { Component, Past, Rollout, Stack, Version } from '../record/record.ts';
import { isUnderWay } from './draft.ts';
import { revisionIn } from './version.ts';

type Next = Version & { readonly rollout?: Rollout };

/** As it is with what is to be written next. */
export function recall(
  current: Component | undefined,
  next: Next,
  stack: Pick<Stack, 'since' | 'at'>,
): readonly Past[] {
  const known = current === undefined ? [] : (current.history ?? [firstOf(current, next)]);
  const present = known.at(-1);
  if (current === undefined || present === undefined) return [entryOf(next, stack)];
  if (present.revision === next.revision && hasSameFormer(current, next) && current.history)
    return known;
  const ended =
    present.revision === next.revision ? [] : [{ ...present, ...endOf(current, next) } as const];
  const before = [...known.slice(0, -1), ...ended].filter((one) => one.revision !== next.revision);
  // What was taken back makes room for one that is known; whatever else is to come was asked for now.
  const isBack = next.rollout?.refused !== undefined;
  const again = isBack ? known.find(({ revision }) => revision === next.revision) : undefined;
  const last = present.revision === next.revision ? present : entryOf(next, again ?? stack);
  return [...withSpecs(before.slice(1 - HISTORY_MAX), current, next), last];
}

const entryOf = ({ revision }: Version, { since, at }: Pick<Past, 'since' | 'at'>): Past => ({
  revision,
  since,
  ...(at === undefined ? {} : { at }),
});

/** Of a record that is older than histories. */
const firstOf = (current: Component, next: Next): Past => ({
  revision: revisionIn(current, next),
  since: current.stackRevision,
});

/** What becomes of the present revision as the next one is to come. */
function endOf(current: Component, next: Next): Pick<Past, 'became' | 'why'> {
  const { rollout, slots } = current;
  const revision = revisionIn(current, next);
  const refused = next.rollout?.refused;
  if (refused !== undefined && refused.revision === revision)
    return { became: 'takenBack', why: refused.why };
  if (next.spec.steering?.undoes === revision) return { became: 'undone' };
  if (rollout?.paused !== undefined) return { became: 'paused', why: rollout.paused };
  return { became: slots.some(isUnderWay) ? 'overtaken' : 'done' };
}

const hasSameFormer = ({ rollout }: Component, next: Next): boolean => {
  const [was, is] = [rollout?.former ?? [], next.rollout?.former ?? []];
  return was.length === is.length && was.every(({ revision }, at) => revision === is[at]?.revision);
};

/** Each spec once, here or with the slots that have it; the oldest ones give way. */
function withSpecs(before: readonly Past[], current: Component, next: Next): readonly Past[] {
  const { spec, rollout } = current;
  const former = next.rollout?.former ?? [];
  const there = new Set(former.map((version) => version.revision));
  const known = new Map<string, ComponentSpec>([
    [revisionIn(current, next), spec],
    ...(rollout?.former ?? []).map((version) => [version.revision, version.spec] as const),
  ]);
  let bytes = jsonBytes([next.spec, ...former]);
  const all = before.toReversed().map(({ spec: kept, ...rest }): Past => {
    const its = there.has(rest.revision) ? undefined : (kept ?? known.get(rest.revision));
    if (its === undefined) return rest;
    bytes += jsonBytes(its) + 1;
    return bytes > STACK_CHARS_MAX ? rest : { ...rest, spec: its };
  });
  return all.reverse();
}
