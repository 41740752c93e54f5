/** L3 Whoever is silent is dead for the whole core, and whoever is well is alive, for good. */
import type { HostId } from '../../../protocol/base/ids.ts';
import { type Calm, lastWord, type Owed, type Participant } from './owed.ts';

export function misbelieved(calm: Calm): readonly Owed[] {
  return calm.team.flatMap((viewer) =>
    [...viewer.core.membership.members].flatMap(([about, { health, boot }]): readonly Owed[] => {
      const truth = truthOf(calm, about);
      const isGone = health === 'left' && truth?.health === 'dead';
      const isTrue = (health === truth?.health || isGone) && (truth.boot ?? boot) === boot;
      if (truth === undefined || isTrue) return [];
      return [owedBelief(viewer, about, health, truth.health)];
    }),
  );
}

function owedBelief(viewer: Participant, about: HostId, belief: string, truth: string): Owed {
  const { id } = viewer.host;
  const text = `${id} believes ${about} ${belief}, it is ${truth}${lastWord(viewer, about)}`;
  return { rule: 'L3', about: `${about} at ${id}`, text };
}

type Truth = { readonly health: 'alive' | 'dead'; readonly boot?: number };

/** Undefined: anything may be believed of it. */
function truthOf({ world, standings, team }: Calm, id: HostId): Truth | undefined {
  const host = world.byId.get(id);
  if (host === undefined) return { health: 'dead' }; // its disk was lost, and its name with it
  const one = team.find((each) => each.host === host);
  if (one !== undefined) return { health: 'alive', boot: one.core.boot };
  return standings[host.index] === 'silent' ? { health: 'dead' } : undefined;
}
