/** Any rules of placement, and what users say of hosts. */
import * as fc from 'fast-check';
import { compareText } from '../../../protocol/base/order.ts';

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
