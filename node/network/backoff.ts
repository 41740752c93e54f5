/** How long to wait before the next try: doubling, bounded, jittered so that peers do not march in step. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Backoff = {
  readonly minMs: number;
  readonly maxMs: number;
};

/** `failures` counts from 0. Between three quarters and five quarters of the nominal wait. */
export function backoffMs(
  failures: number,
  { minMs, maxMs }: Backoff,
  random: () => number = Math.random,
): number {
  const nominal = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  return Math.round(nominal * (0.75 + random() / 2));
}

/** Waits, or returns early when the signal is given. Keeps no process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
