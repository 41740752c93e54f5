/** How what users change is to come to the slots, what is tried again, and what never works. */
import { millis } from '../protocol/base/time.ts';
import type { ComponentSpec, RestartPolicy } from '../protocol/component/spec.ts';
import type { UpdatePolicy } from '../protocol/component/update.ts';
import { happens, pick, type Stream, within } from './choice.ts';
import { DUD } from './engine/engine.ts';

export function drawUpdate(draw: Stream): Pick<ComponentSpec, 'update' | 'rollback'> {
  if (happens(draw, 300)) return {};
  const onFailure = pick(draw, ['pause', 'continue', 'rollback', 'rollback'] as const);
  const update = { ...drawWay(draw), onFailure };
  if (happens(draw, 300)) return { update };
  return { update, rollback: { ...drawWay(draw), onFailure: pick(draw, ['pause', 'continue']) } };
}

const drawWay = (draw: Stream): Omit<UpdatePolicy, 'onFailure'> => ({
  parallelism: within(draw, 0, 2),
  delayMs: millis(happens(draw, 500) ? 0 : within(draw, 0, 1000)),
  order: pick(draw, ['stopFirst', 'startFirst']),
  monitorMs: millis(within(draw, 0, 1500)),
  failuresMaxPpm: pick(draw, [0, 0, 400_000]),
});

/** An image that ends as soon as it is started, or one whose healthcheck never succeeds. */
export const drawDud = (draw: Stream): ComponentSpec['environment'] =>
  happens(draw, 850) ? {} : { [DUD]: pick(draw, ['ends', 'ill']) };

export function drawRestart(draw: Stream): RestartPolicy {
  if (happens(draw, 600)) return { kind: 'always' };
  if (happens(draw, 500)) return { kind: 'no' };
  return { kind: 'onFailure', retryMax: within(draw, 0, 2) };
}
