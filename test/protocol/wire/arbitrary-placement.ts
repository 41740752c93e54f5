/** Any rules of placement, and what users say of hosts. */
import * as fc from 'fast-check';
import { compareText } from '../../../protocol/base/order.ts';
import type {
  ComponentSpec,
  PlacementRules,
  Reservation,
} from '../../../protocol/component/spec.ts';
import { maybe, object, type Of } from './arbitrary.ts';

const label = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}$/);
const labelValue = fc.stringMatching(/^[a-zA-Z0-9 ]{0,63}$/);
export const labels = fc
  .dictionary(label, labelValue, { maxKeys: 4 })
  .map((made) => Object.fromEntries(Object.entries(made).sort(([a], [b]) => compareText(a, b))));

const operator = fc.constantFrom('==' as const, '!=' as const);
const value = fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\0', ''));
export const subject = fc.oneof(
  fc.record({
    kind: fc.constantFrom('id' as const, 'hostname' as const, 'os' as const, 'arch' as const),
  }),
  fc.record({ kind: fc.constant('label' as const), label }),
);
export const constraint = fc.oneof(
  fc.record({
    kind: fc.constantFrom('id' as const, 'hostname' as const, 'os' as const, 'arch' as const),
    operator,
    value,
  }),
  fc.record({ kind: fc.constant('label' as const), label, operator, value }),
);

export const setting = {
  labels: fc.option(labels, { nil: undefined, freq: 2 }),
  availability: fc.option(fc.constantFrom('cordoned' as const, 'draining' as const), {
    nil: undefined,
    freq: 2,
  }),
} as const;

const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/);

export const placement: Of<PlacementRules> = object<PlacementRules>({
  constraints: fc.array(constraint, { maxLength: 3 }),
  perHostMax: maybe(fc.integer({ min: 1, max: 1000 })),
  reserves: maybe(
    object<Reservation>({
      milliCpus: maybe(fc.integer({ min: 1, max: 64_000 })),
      memoryBytes: maybe(fc.integer({ min: 1, max: 2 ** 40 })),
    }),
  ),
  fill: maybe(fc.boolean()),
  spread: maybe(fc.array(subject, { maxLength: 3 })),
  affinity: maybe(fc.array(name, { maxLength: 2 })),
  antiAffinity: maybe(fc.array(name, { maxLength: 2 })),
  rebalance: maybe(fc.boolean()),
});

/** In a stack names are of others, and lead in no circle. */
export function followingEarlier(
  spec: ComponentSpec,
  at: number,
  all: readonly ComponentSpec[],
): ComponentSpec {
  if (spec.placement === undefined) return spec;
  const { affinity, antiAffinity, ...rules } = spec.placement;
  const [near, apart] = all.slice(0, at).map(({ name: earlier }) => earlier);
  return {
    ...spec,
    placement: {
      ...rules,
      ...(affinity && { affinity: near === undefined ? [] : [near] }),
      ...(antiAffinity && { antiAffinity: apart === undefined ? [] : [apart] }),
    },
  };
}
