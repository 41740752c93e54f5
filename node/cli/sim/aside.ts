/** Long work on a thread of its own, so that Ctrl-C and the progress line have this one. */
import { startThread } from '../../thread.ts';
import type { Jobs, Said } from './aside-worker.ts';

export type Listening<Kind extends keyof Jobs> = {
  readonly signal: AbortSignal;
  readonly onProgress: (told: Jobs[Kind]['told']) => void;
};

/** Rejects when the work throws or the signal aborts. */
export async function aside<Kind extends keyof Jobs>(
  kind: Kind,
  asked: Jobs[Kind]['asked'],
  { signal, onProgress }: Listening<Kind>,
): Promise<Jobs[Kind]['result']> {
  signal.throwIfAborted();
  const worker = startThread(new URL('./aside-worker.ts', import.meta.url), {
    workerData: { kind, asked },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Jobs[Kind]['result']>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  worker.on('error', reject);
  worker.on('message', (said: Said<Kind>) => {
    if (said.kind === 'progress') onProgress(said.told);
    else resolve(said.result);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
