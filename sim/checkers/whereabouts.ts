/**
 * S25 No leader gives a slot to a host that the component's placement rules exclude, nor more slots to
 *     one than they allow.
 *
 * The rules are read here once more, as simply as they can be said. By what the leader knew of labels
 * before the step and after it: it was so when this was decided.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { ComponentSpec, Subject } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Committed, RecordValue, Slot } from '../../protocol/record/record.ts';
import { CAPACITY, type Host, labelsOf, PLATFORM } from '../host.ts';
import { type Given, slotsBefore } from './given.ts';
import type { List, Lists } from './lists.ts';
import type { Report } from './report.ts';

export type WhereaboutsChecker = {
  readonly report: Report;
  readonly given: Given;
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
  lists: Lists,
): void {
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'write')
      judge(checker, host, effect.message, lists);
}

function judge(
  { report, given, judged }: WhereaboutsChecker,
  host: Host,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
  { before: then, after: now }: Lists,
): void {
  if (value.kind !== 'component') return;
  const before = slotsBefore(given, host, { key, value });
  const isNew = !judged.has(value);
  judged.add(value);
  if (revision.seq === 0 || !isNew) return;
  for (const { slot, host: at } of value.slots) {
    const isThere = (each: Slot): boolean =>
      each.slot === slot && (each.host === at || each.from === at);
    if (before.some(isThere)) continue;
    // What has ended takes no room.
    const there = value.slots.filter((each) => each.host === at && each.ended === undefined);
    const own = there.length;
    if (!isAllowed(value.spec, at, then) && !isAllowed(value.spec, at, now))
      report('S25', `${host.id} gives ${key} ${slot} to ${at}, against its constraints`);
    if (own > mostPerHost(value.spec))
      report('S25', `${host.id} gives ${key} ${slot} to ${at}, which has ${own} of it then`);
  }
}

/** A port of the host can be published once. */
export function mostPerHost({ mode, placement, ports }: ComponentSpec): number {
  const isOne = mode === 'global' && placement?.fill !== true;
  if (isOne || fixesPort({ ports })) return 1;
  return Math.min(placement?.perHostMax ?? Infinity, roomFor(placement, 0, 0));
}

export const fixesPort = ({ ports }: Pick<ComponentSpec, 'ports'>): boolean =>
  ports.some(({ published }) => published !== undefined);

/** How many more slots find room beside what is reserved. */
export function roomFor(
  placement: ComponentSpec['placement'],
  milliCpus: number,
  memoryBytes: number,
): number {
  const { reserves = {} } = placement ?? {};
  const cpus = (1000 * CAPACITY.cpuCount - milliCpus) / (reserves.milliCpus ?? 0);
  const memory = (CAPACITY.memoryBytes - memoryBytes) / (reserves.memoryBytes ?? 0);
  return Math.floor(
    Math.min(reserves.milliCpus ? cpus : Infinity, reserves.memoryBytes ? memory : Infinity),
  );
}

export const isAllowed = ({ placement }: ComponentSpec, id: HostId, list: List): boolean =>
  (placement?.constraints ?? []).every(
    (asked) => (asked.operator === '==') === (wordOf(asked, id, list) === asked.value),
  );

/** Its name is its id, and its own labels go by its number, whatever life it lives. */
export function wordOf(asked: Subject, id: HostId, list: List): string {
  if (asked.kind === 'label') {
    const own = labelsOf(Number.parseInt(id.slice(1), 10) - 1);
    return list.get(id)?.labels?.[asked.label] ?? own[asked.label] ?? '';
  }
  return asked.kind === 'id' || asked.kind === 'hostname' ? id : PLATFORM[asked.kind];
}
