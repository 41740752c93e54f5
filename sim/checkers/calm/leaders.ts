/**
 * L1 Every key that should have a leader has one. L7 the same while others are half alive.
 * L2 A leader that all is well with goes on leading. L8 also beside one that can send but not hear.
 */
import {
  componentId,
  componentKey,
  type HostId,
  type Key,
  ROSTER_KEY,
  stackKey,
} from '../../../protocol/base/ids.ts';
import { type Host, localNow } from '../../host.ts';
import { holdersOf } from '../leases.ts';
import { type Calm, lastWord, type Owed, type Participant, standingOf } from './owed.ts';
import { newestStacks } from './newest.ts';
import { isWell } from './standing.ts';

export const isTroubled = ({ standings }: Calm): boolean => standings.includes('half');

export function unled(calm: Calm): readonly Owed[] {
  const rule = isTroubled(calm) ? 'L7' : 'L1';
  return keysToLead(calm).flatMap((key): readonly Owed[] => {
    if (leaderOf(calm, key) !== undefined) return [];
    const tries = calm.team.map((one) => triesOf(one, key)).join(', ');
    return [{ rule, about: key, text: `${key} has no leader (${tries})` }];
  });
}

function keysToLead(calm: Calm): readonly Key[] {
  const keys = newestStacks(calm).flatMap(({ name, stack }): readonly Key[] => {
    if (stack.spec === undefined) return [];
    const components = stack.spec.components.map((spec) => componentId(name, spec.name));
    return [stackKey(name), ...components.map(componentKey)];
  });
  return [ROSTER_KEY, ...keys];
}

export const leaderOf = ({ leases, world }: Calm, key: Key): Host | undefined =>
  holdersOf(leases, key, world.queue.now)[0];

/** What a host that does not lead makes of it. */
function triesOf(one: Participant, key: Key): string {
  const { host, core } = one;
  const hold = core.leases?.holder.holds.get(key);
  const candidacy = core.leases?.candidacies.get(key);
  if (hold !== undefined) return `${host.id} asks for ballot ${hold.ballot}${lastWord(one, key)}`;
  if (candidacy === undefined) return `${host.id} does not try`;
  return `${host.id} has failed ${candidacy.failures} times`;
}

/** L7 A voter gives back what nobody counts on: or it would block the key for ever. */
export function leaked({ team, world }: Calm): readonly Owed[] {
  return team.flatMap(({ host, core }) =>
    [...(core.leases?.voter.places ?? [])].flatMap(([key, { binding }]): readonly Owed[] => {
      const owner = team.find((one) => one.host.id === binding?.session.owner);
      if (binding === undefined || owner === undefined || host.agent === undefined) return [];
      const isLive = localNow(host.agent, world.queue.now) < binding.session.expiresAt;
      if (!isLive || owner.core.leases?.holder.holds.has(key) === true) return [];
      const text = `${host.id} holds ${key} for ${owner.host.id}, which does not know of it`;
      return [{ rule: 'L7', about: `${key} at ${host.id}`, text }];
    }),
  );
}

/** Who leads what, of those who have no reason to stop. */
export type Reigns = ReadonlyMap<Key, HostId>;

export function reignsOf(calm: Calm): Reigns {
  const reigns = new Map<Key, HostId>();
  for (const key of keysToLead(calm)) {
    const leader = leaderOf(calm, key);
    if (leader !== undefined && isWell(standingOf(calm, leader))) reigns.set(key, leader.id);
  }
  return reigns;
}

export function dethroned(calm: Calm, before: Reigns): readonly Owed[] {
  const rule = isTroubled(calm) ? 'L8' : 'L2';
  const wanted = new Set(keysToLead(calm));
  return [...before].flatMap(([key, was]): readonly Owed[] => {
    const is = leaderOf(calm, key)?.id ?? 'nobody';
    if (is === was || !wanted.has(key)) return [];
    return [{ rule, about: `reign of ${key}`, text: `${was} led ${key}, now ${is} does` }];
  });
}
