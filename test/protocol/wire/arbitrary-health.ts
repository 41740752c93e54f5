/** How it is known that a component is well. */
import * as fc from 'fast-check';
import type { ComponentSpec, Endpoint } from '../../../protocol/component/spec.ts';
import { length, type Of, port, specText, specTexts, word } from './arbitrary.ts';

export const endpoint: Of<Endpoint> = fc.record({ port, path: word('/', '/debug/vars?all=%20') });
const rhythm = {
  intervalMs: length,
  timeoutMs: length,
  retries: fc.nat(10),
  startPeriodMs: length,
};
const healthcheck: Of<NonNullable<ComponentSpec['healthcheck']>> = fc.record({
  ...rhythm,
  test: fc.oneof(
    fc.record({ kind: word('exec'), words: specTexts }),
    fc.record({ kind: word('shell'), line: specText }),
  ),
});
const heartbeat: Of<NonNullable<ComponentSpec['heartbeat']>> = fc.record({
  ...rhythm,
  target: fc.oneof(
    endpoint.map((at) => ({ kind: 'http', ...at }) as const),
    fc.record({ kind: word('tcp'), port }),
  ),
});

/** One of the two, or neither. */
export const check: Of<Pick<ComponentSpec, 'healthcheck' | 'heartbeat'>> = fc.oneof(
  fc.constant({}),
  fc.record({ healthcheck }),
  fc.record({ heartbeat }),
);
