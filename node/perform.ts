/**
 * Begins effects in order, `persist` being a barrier: nothing behind it begins until the write is
 * durable, except the detector's messages, which promise nothing (`protocol/effect.ts`); they too wait
 * for the very first, by which this start of the host counts (L-b).
 *
 * All that waits behind a write becomes durable with the next: a disk takes as long for one as for many.
 *
 * A failed write ends the agent: what the disk holds is unknown, only a fresh start reads the truth.
 */
import { type DiskWrite, type Effect, gatherWrites, promisesNothing } from '../protocol/effect.ts';

/** What an effect becomes outside. None of these blocks or throws. */
export type Hands = {
  readonly begin: (effect: Exclude<Effect, { readonly kind: 'persist' }>) => void;
  readonly persist: (writes: readonly DiskWrite[]) => Promise<void>;
  /** The disk failed: nothing more will be begun. */
  readonly diskFailed: (error: unknown) => void;
};

export interface Performer {
  perform(effects: readonly Effect[]): void;
  /** Resolves when all that was asked for has begun. */
  drained(): Promise<void>;
}

export function createPerformer(hands: Hands): Performer {
  let waiting: Effect[] = [];
  let barrier: Promise<void> | undefined;
  let broken = false;
  /** The first write makes this start of the host count; nothing may be said before it is durable. */
  let begun = false;

  /** Begins what it can; returns at the first barrier. */
  function advance(): void {
    if (barrier !== undefined || broken) return;
    for (let effect = waiting.shift(); effect !== undefined; effect = waiting.shift()) {
      if (effect.kind === 'persist') {
        barrier = hands.persist(effect.writes).then(passed, failed);
        return;
      }
      hands.begin(effect);
    }
  }

  function passed(): void {
    barrier = undefined;
    begun = true;
    gatherWrites(waiting);
    advance();
  }

  function failed(error: unknown): void {
    broken = true;
    waiting = [];
    barrier = undefined;
    hands.diskFailed(error);
  }

  return {
    perform(effects) {
      if (broken) return;
      for (const effect of effects) {
        const overtakes = begun && effect.kind === 'send' && promisesNothing(effect.message);
        if (overtakes) hands.begin(effect);
        else waiting.push(effect);
      }
      advance();
    },
    async drained() {
      // A passed barrier may have begun the next one.
      for (let last = barrier; last !== undefined; last = barrier) await last;
    },
  };
}
