/**
 * The standard inputs of the one-off tasks that this agent has started. Whoever began a task brings its
 * input once it runs. To which nobody does is killed: it would wait for ever, and to end its input would
 * tell it that there is none.
 *
 * What ran before this agent was started is left alone: nobody knows whether it was given its input.
 */
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { type Engine, EngineError, type EngineInstance } from '../engine/engine.ts';
import type { Logger } from '../log.ts';
import { hasInput } from './label.ts';

/** `agentctl run` brings it within seconds, or gives up on its agent after 15 s. */
export const UNFED_MS = 60_000;
const LOOK_MS = 5_000;
const KILL_MS = 10_000;

export type InputsInit = {
  readonly engine: Pick<Engine, 'feed' | 'kill'>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
};

export interface Inputs extends Disposable {
  /** To be told of each instance that this agent has started. */
  started(instance: Pick<EngineInstance, 'id' | 'name'>, spec: ComponentSpec): void;
  /** As `Engine.feed`. */
  feed: Engine['feed'];
  /** To be called now and then; it does so itself, too. */
  look(): Promise<void>;
}

type Waiting = { readonly name: string; readonly since: number };

export function awaitInputs({ engine, now, log }: InputsInit): Inputs {
  const waiting = new Map<string, Waiting>();

  async function look(): Promise<void> {
    for (const [id, { name, since }] of waiting) {
      if (now() - since < UNFED_MS) continue;
      try {
        await engine.kill(id, 'SIGKILL', AbortSignal.timeout(KILL_MS));
        log.warn({ instance: name }, 'a task was killed: nobody has brought its input');
      } catch (error) {
        const isOver = error instanceof EngineError && OVER.has(error.code);
        if (!isOver) {
          // It is tried again with the next look; the others do not wait for that.
          log.warn({ instance: name, error: String(error) }, 'a task is not killed');
          continue;
        }
      }
      waiting.delete(id);
    }
  }

  const timer = setInterval(() => void look(), LOOK_MS).unref();
  return {
    started({ id, name }, spec) {
      if (hasInput(spec)) waiting.set(id, { name, since: now() });
    },
    feed(id, input, signal) {
      waiting.delete(id);
      return engine.feed(id, input, signal);
    },
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** It has ended by itself. */
const OVER: ReadonlySet<EngineError['code']> = new Set(['not-found', 'conflict']);
