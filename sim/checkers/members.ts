/**
 * S20 Nobody is forgotten whom the leader of the list of members believes alive, unless it leaves and has
 *     no slots by what the leader knows; nor anybody who has a vote by its roster (F1). What leaves is
 *     given no slot. Nobody is let in but by what it has asked for since it was forgotten (F2). Who has
 *     learned that it is forgotten leads nothing, starts nothing, keeps nothing of what was committed but
 *     the list, and says nothing more but that it wants to be let in.
 */
import { type HostId, ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Belief } from '../../protocol/membership/member.ts';
import type { Committed, RecordValue } from '../../protocol/record/record.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import type { Agent, Host } from '../host.ts';
import { type Given, slotsBefore } from './given.ts';
import type { Report } from './report.ts';

export type MemberChecker = {
  readonly report: Report;
  /** The start under which each host asked last to be let in, and that which was forgotten. */
  readonly asked: Map<HostId, number>;
  readonly forgotten: Map<HostId, number>;
  /** The list that each agent knew after its last step. */
  readonly known: WeakMap<Agent, Committed>;
  readonly dismissed: Set<Agent>;
  /** By the last list that was written with them. */
  readonly leaving: Set<HostId>;
  readonly given: Given;
  /** Lists that were judged as they were decided on; repeated, they are judged by later news. */
  readonly judged: WeakSet<RecordValue>;
};

export const createMemberChecker = (report: Report): MemberChecker => ({
  report,
  asked: new Map(),
  forgotten: new Map(),
  known: new WeakMap(),
  dismissed: new Set(),
  leaving: new Set(),
  given: new Map(),
  judged: new WeakSet(),
});

/** After every step of who has learned that it is forgotten. */
export function checkDismissed(
  checker: MemberChecker,
  host: Host,
  effects: readonly Effect[],
): void {
  const { agent } = host;
  if (agent === undefined || checker.dismissed.size === 0) return;
  if (checker.dismissed.has(agent)) checkSilent(checker, host, agent, effects);
}

/** `believed`: of the others, before this step. */
export function checkMembers(
  checker: MemberChecker,
  host: Host,
  believed: ReadonlyMap<HostId, Belief> | undefined,
  effects: readonly Effect[],
): void {
  const { agent } = host;
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind !== 'send') continue;
    const { message } = effect;
    if (message.kind === 'join' && message.host === host.id)
      checker.asked.set(host.id, Math.max(message.boot, checker.asked.get(host.id) ?? 0));
    if (message.kind !== 'write') continue;
    const isNew = !checker.judged.has(message.value);
    if (message.key === ROSTER_KEY && message.revision.seq > 0 && isNew)
      checkChange(checker, host, agent, believed, message);
    checker.judged.add(message.value);
    noteWritten(checker, host, agent, message);
  }
  const list = agent.core.committed.byKey.get(ROSTER_KEY);
  if (list === undefined || checker.known.get(agent) === list) return;
  checker.known.set(agent, list);
  const isIn = idsOf(list).includes(host.id);
  if (agent.core.council.roster.epoch > 0 && !isIn) checker.dismissed.add(agent);
  else checker.dismissed.delete(agent);
}

const idsOf = ({ value }: Pick<Committed, 'value'>): readonly HostId[] =>
  value.kind === 'members' ? value.members.map(({ id }) => id) : [];

const leaversOf = ({ value }: Pick<Committed, 'value'>): readonly HostId[] =>
  value.kind === 'members'
    ? value.members.filter(({ leaving }) => leaving === true).map(({ id }) => id)
    : [];

const hasSlots = ({ core }: Agent, id: HostId): boolean =>
  [...(core.knowledge?.assignments.values() ?? [])].some(
    ({ isVoid, component }) =>
      !isVoid && component.slots.some(({ host, ended }) => host === id && ended === undefined),
  );

/** What leaves is given nothing. */
function noteWritten(
  { report, known, leaving, given }: MemberChecker,
  host: Host,
  agent: Agent,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
): void {
  if (value.kind === 'members')
    for (const member of value.members)
      if (member.leaving === true) leaving.add(member.id);
      else leaving.delete(member.id);
  if (value.kind !== 'component') return;
  const before = slotsBefore(given, host, { key, value });
  const list = known.get(agent);
  if (revision.seq === 0 || list === undefined) return;
  const leavers = leaversOf(list);
  const fresh = value.slots.find(
    ({ slot, host: at }) =>
      leavers.includes(at) && !before.some((was) => was.slot === slot && was.host === at),
  );
  if (fresh !== undefined)
    report('S20', `${host.id} gives ${key} ${fresh.slot} to ${fresh.host}, which leaves`);
}

function checkChange(
  { report, asked, forgotten, known, leaving }: MemberChecker,
  { id: by }: Host,
  agent: Agent,
  believed: ReadonlyMap<HostId, Belief> | undefined,
  written: Pick<Committed, 'value' | 'revision'>,
): void {
  // The list before it may have been committed in this very step, and was judged when it was written.
  const base = agent.core.writers.get(ROSTER_KEY)?.record;
  const was = base?.value.kind === 'members' ? base : known.get(agent);
  if (was === undefined) return;
  const [before, after] = [idsOf(was), idsOf(written)];
  for (const id of before) {
    if (after.includes(id)) continue;
    const health = believed?.get(id)?.health ?? 'alive';
    // What the only voter writes it tells nobody but itself.
    const isLeaving = leaving.has(id) || leaversOf(was).includes(id);
    if (!isLeaving && (health === 'alive' || health === 'suspect'))
      report('S20', `${by} forgets ${id}, and believes it ${health}`);
    // It may have said in this very step that it has ended.
    const isLeft = agent.core.membership.members.get(id)?.health === 'left';
    if (health === 'alive' && !isLeft && hasSlots(agent, id))
      report('S20', `${by} forgets ${id}, which leaves and is still to run something`);
    if (votersOf(agent.core.council.roster).includes(id))
      report('S20', `${by} forgets ${id}, which has a vote`);
    const boot = believed?.get(id)?.boot ?? 0;
    forgotten.set(id, Math.max(boot, forgotten.get(id) ?? 0));
  }
  for (const id of after) {
    if (before.includes(id)) continue;
    if ((asked.get(id) ?? 0) <= (forgotten.get(id) ?? -1))
      report('S20', `${by} lets ${id} in, which has not asked since it was forgotten`);
  }
}

/** What may still leave it or be asked of its engine. */
const QUIET: ReadonlySet<Effect['kind']> = new Set([
  'persist',
  'journal',
  'reply',
  'keepPeers',
  'stopInstance',
  'removeInstance',
  'listInstances',
]);

function checkSilent(
  { report }: MemberChecker,
  { id }: Host,
  { core }: Agent,
  effects: readonly Effect[],
): void {
  // The word that lets it in again is the last of that.
  const list = core.committed.byKey.get(ROSTER_KEY);
  if (list !== undefined && idsOf(list).includes(id)) return;
  const loud = effects.find(
    (effect) =>
      !QUIET.has(effect.kind) && !(effect.kind === 'send' && effect.message.kind === 'join'),
  );
  const what = loud?.kind === 'send' ? loud.message.kind : loud?.kind;
  if (what !== undefined) report('S20', `${id} is forgotten and goes on: ${what}`);
  const left = core.committed.byKey.size - 1 + core.registers.size + core.writers.size;
  if (left > 0) report('S20', `${id} is forgotten and has ${left} records, or leads`);
}
