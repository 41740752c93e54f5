/** L12 Where a component asks for it, no slot of it could move to make them more even. */
import { componentKey, componentOf } from '../../../protocol/base/ids.ts';
import { flapsOf, membersOf, whyRestless } from '../../../protocol/membership/membership.ts';
import type { Component } from '../../../protocol/record/record.ts';
import { running, seatName } from '../../engine/engine.ts';
import { localNow } from '../../host.ts';
import { isMoreEven, moveTo } from '../balance.ts';
import { mayOverlap } from '../handovers.ts';
import { leaderOf } from './leaders.ts';
import { newestList } from './newest.ts';
import type { Calm, Owed, Participant } from './owed.ts';
import { fittingOf, isLedWell, type Part, partsOf } from './seats.ts';

export function uneven(calm: Calm): readonly Owed[] {
  const list = newestList(calm);
  const isWhole = [...list.keys()].every((id) => calm.team.some(({ host }) => host.id === id));
  if (!isWhole) return [];
  return partsOf(calm).flatMap((part) => {
    const { component, spec, record, life } = part;
    const value = record?.value;
    if (spec.placement?.rebalance !== true || !mayOverlap(spec)) return [];
    if (value?.kind !== 'component' || value.life !== life || !isLedWell(calm, component))
      return [];
    return isAtRest(calm, part, value) ? ofPart(calm, part, value) : [];
  });
}

/** All that is owed otherwise is there: else nothing is to be balanced. */
function isAtRest(calm: Calm, { component, spec }: Part, { slots, rollout }: Component): boolean {
  if (rollout?.paused !== undefined || spec.steering?.held === true) return false;
  return (
    slots.length === spec.replicas &&
    slots.every(
      ({ slot, host: at, former, trial, from }) =>
        former === undefined &&
        trial === undefined &&
        from === undefined &&
        calm.team.some(
          ({ host }) =>
            host.id === at &&
            running(host.engine).some(
              (each) =>
                each.component === component &&
                each.slot === slot &&
                (each.health === 'none' || each.health === 'healthy'),
            ),
        ),
    )
  );
}

function ofPart(calm: Calm, part: Part, { component, spec, slots }: Component): readonly Owed[] {
  const list = newestList(calm);
  const takers = fittingOf(calm, part).filter((one) => isSteady(calm, part, one));
  // Who follows it may have it stay.
  const isFollowed = part.stack.components.some(({ placement }) =>
    [...(placement?.affinity ?? []), ...(placement?.antiAffinity ?? [])].includes(
      componentOf(component),
    ),
  );
  if (isFollowed) return [];
  for (const { slot, host } of slots)
    for (const { host: taker } of takers)
      if (isMoreEven(spec, moveTo(slots, slot, taker.id), slots, list)) {
        const text = `${seatName(component, slot)} stays on ${host}, and would be better on ${taker.id}`;
        return [{ rule: 'L12', about: component, text }];
      }
  return [];
}

/** As its leader sees it: nothing is given to who flaps. */
function isSteady(calm: Calm, { component }: Part, { host: { id } }: Participant): boolean {
  const agent = leaderOf(calm, componentKey(component))?.agent;
  if (agent === undefined || agent.core.brake.phase !== 'free') return false;
  const { membership } = agent.core;
  const member = membersOf(membership).get(id);
  if (member === undefined) return id === agent.core.identity.host;
  const now = localNow(agent, calm.world.queue.now);
  return whyRestless(flapsOf(membership, id), member, now) === undefined;
}
