/**
 * Removes the images that this host has built and needs no more: an hour after the last record has named
 * one and the last deploy has asked for it, one a minute.
 *
 * 1. What a record names stays: what is deployed, and what `rollout undo` may go back to.
 * 2. So does what a container is made of, whosever it is, running or not.
 * 3. What others have built on the same engine, or called so, is never touched.
 *
 * Nothing is lost by it: what is deployed again brings its files along, and is built again.
 */
import type { CommittedRecords } from '../../protocol/record/committed.ts';
import type { Images } from '../engine/engine.ts';
import type { Logger } from '../log.ts';
import { namedBy } from './named.ts';
import { hashOf } from './recipe.ts';

export const UNNEEDED_MS = 3_600_000;
/** To remove an image keeps a disk busy: between two so much. */
const LOOK_MS = 60_000;

export type PrunerInit = {
  /** Undefined: an engine without any. */
  readonly images: Pick<Images, 'unused' | 'remove'> | undefined;
  readonly committed: CommittedRecords;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
};

export interface Pruner extends Disposable {
  /** Someone is about to use it: a deploy that is under way is in no record yet. */
  asked(image: string): void;
  /** To be called now and then; it does so itself, too. */
  look(): Promise<void>;
}

export function pruneImages({ images, committed, now, log }: PrunerInit): Pruner {
  const unneededSince = new Map<string, number>();
  const end = new AbortController();
  const named = namedBy(committed);

  function isNeeded(image: string): boolean {
    const hash = hashOf(image);
    const { deployed, former } = named();
    return hash === undefined || deployed.has(hash) || former.has(hash);
  }

  async function look(): Promise<void> {
    if (images === undefined) return;
    const spare = (await images.unused(end.signal)).filter((image) => !isNeeded(image));
    for (const image of unneededSince.keys())
      if (!spare.includes(image)) unneededSince.delete(image);
    for (const image of spare) if (!unneededSince.has(image)) unneededSince.set(image, now());
    const isDue = (image: string): boolean =>
      now() - (unneededSince.get(image) ?? now()) >= UNNEEDED_MS;
    const due = spare.find(isDue);
    if (due === undefined) return;
    // One that stays all the same is due in an hour again: the others do not wait for it.
    unneededSince.delete(due);
    await images.remove(due, end.signal);
    log.info({ image: due }, 'an image that was built here and is needed no more is removed');
  }

  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      if (!end.signal.aborted)
        log.warn({ error: String(error) }, 'images that are needed no more are not removed');
    });
  }, LOOK_MS).unref();
  return {
    asked: (image) => void unneededSince.delete(image),
    look,
    [Symbol.dispose]() {
      clearInterval(timer);
      end.abort();
    },
  };
}
