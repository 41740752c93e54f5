/** L11 No two slots have the same number on hosts, none has one that a spec fixes, and each runs with its own. */
import { componentId, stackOf } from '../../../protocol/base/ids.ts';
import { type ChosenPorts, openPorts, portName } from '../../../protocol/component/port.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Observed } from '../../../protocol/input.ts';
import type { Component } from '../../../protocol/record/record.ts';
import { seatName } from '../../engine/engine.ts';
import { chosenIn, type Claim, fixedBy, fixedIn } from '../ports.ts';
import { newestRecords, newestStacks } from './newest.ts';
import type { Calm, Owed } from './owed.ts';

/** `isLedWell`: what one leads that is half alive nobody can be asked for. */
export function contested(
  calm: Calm,
  isLedWell: (component: Component['component']) => boolean,
): readonly Owed[] {
  const stacks = new Map(newestStacks(calm).map(({ name, stack }) => [name, stack]));
  const values = [...newestRecords(calm).values()].flatMap(({ value }): readonly Component[] => {
    if (value.kind !== 'component') return [];
    const stack = stacks.get(stackOf(value.component));
    const isThere = stack?.spec?.components.some(({ name }) => name === value.spec.name) === true;
    return isThere && stack.life === value.life ? [value] : [];
  });
  const wanted = [...stacks].flatMap(([name, { spec }]) =>
    (spec?.components ?? []).flatMap((each) => fixedBy(componentId(name, each.name), each)),
  );
  const fixed = [...wanted, ...values.flatMap(fixedIn)];
  const chosen = values.flatMap(chosenIn);
  return chosen.flatMap((claim): readonly Owed[] => {
    const { number, by, slot = 0 } = claim;
    const isSame = (other: Claim): boolean =>
      other !== claim && other.number === number && other.protocol === claim.protocol;
    const rival =
      fixed.find(isSame) ?? chosen.filter(isSame).find((other) => !isAfter(other, claim));
    if (rival === undefined || !isLedWell(by)) return [];
    const text = `${seatName(by, slot)} has ${number}, as has ${rival.by}`;
    return [{ rule: 'L11', about: `${number} of ${seatName(by, slot)}`, text }];
  });
}

/** Whoever comes first by name, and of one component by its number, keeps it. */
const isAfter = (a: Claim, b: Claim): boolean =>
  a.by > b.by || (a.by === b.by && (a.slot ?? 0) > (b.slot ?? 0));

/** It has all numbers that its slot was given. */
export const hasItsNumbers = (
  { ports }: Observed,
  spec: ComponentSpec,
  given: ChosenPorts = {},
): boolean =>
  openPorts(spec).every((port) => {
    const wanted = given[portName(port)];
    return (
      wanted === undefined ||
      ports.some(({ target, published }) => target === port.target && published === wanted)
    );
  });
