/** How what users change is to come to the slots, what is tried again, and what never works. */
import { millis } from '../protocol/base/time.ts';
import type { ComponentSpec, RestartPolicy } from '../protocol/component/spec.ts';
import type { UpdatePolicy } from '../protocol/component/update.ts';
import { happens, pick, type Stream, within } from './choice.ts';
import { DUD } from './engine/engine.ts';

type Update = Pick<ComponentSpec, 'update' | 'rollback' | 'files'>;

export function drawUpdate(draw: Stream, op: string): Update {
  const files = drawFiles(draw, op);
  if (happens(draw, 300)) return files;
  const onFailure = pick(draw, ['pause', 'continue', 'rollback', 'rollback'] as const);
  const update = { ...drawWay(draw), onFailure };
  if (happens(draw, 300)) return { ...files, update };
  const back = { ...drawWay(draw), onFailure: pick(draw, ['pause', 'continue'] as const) };
  return { ...files, update, rollback: back };
}

const drawWay = (draw: Stream): Omit<UpdatePolicy, 'onFailure'> => ({
  parallelism: within(draw, 0, 2),
  delayMs: millis(happens(draw, 500) ? 0 : within(draw, 0, 1000)),
  order: pick(draw, ['stopFirst', 'startFirst']),
  monitorMs: millis(within(draw, 0, 1500)),
  failuresMaxPpm: pick(draw, [0, 0, 400_000]),
});

/** The same as before or not: what is in a file is a part of what an instance is made from. */
function drawFiles(draw: Stream, op: string): Pick<ComponentSpec, 'files'> {
  if (happens(draw, 700)) return {};
  const content = btoa(happens(draw, 500) ? op : 'same');
  const place = { name: 'site', target: '/etc/site', uid: 0, gid: 0, mode: 0o444 };
  return { files: [{ kind: 'config', ...place, content }] };
}

/** An image that ends as soon as it is started, or one whose healthcheck never succeeds. */
export const drawDud = (draw: Stream, permille = 150): ComponentSpec['environment'] =>
  happens(draw, 1000 - permille) ? {} : { [DUD]: pick(draw, ['ends', 'ill']) };

export function drawRestart(draw: Stream): RestartPolicy {
  if (happens(draw, 600)) return { kind: 'always' };
  if (happens(draw, 500)) return { kind: 'no' };
  return { kind: 'onFailure', retryMax: within(draw, 0, 2) };
}
