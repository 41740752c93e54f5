/** What comes on our standard input, brought to a task once it runs; its end is the end of the task's. */
import { ApiError } from '../http/client.ts';
import type { Cli } from './terminal.ts';

export interface RunInput extends Disposable {
  /** From the first call on; never twice, for it cannot be read again. */
  give(): void;
  /** Why the task has not been given all; undefined: it was, or goes on being. */
  readonly missing: string | undefined;
}

/** `id`: of the instance. Disposal lets go of standard input, which keeps nobody waiting then. */
export function createRunInput(cli: Cli, id: string): RunInput {
  const stop = new AbortController();
  const signal = AbortSignal.any([cli.signal, stop.signal]);
  let begun = false;
  let missing: string | undefined;

  async function given(): Promise<string | undefined> {
    for await (const { failed } of cli.client.input(id, cli.stdin, signal)) return failed;
    return 'the agent ended before it had all of it';
  }

  return {
    give() {
      if (begun) return;
      begun = true;
      given().then(
        (failed) => (missing = failed),
        (error: unknown) => {
          // One that has ended meanwhile has had enough of it.
          const isOver = error instanceof ApiError && error.refusal.code === 'not-running';
          if (!isOver && !signal.aborted)
            missing = error instanceof Error ? error.message : String(error);
        },
      );
    },
    get missing() {
      return missing;
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}
