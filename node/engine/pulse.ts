/**
 * Asks the engine, again and again, whether it is there, and tells the core how each question ended:
 * what that means is decided there (`protocol/core/pulse.ts`).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { millis } from '../../protocol/base/time.ts';
import type { Input } from '../../protocol/input.ts';
import type { Engine } from './engine.ts';

const ASK_EVERY_MS = 2_000;
/** After a question that was not answered. */
const ASK_AGAIN_MS = 500;
const ANSWER_MS = 2_500;

/** Ends when `end` aborts, never with an error. */
export async function followPulse(
  engine: Engine,
  give: (input: Input) => void,
  end: AbortSignal,
): Promise<void> {
  while (!end.aborted) {
    const askedAt = performance.now();
    const answered = await engine.ping(AbortSignal.any([end, AbortSignal.timeout(ANSWER_MS)])).then(
      () => true,
      () => false,
    );
    if (end.aborted) return;
    const agoMs = millis(Math.round(performance.now() - askedAt));
    give({ kind: 'engineAsked', agoMs, answered });
    const waitMs = answered ? ASK_EVERY_MS : ASK_AGAIN_MS;
    await pause(waitMs, undefined, { signal: end }).catch(() => undefined);
  }
}
