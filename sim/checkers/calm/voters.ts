/** L6 The roster reaches its size, and no change of it stays half done. */
import { type Calm, type Owed, lastWord, standingOf } from './owed.ts';
import { leaderOf } from './leaders.ts';
import { isWell } from './standing.ts';
import { ROSTER_KEY } from '../../../protocol/base/ids.ts';

/** A cluster that began with one voter has this many as soon as it can. */
const GROWN = 3;

export function missingVoters(calm: Calm): readonly Owed[] {
  const leader = leaderOf(calm, ROSTER_KEY);
  // Only the leader changes the roster: what one does that is half alive, nobody can say.
  if (leader === undefined || !isWell(standingOf(calm, leader))) return [];
  const one = calm.team.find(({ host }) => host === leader);
  if (one === undefined) return [];
  const { epoch, voters, next } = one.core.council.roster;
  const wanted = sizesOf(calm);
  if (next === undefined && wanted.includes(voters.length)) return [];
  const what = next === undefined ? '' : ` on their way to ${next.join(' ')}`;
  const text = `epoch ${epoch} has the voters ${voters.join(' ')}${what}, owed are ${wanted.join(' or ')}`;
  return [{ rule: 'L6', about: 'voters', text: text + lastWord(one, ROSTER_KEY) }];
}

function sizesOf({ world, team }: Calm): readonly number[] {
  const { voterCount } = world.options;
  if (voterCount > 1) return [voterCount];
  // With fewer it cannot grow any more, but may have grown before.
  return team.length >= GROWN ? [GROWN] : [1, GROWN];
}
