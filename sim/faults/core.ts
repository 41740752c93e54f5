/** Who is healed in the end: everyone, or only as many as the promises need. */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Acceptor } from '../../protocol/roster/acceptor.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import { below, happens, type Stream, streamOf } from '../choice.ts';
import type { Host } from '../host.ts';
import { isWitness } from '../options.ts';
import type { HostIndex } from '../strike.ts';
import type { World } from '../world.ts';

/**
 * A majority of the voters of every roster in use, and of those it may yet grow to, whoever joined them
 * by chance, and no more.
 */
export function drawCore(world: World): ReadonlySet<HostIndex> {
  const { hosts, options, choices } = world;
  const all = new Set(hosts.map(({ index }) => index));
  if (options.calm === 'all') return all;
  const draw = streamOf(choices, 'calm');
  const core = new Set(all);
  for (const host of shuffled(draw, hosts)) {
    core.delete(host.index);
    if (!suffices(world, core) || happens(draw, 300)) core.add(host.index);
  }
  return core;
}

function suffices({ hosts, byId, options }: World, core: ReadonlySet<HostIndex>): boolean {
  const isKept = (voter: HostId): boolean => {
    const host = byId.get(voter);
    return host !== undefined && core.has(host.index);
  };
  // Who has not fetched the old voters' state may need a majority of them for it, and is none of them.
  const isSynced = (voter: HostId): boolean =>
    (byId.get(voter)?.disk.durable.get('host') as Numbers | undefined)?.synced === true;
  const votes = (voter: HostId): boolean => isKept(voter) && isSynced(voter);
  const runs = hosts.some(({ index }) => core.has(index) && !isWitness(options, index));
  // A change may be concluded by the last word of one that is lost then.
  const mayGrow = (next: readonly HostId[]): boolean =>
    2 * next.filter(isKept).length > next.length &&
    (2 * next.filter(votes).length > next.length ||
      next.every((voter) => isKept(voter) || !isSynced(voter)));
  return (
    runs &&
    rostersOf(hosts).every(
      ({ voters, next }) =>
        2 * voters.filter(votes).length > Math.max(voters.length, sizeOf(hosts.length)) &&
        (next === undefined || mayGrow(next)),
    )
  );
}

type Numbers = { readonly synced: boolean };

/** How many voters a cluster of so many hosts will have. */
const sizeOf = (hostCount: number): number => (hostCount < 3 ? 1 : hostCount < 7 ? 3 : 5);

/**
 * From the disks: some agents are down. Of two changes ago nothing is in use any more; what one voter has
 * accepted may have been chosen, so whoever asks it has to carry it on.
 */
function rostersOf(hosts: readonly Host[]): readonly Roster[] {
  const rosters = hosts.flatMap(({ disk }) => {
    const roster = disk.durable.get('roster') as Roster | undefined;
    return roster === undefined || roster.voters.length === 0 ? [] : [roster];
  });
  const newest = Math.max(...rosters.map(({ epoch }) => epoch));
  const accepted = hosts.flatMap(({ disk }) => {
    const acceptor = disk.durable.get('acceptor') as Acceptor | undefined;
    return acceptor?.accepted === undefined ? [] : [acceptor.accepted.roster];
  });
  return [
    ...rosters.filter(({ epoch }) => epoch >= newest - 1),
    ...accepted.filter(({ epoch }) => epoch > newest),
  ];
}

function shuffled(draw: Stream, hosts: readonly Host[]): readonly Host[] {
  return hosts
    .map((host) => ({ host, rank: below(draw, 1000) }))
    .sort((a, b) => a.rank - b.rank || a.host.index - b.host.index)
    .map(({ host }) => host);
}
