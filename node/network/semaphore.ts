/** Lets at most so many hold it; the others wait in order, each as long as its signal allows. */
export interface Semaphore {
  /** Resolves to the release. Rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** Holders and waiters. */
  readonly users: number;
}

export function createSemaphore(places: number): Semaphore {
  let held = 0;
  const waiting = new Set<() => void>();

  function release(): void {
    held -= 1;
    const [next] = waiting;
    next?.();
  }
  /** A release that counts once, however often it is called. */
  function hold(): () => void {
    held += 1;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      release();
    };
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (held < places) return hold();
      return await new Promise((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(enter);
          signal.removeEventListener('abort', abort);
        };
        const enter = (): void => {
          leave();
          resolve(hold());
        };
        const abort = (): void => {
          leave();
          reject(signal.reason as Error);
        };
        waiting.add(enter);
        signal.addEventListener('abort', abort);
      });
    },
    get users() {
      return held + waiting.size;
    },
  };
}
