/** What instances tell of themselves, several at once. */
import { ApiError } from '../http/client.ts';
import { createSemaphore } from '../network/semaphore.ts';
import type { Cli } from './terminal.ts';

const ASKED_MAX = 16;

export type Answer =
  | { readonly kind: 'told'; readonly id: string; readonly host: string; readonly text: string }
  | { readonly kind: 'silent'; readonly id: string; readonly error: ApiError };

/** In their order. Rejects where the agent itself does not answer. */
export async function askAll(cli: Cli, ids: readonly string[]): Promise<readonly Answer[]> {
  const places = createSemaphore(ASKED_MAX);
  return Promise.all(
    ids.map(async (id): Promise<Answer> => {
      const release = await places.acquire(cli.signal);
      try {
        const { host, text } = await cli.client.page(id, cli.signal);
        return { kind: 'told', id, host, text };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { kind: 'silent', id, error };
      } finally {
        release();
      }
    }),
  );
}
