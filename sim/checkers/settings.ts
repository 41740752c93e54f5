/**
 * S28 What users have set of a host is changed only by what a user asks for and has not been answered,
 *     once (F3), and by nothing else. No leader gives a slot to a host that it knows to be cordoned or drained,
 *     unless it runs there already.
 */
import { type HostId, ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/command/adjusts.ts';
import { sameData } from '../../protocol/base/same.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Committed, Member, RecordValue, Slot } from '../../protocol/record/record.ts';
import type { Agent, Host } from '../host.ts';
import { type Lists, membersIn } from './lists.ts';
import type { Report } from './report.ts';

type Wish = { readonly host: HostId; readonly change: Change };

export type SettingChecker = {
  readonly report: Report;
  /** Asked by users, and not answered: by the id of the command. */
  readonly wishes: Map<string, Wish>;
  readonly given: Map<string, readonly Slot[]>;
  readonly judged: WeakSet<RecordValue>;
};

export const createSettingChecker = (report: Report): SettingChecker => ({
  report,
  wishes: new Map(),
  given: new Map(),
  judged: new WeakSet(),
});

export function checkSettings(
  checker: SettingChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
  lists: Lists,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  if (input.kind === 'commandGiven' && input.command.kind === 'adjust')
    checker.wishes.set(input.commandId, input.command);
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { value, revision } = effect.message;
    const isNew = !checker.judged.has(value) && revision.seq > 0;
    checker.judged.add(value);
    if (value.kind === 'members' && isNew) checkChange(checker, host, agent, effect.message);
    if (value.kind === 'component') checkGiven(checker, host, effect.message, { ...lists, isNew });
  }
  // What it answers in this very step it may have written in it.
  for (const effect of effects)
    if (
      effect.kind === 'reply' &&
      (effect.result.kind === 'adjusted' || effect.result.kind === 'refused')
    )
      checker.wishes.delete(effect.commandId);
}

/** What it writes is built on what it has committed last. */
function checkChange(
  { report, wishes }: SettingChecker,
  { id: by }: Host,
  { core }: Agent,
  written: Pick<Committed, 'value'>,
): void {
  const known = core.writers.get(ROSTER_KEY)?.record;
  const base = membersIn(known);
  const rise = countIn(written) - countIn(known);
  if (rise !== 0 && rise !== 1) report('S28', `${by} counts on by ${rise}`);
  if (rise === 0 && known !== undefined && sameData(known.value, written.value))
    report('S28', `${by} writes the list of members as it is`);
  for (const [id, member] of membersIn(written)) {
    const was = base.get(id);
    if (was === undefined || textOf(was) === textOf(member)) continue;
    const isAsked = [...wishes.values()].some(
      ({ host, change }) => host === id && textOf(wished(was, change)) === textOf(member),
    );
    if (!isAsked || rise !== 1)
      report('S28', `${by} makes ${id} ${textOf(member)}, which nobody waits for`);
  }
}

/** How often somebody was adjusted. */
const countIn = (record: Pick<Committed, 'value'> | undefined): number =>
  record?.value.kind === 'members' ? (record.value.adjusted ?? 0) : 0;

type Set = Pick<Member, 'labels' | 'availability'>;

/** Sorted, as far as it matters. */
function textOf({ labels = {}, availability }: Set): string {
  const told = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [availability ?? 'active', ...told.sort()].join(' ');
}

function wished({ labels, availability }: Set, change: Change): Set {
  const now = availability === undefined ? {} : { availability };
  if (change.kind === 'availability')
    return {
      labels: { ...labels },
      ...(change.to === 'active' ? {} : { availability: change.to }),
    };
  const left = Object.entries({ ...labels, ...change.set });
  const kept = left.filter(([name]) => !change.unset.includes(name));
  return { ...now, labels: Object.fromEntries(kept) };
}

function checkGiven(
  { report, given }: SettingChecker,
  { id: by, agent }: Host,
  { key, value }: Pick<Committed, 'key' | 'value'>,
  { before, after, isNew }: Lists & { readonly isNew: boolean },
): void {
  if (value.kind !== 'component') return;
  const name = `${key} ${value.life}`;
  const slots = given.get(name) ?? [];
  given.set(name, value.slots);
  if (!isNew) return;
  // What was written last may never have been committed.
  const base = agent?.core.writers.get(key)?.record?.value;
  const committed = base?.kind === 'component' ? base.slots : [];
  for (const { slot, host } of value.slots) {
    const isThere = (each: Slot): boolean =>
      each.slot === slot &&
      (each.host === host || each.from === host || each.left?.includes(host) === true);
    const had = slots.some(isThere) || committed.some(isThere);
    const [then, now] = [before.get(host)?.availability, after.get(host)?.availability];
    if (!had && then !== undefined && now !== undefined)
      report('S28', `${by} gives ${key} ${slot} to ${host}, which is ${now}`);
  }
}
