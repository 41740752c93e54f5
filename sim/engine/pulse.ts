/** Asks the engine, again and again, whether it is there, as `node/engine/pulse.ts` does. */
import { millis } from '../../protocol/base/time.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import { pingEngine } from './calls.ts';
import type { EngineWork } from './work.ts';

const ASK_EVERY_MS = 2000;
const ASK_AGAIN_MS = 500;
const ANSWER_MS = 2500;

/** Until the agent ends. */
export function followPulse(work: EngineWork): void {
  const { engine, give } = work;
  const { queue } = engine;
  const askedAt = queue.now;
  let isOver = false;
  const end = (answered: boolean): void => {
    if (isOver || work.hasEnded) return;
    isOver = true;
    const agoMs = millis(Math.round((queue.now - askedAt) / ofMillis(1)));
    give({ kind: 'engineAsked', agoMs, answered });
    const waitMs = answered ? ASK_EVERY_MS : ASK_AGAIN_MS;
    schedule(queue, queue.now + ofMillis(waitMs), () => followPulse(work));
  };
  pingEngine(engine, end);
  schedule(queue, askedAt + ofMillis(ANSWER_MS), () => end(false));
}
