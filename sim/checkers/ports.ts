/**
 * S33 No leader gives a slot a number that a spec fixes or another slot has, nor takes one away that nobody
 *     with a better claim has, nor leaves a port without one while any is free, by the records that it
 *     went by. A host starts a slot with the numbers that the record gives it.
 *
 * The rules (P1 to P3) are read here once more, as simply as they can be said.
 */
import type { ComponentId } from '../../protocol/base/ids.ts';
import { openPorts, portName } from '../../protocol/component/port.ts';
import type { ComponentSpec, Port } from '../../protocol/component/spec.ts';
import type { Knowledge } from '../../protocol/core/knowledge.ts';
import type { Decided } from '../../protocol/core/state.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Committed, Component, RecordValue, Slot } from '../../protocol/record/record.ts';
import { specOf } from '../../protocol/rollout/version.ts';
import { seatName } from '../engine/engine.ts';
import type { Host } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';

export type PortChecker = {
  readonly report: Report;
  /** Repeated, an assignment is not decided on again. */
  readonly judged: WeakSet<RecordValue>;
};

export const createPortChecker = (report: Report): PortChecker => ({
  report,
  judged: new WeakSet(),
});

export function checkPorts(
  { report, judged }: PortChecker,
  host: Host,
  effects: readonly Effect[],
  decidedOn: (key: Committed['key']) => Decided | undefined,
): void {
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { key, value, revision } = effect.message;
    if (value.kind !== 'component' || judged.has(value)) continue;
    judged.add(value);
    const knowledge = decidedOn(key)?.knowledge;
    if (revision.seq === 0 || knowledge === undefined) continue;
    const base = host.agent?.core.writers.get(key)?.record?.value;
    const before = base?.kind === 'component' && base.life === value.life ? base.slots : [];
    const why = wrongNumber({ value, before, claims: claimsIn(knowledge, value.component) });
    if (why !== undefined) report('S33', `${host.id} ${why}`);
  }
}

/** A number, and to whom it belongs. */
export type Claim = {
  readonly number: number;
  readonly protocol: Port['protocol'];
  /** Absent: its spec fixes it. */
  readonly slot?: number;
  readonly by: ComponentId;
};

const isOf =
  (number: number, { protocol }: Port): ((claim: Claim) => boolean) =>
  (claim) =>
    claim.number === number && claim.protocol === protocol;

export const fixedBy = (
  by: ComponentId,
  { ports }: Pick<ComponentSpec, 'ports'>,
): readonly Claim[] =>
  ports.flatMap(({ published, protocol }) =>
    published === undefined ? [] : [{ number: published, protocol, by }],
  );

/** What the slots of a component have. */
export const chosenIn = (value: Component): readonly Claim[] =>
  value.slots.flatMap((slot) =>
    openPorts(specOf(value, slot)).flatMap((port): readonly Claim[] => {
      const number = slot.ports?.[portName(port)];
      if (number === undefined) return [];
      return [{ number, protocol: port.protocol, slot: slot.slot, by: value.component }];
    }),
  );

/** What a component's records fix, of all its specs. */
export const fixedIn = ({ component, spec, rollout }: Component): readonly Claim[] =>
  [spec, ...(rollout?.former ?? []).map((version) => version.spec)].flatMap((each) =>
    fixedBy(component, each),
  );

/** All that are fixed, and what the slots of others have. */
function claimsIn({ stacks, assignments }: Knowledge, component: ComponentId): readonly Claim[] {
  const wanted = [...stacks].flatMap(([name, { stack }]) =>
    (stack.spec?.components ?? []).flatMap((spec) =>
      fixedBy(`${name}.${spec.name}` as ComponentId, spec),
    ),
  );
  const recorded = [...assignments].flatMap(([id, { component: value, isVoid }]) =>
    isVoid ? [] : [...fixedIn(value), ...(id === component ? [] : chosenIn(value))],
  );
  return [...wanted, ...recorded];
}

type Sight = {
  readonly value: Component;
  readonly before: readonly Slot[];
  readonly claims: readonly Claim[];
};

function wrongNumber(sight: Sight): string | undefined {
  const { value } = sight;
  for (const slot of value.slots) {
    if (slot.ended !== undefined) continue;
    const ports = openPorts(specOf(value, slot));
    const stray = Object.keys(slot.ports ?? {}).find(
      (name) => !ports.some((port) => portName(port) === name),
    );
    if (stray !== undefined) return `gives a number for ${stray}, which no spec has`;
    for (const port of ports) {
      const why = ofPort(sight, slot, port);
      if (why !== undefined)
        return `${why}: ${seatName(value.component, slot.slot)} ${portName(port)}`;
    }
  }
  return undefined;
}

function ofPort({ value, before, claims }: Sight, slot: Slot, port: Port): string | undefined {
  const has = slot.ports?.[portName(port)];
  const was = before.find((each) => each.slot === slot.slot);
  const had = was?.ports?.[portName(port)];
  const own = chosenIn(value).filter((claim) => claim.slot !== slot.slot);
  const isTaken = (number: number): boolean => [...own, ...claims].some(isOf(number, port));
  if (has === undefined) {
    const { portFirst, portLast } = CONFIG;
    for (let number = portFirst; number <= portLast; number++)
      if (!isTaken(number)) return `gives no number though ${number} is free`;
    return undefined;
  }
  const rivals = claims.filter(isOf(has, port));
  if (own.some(isOf(has, port))) return `gives ${has} to two slots`;
  if (rivals.some((rival) => rival.slot === undefined)) return `gives ${has}, which is fixed`;
  if (has === had)
    return rivals.some(({ by }) => by < value.component) ? `keeps ${has} of another` : undefined;
  if (rivals.length > 0) return `gives ${has}, which another has`;
  if (had === undefined) return undefined;
  const isLost = claims.filter(isOf(had, port)).some((rival) => isStronger(rival, value.component));
  return isLost ? undefined : `takes ${had} away though nobody else has it`;
}

const isStronger = ({ slot, by }: Claim, component: ComponentId): boolean =>
  slot === undefined || by < component;

type Start = Extract<Effect, { readonly kind: 'startInstance' }>;

/** Undefined: it is started with the numbers that the record gives its slot. */
export function wrongPorts(
  { component, slot, spec }: Start,
  { slots }: Component,
): string | undefined {
  const given = slots.find((each) => each.slot === slot)?.ports ?? {};
  for (const port of spec.ports) {
    const wanted = given[portName(port)];
    if (wanted !== undefined && port.published !== wanted)
      return `starts ${seatName(component, slot)} without ${wanted} for ${portName(port)}`;
  }
  return undefined;
}
