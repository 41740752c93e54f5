/** Which hosts may run what users deploy: mostly such that several fit; now and then none does. */
import { millis } from '../protocol/base/time.ts';
import type {
  ComponentSpec,
  Constraint,
  PlacementRules,
  Reservation,
  Subject,
} from '../protocol/component/spec.ts';
import { DEFAULT_UPDATE } from '../protocol/component/update.ts';
import { type Choices, happens, pick, type Stream, streamOf, within } from './choice.ts';
import { CAPACITY } from './host.ts';
import type { Options } from './options.ts';

/** One stream each, so that a new kind of rule leaves what the others are. */
export type PlacementDraws = {
  readonly constraints: Stream;
  readonly reservations: Stream;
  readonly fills: Stream;
  readonly spreads: Stream;
  readonly bonds: Stream;
  readonly balances: Stream;
};

export const placementDraws = (choices: Choices): PlacementDraws => ({
  constraints: streamOf(choices, 'placements'),
  reservations: streamOf(choices, 'reservations'),
  fills: streamOf(choices, 'fills'),
  spreads: streamOf(choices, 'spreads'),
  bonds: streamOf(choices, 'bonds'),
  balances: streamOf(choices, 'balances'),
});

export function drawPlacement(
  { constraints: draw, reservations, fills, spreads }: PlacementDraws,
  mode: ComponentSpec['mode'],
): Pick<ComponentSpec, 'placement' | 'update' | 'rollback'> {
  const reserves = happens(reservations, 150) ? pick(reservations, ROOM) : undefined;
  const isChosen = happens(draw, 300);
  const constraints = isChosen && happens(draw, 700) ? [pick(draw, CONSTRAINTS)] : [];
  const perHostMax = isChosen && happens(draw, 400) ? within(draw, 1, 2) : undefined;
  const fill = mode === 'global' && happens(fills, 700);
  const spread = mode === 'replicated' && happens(spreads, 300) ? pick(spreads, SPREADS) : [];
  const bound = fill && perHostMax === undefined ? (reserves ?? pick(fills, ROOM)) : reserves;
  const placement: PlacementRules = {
    constraints,
    ...(perHostMax === undefined ? {} : { perHostMax }),
    ...(bound && { reserves: bound }),
    ...(fill && { fill }),
    ...(spread.length > 0 && { spread }),
  };
  const isEmpty = constraints.length === 0 && Object.keys(placement).length === 1;
  return isEmpty ? {} : { placement, ...(fill && { update: BRISK, rollback: BRISK }) };
}

/** What holds for several components of a stack, where a seed is for that. */
export function drawBeyond(
  draws: PlacementDraws,
  components: readonly ComponentSpec[],
  { affinity, balance }: Pick<Options, 'affinity' | 'balance'>,
): readonly ComponentSpec[] {
  const balanced = balance === undefined ? components : drawBalances(draws, components, balance);
  return affinity === undefined ? balanced : drawBonds(draws, balanced, affinity.pairPermille);
}

/** Some that must not run twice ask too: nothing becomes of that. */
function drawBalances(
  { balances: draw }: PlacementDraws,
  components: readonly ComponentSpec[],
  { askPermille }: NonNullable<Options['balance']>,
): readonly ComponentSpec[] {
  return components.map((spec) => {
    const many = spec.mode === 'replicated' && spec.job === undefined && within(draw, 2, 5);
    const rules = { constraints: [], ...spec.placement };
    return {
      ...spec,
      ...(many && {
        replicas: many,
        update: spec.update ?? BRISK,
        rollback: spec.rollback ?? BRISK,
      }),
      ...(happens(draw, askPermille) && { placement: { ...rules, rebalance: true } }),
    };
  });
}

/** Each may follow those before it, or each those after it: never in a circle. */
function drawBonds(
  { bonds: draw }: PlacementDraws,
  components: readonly ComponentSpec[],
  permille: number,
): readonly ComponentSpec[] {
  const isForward = happens(draw, 700);
  return components.map((spec, at) => {
    const others = isForward ? components.slice(0, at) : components.slice(at + 1);
    const named = others.map(({ name }) => name).filter(() => happens(draw, permille));
    const near = new Set(named.filter(() => happens(draw, 600)));
    if (named.length === 0) return spec;
    const affinity = named.filter((name) => near.has(name));
    const antiAffinity = named.filter((name) => !near.has(name));
    const placement: PlacementRules = {
      constraints: [],
      ...spec.placement,
      ...(affinity.length > 0 && { affinity }),
      ...(antiAffinity.length > 0 && { antiAffinity }),
    };
    return { ...spec, placement };
  });
}

/** Unless others are drawn: one after the other, so many would not all have stood before the end. */
const BRISK = { ...DEFAULT_UPDATE, monitorMs: millis(1000) };

/** Of a host's room one to three slots find some, whatever else is there. */
const ROOM: readonly Reservation[] = [
  { milliCpus: 1500 },
  { milliCpus: 3000 },
  { memoryBytes: CAPACITY.memoryBytes / 2 },
];

const CONSTRAINTS: readonly Constraint[] = [
  { kind: 'label', label: 'zone', operator: '==', value: 'a' },
  { kind: 'label', label: 'zone', operator: '==', value: 'b' },
  { kind: 'label', label: 'disk', operator: '!=', value: 'ssd' },
  { kind: 'label', label: 'disk', operator: '==', value: 'ssd' },
  { kind: 'hostname', operator: '!=', value: 'h1' },
  { kind: 'id', operator: '==', value: 'h2' },
  { kind: 'arch', operator: '==', value: 'amd64' },
  { kind: 'os', operator: '!=', value: 'linux' },
];

const SPREADS: readonly (readonly Subject[])[] = [
  [{ kind: 'label', label: 'zone' }],
  [
    { kind: 'label', label: 'zone' },
    { kind: 'label', label: 'disk' },
  ],
  [{ kind: 'hostname' }],
];
