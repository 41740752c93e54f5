/**
 * L6 The roster reaches its size, a voter that nobody hears is replaced by one who is well, and no change
 *    stays half done.
 */
import { type HostId, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { leaderOf } from './leaders.ts';
import { leaversOf } from './newest.ts';
import { type Calm, lastWord, type Owed, standingOf } from './owed.ts';
import { isWell } from './standing.ts';

export function missingVoters(calm: Calm): readonly Owed[] {
  const leader = leaderOf(calm, ROSTER_KEY);
  // Only the leader changes the roster: what one does that is half alive, nobody can say.
  if (leader === undefined || !isWell(standingOf(calm, leader))) return [];
  const one = calm.team.find(({ host }) => host === leader);
  if (one === undefined) return [];
  const { epoch, voters, next } = one.core.council.roster;
  const lacks = next === undefined ? lackOf(calm, voters) : `is on its way to ${next.join(' ')}`;
  if (lacks === undefined) return [];
  const text = `epoch ${epoch} has the voters ${voters.join(' ')} and ${lacks}`;
  return [{ rule: 'L6', about: 'voters', text: text + lastWord(one, ROSTER_KEY) }];
}

/** Why these are not the voters they should be; undefined: they are, or nothing can be done about it. */
function lackOf(calm: Calm, voters: readonly HostId[]): string | undefined {
  const leavers = leaversOf(calm);
  const stay = calm.team.filter(({ host }) => !leavers.includes(host.id));
  const spare = stay.filter(({ host }) => !voters.includes(host.id));
  const well = calm.team.filter(({ host }) => voters.includes(host.id));
  if (2 * well.length <= voters.length) return undefined;
  const gone = voters.find((voter) => isGone(calm, voter));
  if (gone !== undefined && voters.length > 1 && spare.length > 0)
    return `${gone} is gone, ${spare.map(({ host }) => host.id).join(' ')} could vote instead`;
  const leaver = voters.find((voter) => leavers.includes(voter));
  if (leaver !== undefined && spare.length > 0 && well.length === voters.length)
    return `${leaver} leaves, ${spare.map(({ host }) => host.id).join(' ')} could vote instead`;
  const size = stay.length < 3 ? 1 : stay.length < 7 ? 3 : 5;
  const canGrow = spare.length >= 2 && well.length === voters.length;
  return canGrow && voters.length < size ? `should have ${size}` : undefined;
}

/** Nobody will ever hear of it again. */
function isGone(calm: Calm, voter: HostId): boolean {
  const host = calm.world.byId.get(voter);
  return host === undefined || standingOf(calm, host) === 'silent';
}
