/**
 * S25 No leader gives a slot to a host that the component's placement rules exclude, nor more slots to
 *     one than they allow.
 *
 * The rules are read here once more, as simply as they can be said.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { ComponentSpec, Constraint } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Committed, RecordValue, Slot } from '../../protocol/record/record.ts';
import { type Host, labelsOf, PLATFORM } from '../host.ts';
import type { Report } from './report.ts';

export type WhereaboutsChecker = {
  readonly report: Report;
  /** The slots of each component and life of its stack as they were written last. */
  readonly given: Map<string, readonly Slot[]>;
  /** Repeated, an assignment is not decided on again. */
  readonly judged: WeakSet<RecordValue>;
};

export const createWhereaboutsChecker = (report: Report): WhereaboutsChecker => ({
  report,
  given: new Map(),
  judged: new WeakSet(),
});

export function checkWhereabouts(
  checker: WhereaboutsChecker,
  host: Host,
  effects: readonly Effect[],
): void {
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'write')
      judge(checker, host, effect.message);
}

function judge(
  { report, given, judged }: WhereaboutsChecker,
  { id: by }: Host,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
): void {
  if (value.kind !== 'component') return;
  const name = `${key} ${value.life}`;
  const before = given.get(name) ?? [];
  given.set(name, value.slots);
  const isNew = !judged.has(value);
  judged.add(value);
  if (revision.seq === 0 || !isNew) return;
  for (const { slot, host } of value.slots) {
    if (before.some((was) => was.slot === slot && was.host === host)) continue;
    const own = value.slots.filter((each) => each.host === host).length;
    if (!isAllowed(value.spec, host))
      report('S25', `${by} gives ${key} ${slot} to ${host}, against its constraints`);
    if (own > mostPerHost(value.spec))
      report('S25', `${by} gives ${key} ${slot} to ${host}, which has ${own} of it then`);
  }
}

export const mostPerHost = ({ mode, placement }: ComponentSpec): number =>
  mode === 'global' ? 1 : (placement?.perHostMax ?? Infinity);

export const isAllowed = ({ placement }: ComponentSpec, id: HostId): boolean =>
  (placement?.constraints ?? []).every(
    (asked) => (asked.operator === '==') === (wordOf(asked, id) === asked.value),
  );

/** Its name is its id, and its labels go by its number, whatever life it lives. */
function wordOf(asked: Constraint, id: HostId): string {
  if (asked.kind === 'label')
    return labelsOf(Number.parseInt(id.slice(1), 10) - 1)[asked.label] ?? '';
  return asked.kind === 'id' || asked.kind === 'hostname' ? id : PLATFORM[asked.kind];
}
