/** Many seeds on several threads, their outcomes in the order of the seeds. */
import { startThread } from '../../thread.ts';
import type { SeedRun, Task } from './seeds-worker.ts';

export type Seeds = {
  readonly first: number;
  readonly count: number;
  /** Threads at most. */
  readonly jobs: number;
};

export function* seedsFrom(first: number, count: number): Generator<number, void> {
  for (let seed = first; seed < first + count; seed++) yield seed;
}

/** Whoever stops listening ends the threads. */
export async function* runSeeds(
  seeds: Iterable<number>,
  jobs: number,
  task: Task,
): AsyncGenerator<SeedRun, void> {
  const source = seeds[Symbol.iterator]();
  /** Given to a thread and not told yet. */
  const order: number[] = [];
  const done = new Map<number, SeedRun>();
  let failure: Error | undefined;
  let wake = (): void => undefined;
  const workers = Array.from({ length: jobs }, () => {
    const worker = startThread(new URL('./seeds-worker.ts', import.meta.url), { workerData: task });
    const give = (): void => {
      const next = source.next();
      if (next.done === true) return;
      order.push(next.value);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
      worker.postMessage(next.value);
    };
    worker.on('message', (run: SeedRun) => {
      done.set(run.seed, run);
      give();
      wake();
    });
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
      wake();
    });
    give();
    return worker;
  });
  try {
    // A thread is given its next before its last is told, so that the end is the end.
    for (let seed = order.shift(); seed !== undefined; seed = order.shift()) {
      for (let run = done.get(seed); ; run = done.get(seed)) {
        if (failure !== undefined) throw failure;
        if (run !== undefined) {
          done.delete(seed);
          yield run;
          break;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
