/** Many seeds on several threads, their outcomes in the order of the seeds. */
import { startThread } from '../../thread.ts';
import type { SeedRun, Task } from './seeds-worker.ts';

export type Seeds = {
  readonly first: number;
  readonly count: number;
  /** Threads at most. */
  readonly jobs: number;
};

/** Whoever stops listening ends the threads. */
export async function* runSeeds(
  { first, count, jobs }: Seeds,
  task: Task,
): AsyncGenerator<SeedRun, void> {
  const end = first + count;
  let next = first;
  const done = new Map<number, SeedRun>();
  let failure: Error | undefined;
  let wake = (): void => undefined;
  const workers = Array.from({ length: Math.min(jobs, count) }, () => {
    const worker = startThread(new URL('./seeds-worker.ts', import.meta.url), { workerData: task });
    const give = (): void => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
      if (next < end) worker.postMessage(next);
      next += 1;
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
    for (let seed = first; seed < end; seed++) {
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
