/** What each agent knew of the members before a step and after it: one of both it has decided by. */
import { type HostId, ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Committed, Member } from '../../protocol/record/record.ts';
import type { Agent, Host } from '../host.ts';

export type List = ReadonlyMap<HostId, Member>;
export type Lists = { readonly before: List; readonly after: List };
/** As it was after the last step, and by which record. */
export type ListWatch = WeakMap<Agent, { readonly by: Committed; readonly list: List }>;

const NONE: List = new Map();

/** Once a step. */
export function lookAtList(watch: ListWatch, { agent }: Host): Lists {
  if (agent === undefined) return { before: NONE, after: NONE };
  const was = watch.get(agent);
  const before = was?.list ?? NONE;
  const by = agent.core.committed.byKey.get(ROSTER_KEY);
  if (by === undefined || was?.by === by) return { before, after: before };
  const after = membersIn(by);
  watch.set(agent, { by, list: after });
  return { before, after };
}

export const membersIn = (record: Pick<Committed, 'value'> | undefined): List =>
  new Map(
    record?.value.kind === 'members' ? record.value.members.map((each) => [each.id, each]) : [],
  );
