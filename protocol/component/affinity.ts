/**
 * Which components of a stack follow which: whoever names another under `affinity` or `antiAffinity` goes
 * by where that one is, and that one takes no notice. In a circle they would wait for each other, or chase
 * each other, for ever: a stack in which there is one is refused.
 */
import { circleIn, type Edges } from '../base/circle.ts';
import type { ComponentSpec, PlacementRules } from './spec.ts';

/** What a component may say of another one. */
export type Bond = 'affinity' | 'antiAffinity';

type Placed = Pick<ComponentSpec, 'placement'>;
type Named = Placed & Pick<ComponentSpec, 'name'>;

/** One name under `affinity` or `antiAffinity`. */
export type Following = { readonly on: string; readonly bond: Bond; readonly index: number };

export type AffinityFault = Following & {
  readonly component: string;
  /** `both`: named under the other key too. */
  readonly kind: 'itself' | 'missing' | 'both' | 'twice' | 'circle';
  /** Of a circle, from the component on, and that again at the end. */
  readonly circle: readonly string[];
};

/** In the order of their names in the lists, those of `affinity` first. */
export function followedBy({ placement }: Placed): readonly Following[] {
  if (placement?.affinity === undefined && placement?.antiAffinity === undefined) return NOBODY;
  return [...listed(placement, 'affinity'), ...listed(placement, 'antiAffinity')];
}
const NOBODY: readonly Following[] = [];

const listed = (rules: PlacementRules, bond: Bond): readonly Following[] =>
  (rules[bond] ?? []).map((on, index) => ({ on, bond, index }));

/** All that is wrong with single names, and the first circle. */
export function affinityFaults(components: readonly Named[]): readonly AffinityFault[] {
  const names = new Set(components.map(({ name }) => name));
  const faults = components.flatMap((spec) =>
    followedBy(spec).flatMap((one): readonly AffinityFault[] => {
      const kind = wrongWith(spec, one, names);
      return kind === undefined ? [] : [{ ...one, component: spec.name, kind, circle: [] }];
    }),
  );
  const circle = circleIn(edgesOf(components));
  const [component, next] = circle;
  const first = components
    .filter(({ name }) => name === component)
    .flatMap(followedBy)
    .find(({ on }) => on === next);
  if (component === undefined || first === undefined) return faults;
  return [...faults, { ...first, component, kind: 'circle', circle }];
}

function wrongWith(
  { name, placement }: Named,
  { on, bond, index }: Following,
  names: ReadonlySet<string>,
): AffinityFault['kind'] | undefined {
  if (on === name) return 'itself';
  if (bond === 'antiAffinity' && placement?.affinity?.includes(on) === true) return 'both';
  if (placement?.[bond]?.indexOf(on) !== index) return 'twice';
  return names.has(on) ? undefined : 'missing';
}

/** Each after those that it follows, else as they are. Without a circle. */
export function followersLast<T extends Named>(components: readonly T[]): readonly T[] {
  const order = new Set<string>();
  circleIn(edgesOf(components), (name) => order.add(name));
  const byName = new Map(components.map((each) => [each.name, each]));
  return [...order].flatMap((name) => byName.get(name) ?? []);
}

/** What a component says of itself is another fault. */
const edgesOf = (components: readonly Named[]): Edges =>
  new Map(
    components.map((each) => {
      const others = followedBy(each).filter(({ on }) => on !== each.name);
      return [each.name, others.map(({ on }) => on)];
    }),
  );
