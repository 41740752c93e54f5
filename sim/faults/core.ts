/** Who is healed in the end: everyone, or only as many as the promises need. */
import { below, happens, type Stream, streamOf } from '../choice.ts';
import type { Host } from '../host.ts';
import type { HostIndex } from '../strike.ts';
import type { World } from '../world.ts';

/** A majority of the voters of every roster known to anyone, whoever joined them by chance, and no more. */
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

function suffices({ hosts, byId }: World, core: ReadonlySet<HostIndex>): boolean {
  return rostersOf(hosts).every((voters) => {
    const kept = voters.filter((voter) => {
      const host = byId.get(voter as Host['id']);
      return host !== undefined && core.has(host.index);
    });
    return 2 * kept.length > voters.length;
  });
}

type Kept = { readonly voters: readonly string[]; readonly next?: readonly string[] };

/** From the disks: some agents are down. */
function rostersOf(hosts: readonly Host[]): readonly (readonly string[])[] {
  return hosts.flatMap(({ disk }) => {
    const roster = disk.durable.get('roster') as Kept | undefined;
    if (roster === undefined || roster.voters.length === 0) return [];
    return roster.next === undefined ? [roster.voters] : [roster.voters, roster.next];
  });
}

function shuffled(draw: Stream, hosts: readonly Host[]): readonly Host[] {
  return hosts
    .map((host) => ({ host, rank: below(draw, 1000) }))
    .sort((a, b) => a.rank - b.rank || a.host.index - b.host.index)
    .map(({ host }) => host);
}
