/** Components that are to follow what they depend on wherever it goes, and for that publish a port of it. */
import { millis } from '../protocol/base/time.ts';
import type { ComponentSpec, Dependency, Port } from '../protocol/component/spec.ts';
import { happens, pick, type Stream, within } from './choice.ts';

const OPEN: Port = { target: 80, protocol: 'tcp' };
/** Nobody else reaches it there. */
const BESIDE: Port = { ...OPEN, address: '127.0.0.1' };
const CHECK = {
  test: { kind: 'shell', line: 'true' },
  intervalMs: millis(500),
  timeoutMs: millis(500),
  retries: 2,
  startPeriodMs: millis(0),
} as const;

/** What `web` depends on is published, and mostly runs for good; `permille` of it is followed. */
export function drawFollowing(
  draw: Stream,
  components: readonly ComponentSpec[],
  permille: number | undefined,
): readonly ComponentSpec[] {
  if (permille === undefined) return components;
  return components.map((spec) => {
    if (spec.name === 'db') return drawFollowed(draw, spec);
    if (spec.name !== 'web') return spec;
    const condition: Dependency['condition'] = happens(draw, 500) ? 'started' : 'healthy';
    const restart = happens(draw, permille);
    const others = spec.dependsOn.filter(({ on }) => on !== 'db');
    return { ...spec, dependsOn: [{ on: 'db', condition, required: true, restart }, ...others] };
  });
}

function drawFollowed(draw: Stream, spec: ComponentSpec): ComponentSpec {
  const ports = pick(draw, [[OPEN], [OPEN], [OPEN, BESIDE], [BESIDE]]);
  const replicas = within(draw, 1, 2);
  const isSame = happens(draw, 700);
  return {
    ...spec,
    ports,
    replicas,
    restart: { kind: 'always' },
    // What is changed takes its followers with it, and then nobody has to be told that it has moved.
    environment: isSame ? { OP: 'same' } : spec.environment,
    ...(happens(draw, 400) ? { healthcheck: CHECK } : {}),
  };
}
