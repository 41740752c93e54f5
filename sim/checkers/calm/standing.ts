/**
 * What becomes of whoever is not healed: the rest of the cluster stays as it is for ever. What may be
 * demanded of the healed core depends on what it can still hear of the others.
 */
import { quorum, type Roster } from '../../../protocol/roster/roster.ts';
import { ofMillis } from '../../event-queue.ts';
import { isPaused, type Host } from '../../host.ts';
import { obstacleOf } from '../../network/obstacles.ts';
import type { World } from '../../world.ts';

export type Standing =
  /** Healed. */
  | 'core'
  /** Not healed, for nothing ailed it nor its links with the core. */
  | 'sound'
  /** Nothing it sends can reach the core, by no detour either. */
  | 'silent'
  /** Anything between: it is heard now and then, or by some, or hears nothing itself. */
  | 'half';

/** By index of host. */
export function standingsOf(world: World): readonly Standing[] {
  const { hosts, core } = world;
  const standings = hosts.map(({ index }): Standing =>
    core === undefined || core.has(index) ? 'core' : 'half',
  );
  for (const host of hosts)
    if (standings[host.index] === 'half' && isSound(world, host, standings))
      standings[host.index] = 'sound';
  const heard = heardOf(world, standings);
  return standings.map((standing, index) =>
    standing === 'half' && !heard.has(index) ? 'silent' : standing,
  );
}

export const isWell = (standing: Standing | undefined): boolean =>
  standing === 'core' || standing === 'sound';

/** Whether enough of the voters that it knows of can talk with it, each by itself. */
export function canHearQuorum(world: World, host: Host, roster: Roster): boolean {
  return quorum(roster, (id) => {
    const voter = world.byId.get(id);
    if (voter === undefined || voter === host) return voter === host;
    const isOpen = (from: Host, to: Host): boolean =>
      obstacleOf(world.network, from.index, to.index) !== 'blocked';
    return speaks(world, voter) && isOpen(host, voter) && isOpen(voter, host);
  });
}

/** Everyone from whom a chain of hosts leads to the core over which something may pass. */
function heardOf(world: World, standings: readonly Standing[]): ReadonlySet<number> {
  const heard = new Set(standings.keys().filter((index) => isWell(standings[index])));
  for (let size = -1; size !== heard.size;) {
    size = heard.size;
    for (const host of world.hosts)
      if (
        !heard.has(host.index) &&
        speaks(world, host) &&
        [...heard].some((to) => obstacleOf(world.network, host.index, to) !== 'blocked')
      )
        heard.add(host.index);
  }
  return heard;
}

/** Steps that come late are no silence. */
const LATE = ofMillis(1000);

const speaks = ({ queue }: World, host: Host): boolean =>
  host.agent !== undefined && !isPaused(host, queue.now + LATE);

function isSound(world: World, host: Host, standings: readonly Standing[]): boolean {
  const { fault } = host.disk;
  const { hang, restart, crashLoop, meddle } = host.engine.faults;
  const ails = host.lagMs + hang + restart + crashLoop + meddle > 0 || fault !== undefined;
  if (ails || !speaks(world, host) || !isFair(world)) return false;
  return standings.every(
    (standing, other) =>
      other === host.index ||
      !isWell(standing) ||
      (obstacleOf(world.network, host.index, other) === 'none' &&
        obstacleOf(world.network, other, host.index) === 'none'),
  );
}

/** The weather that goes on for whoever is not healed is harmless. */
const isFair = ({ options }: World): boolean =>
  options.lossPermille === 0 &&
  options.tailPermille === 0 &&
  options.fsyncMs <= 30 &&
  options.lifeMs === undefined;
