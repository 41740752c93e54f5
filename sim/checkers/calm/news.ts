/**
 * L4 What one host of the core knows, all of it get to know: the roster, every committed record, every
 *    inventory of one of them.
 *
 * One piece of news at a time is followed of each: once it has reached everyone, the newest is next.
 */
import { ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { allCommitted } from '../../../protocol/record/committed.ts';
import { votersOf } from '../../../protocol/roster/roster.ts';
import { leaversOf, takersOf } from './newest.ts';
import type { Calm, Owed, Participant } from './owed.ts';
import { isStranded } from './seats.ts';

/** As much of something as a host knows; the first counts more. */
type Extent = readonly [number, number];

export type News = Map<string, Extent>;

export function undelivered(news: News, { team }: Calm): readonly Owed[] {
  const known = team.map((one) => ({ one, extents: extentsOf(one, team) }));
  const names = new Set(known.flatMap(({ extents }) => [...extents.keys()]));
  const owed: Owed[] = [];
  for (const name of names) {
    const each = known.map(({ one, extents }) => ({ one, has: extents.get(name) ?? NOTHING }));
    const newest = each.map(({ has }) => has).reduce((a, b) => (compare(a, b) < 0 ? b : a));
    const behind = (goal: Extent): typeof each => each.filter(({ has }) => compare(has, goal) < 0);
    const followed = news.get(name) ?? newest;
    const goal = behind(followed).length === 0 ? newest : followed;
    news.set(name, goal);
    for (const { one, has } of behind(goal))
      owed.push({
        rule: 'L4',
        about: `${name} at ${one.host.id}`,
        text: `${one.host.id} knows ${name} up to ${has.join('.')}, others up to ${goal.join('.')}`,
      });
  }
  return owed;
}

const NOTHING: Extent = [0, 0];
const compare = (a: Extent, b: Extent): number => a[0] - b[0] || a[1] - b[1];

function extentsOf({ core }: Participant, team: readonly Participant[]): Map<string, Extent> {
  const extents = new Map<string, Extent>([['the roster', [core.council.roster.epoch, 0]]]);
  for (const { key, revision } of allCommitted(core.committed))
    extents.set(key, [revision.term, revision.seq]);
  for (const { host } of team) {
    const inventory = core.inventories.byOwner.get(host.id);
    if (inventory !== undefined)
      extents.set(`the inventory of ${host.id}`, [inventory.boot, inventory.version]);
  }
  return extents;
}

/** L1 Whoever knocks is let in. */
export function notLetIn({ team }: Calm): readonly Owed[] {
  return team.flatMap(({ host, core }) => {
    const listed = core.committed.byKey.get(ROSTER_KEY)?.value;
    const ids = listed?.kind === 'members' ? listed.members.map(({ id }) => id) : [];
    return team
      .filter((other) => !ids.includes(other.host.id))
      .map((other) => ({
        rule: 'L1',
        about: `${other.host.id} in the list of ${host.id}`,
        text: `${other.host.id} is no member, says ${host.id}`,
      }));
  });
}

/** L1 Whoever is to leave is out, once it has no vote, and unless others cannot run what it has. */
export function notOut(calm: Calm): readonly Owed[] {
  if (takersOf(calm).length === 0) return [];
  const leavers = leaversOf(calm);
  return calm.team
    .filter(({ host }) => leavers.includes(host.id))
    .filter(({ core, host }) => !votersOf(core.council.roster).includes(host.id))
    .filter(({ host }) => !isStranded(calm, host.id))
    .map(({ host: { id } }) => ({
      rule: 'L1',
      about: `${id} leaves`,
      text: `${id} is to leave, and is a member still`,
    }));
}
