/**
 * Builds the images that this host needs and does not have. Whoever asks for one that is being built
 * waits for that very build; it is called off once nobody waits for it any more.
 */
import { type Engine, EngineError } from '../engine/engine.ts';
import { createSemaphore } from '../network/semaphore.ts';
import { openBundle } from './bundle.ts';
import { hashOf } from './recipe.ts';
import type { Shelf } from './shelf.ts';

/** At once, on one host: of more one waits. */
const BUILDS_MAX = 2;
export const BUILD_MS = 30 * 60_000;

export type Told = (line: string) => void;

export interface Builder {
  /**
   * Whether the image was built for it, and not there already. False, too, of an image that is no build's,
   * and where there are none: an engine of processes has its own word on what it cannot run.
   */
  ensure(image: string, told: Told, signal: AbortSignal): Promise<boolean>;
}

type Build = {
  readonly listeners: Set<Told>;
  readonly end: AbortController;
  readonly built: Promise<boolean>;
};

/** `asked`: told of each image that someone is about to use, there already or not. */
export function createBuilder(
  engine: Pick<Engine, 'images'>,
  shelf: Pick<Shelf, 'find'>,
  asked: (image: string) => void,
): Builder {
  const builds = new Map<string, Build>();
  const places = createSemaphore(BUILDS_MAX);

  async function build(image: string, hash: string, told: Told, signal: AbortSignal) {
    const { images } = engine;
    if (images === undefined) return false;
    if (await images.has(image, signal)) return false;
    const release = await places.acquire(signal);
    try {
      const bundle = await shelf.find(hash, signal);
      signal.throwIfAborted();
      if (bundle === undefined) throw noContext(image);
      await images.build(image, await openBundle(bundle), told, signal);
      return true;
    } finally {
      release();
    }
  }

  function begin(image: string, hash: string): Build {
    const listeners = new Set<Told>();
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, AbortSignal.timeout(BUILD_MS)]);
    const told: Told = (line) => {
      for (const listener of listeners) listener(line);
    };
    const built = build(image, hash, told, signal)
      .catch((error: unknown) => {
        throw signal.aborted && !end.signal.aborted ? tooLong(image) : error;
      })
      .finally(() => {
        if (builds.get(image) === begun) builds.delete(image);
      });
    const begun = { listeners, end, built };
    builds.set(image, begun);
    return begun;
  }

  return {
    async ensure(image, told, signal) {
      const hash = hashOf(image);
      if (hash === undefined) return false;
      signal.throwIfAborted();
      asked(image);
      const one = builds.get(image) ?? begin(image, hash);
      // Each its own, though two may have handed in the same function.
      const listener: Told = (line) => told(line);
      one.listeners.add(listener);
      const { promise: gone, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(calledOff(image));
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([one.built, gone]);
      } finally {
        signal.removeEventListener('abort', onAbort);
        one.listeners.delete(listener);
        if (one.listeners.size === 0 && builds.get(image) === one) {
          builds.delete(image);
          one.built.catch(() => undefined); // told to nobody any more
          one.end.abort();
        }
      }
    },
  };
}

const noContext = (image: string): EngineError =>
  new EngineError(
    'no-image',
    `cannot build ${image}: no member that has its context answers; ` +
      'it is tried again, or deploy its stack once more from where the files are',
  );

const tooLong = (image: string): EngineError =>
  new EngineError(
    'no-image',
    `cannot build ${image}: it took longer than ${BUILD_MS / 60_000} min and was called off; ` +
      'build less at once, or elsewhere',
  );

const calledOff = (image: string): EngineError =>
  new EngineError('aborted', `cannot build ${image}: it was called off; nothing to do`);
