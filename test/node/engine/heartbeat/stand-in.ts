/** An engine of one instance, a clock, and somebody who answers questions; all three as a test says. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Heartbeat } from '../../../../protocol/component/spec.ts';
import { millis } from '../../../../protocol/base/time.ts';
import {
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineInstance,
} from '../../../../node/engine/engine.ts';
import { createEventFeed } from '../../../../node/engine/event-feed.ts';
import type { Pace } from '../../../../node/engine/health.ts';
import type { Question } from '../../../../node/engine/heartbeat/probe.ts';

export const heartbeat: Heartbeat = {
  target: { kind: 'http', port: 80, path: '/up' },
  intervalMs: millis(2_000),
  timeoutMs: millis(1_000),
  retries: 3,
  startPeriodMs: millis(0),
};

export function running(more: Partial<EngineInstance> = {}): EngineInstance {
  return {
    id: 'i1',
    name: 'web-1',
    labels: { component: 'shop.web', slot: 1, attempt: 1, revision: 'r', term: 1 },
    state: 'running',
    health: 'none',
    heartbeat,
    network: { kind: 'own', address: '172.18.0.2' },
    ports: [],
    ...more,
  };
}

/** `instance` undefined: it is gone, or the engine does not answer. */
export class Driver {
  instance: EngineInstance | undefined;
  readonly feed = createEventFeed();
  isClosed = false;
  events: (signal: AbortSignal) => AsyncIterable<EngineEvent> = (signal) =>
    this.feed.subscribe(signal);

  constructor(instance?: EngineInstance) {
    this.instance = instance;
  }

  get engine(): Engine {
    const unused = (): never => {
      throw new Error('nobody should ask for this');
    };
    return {
      kind: 'docker',
      guardReach: { kind: 'none', why: 'it is a stand-in' },
      version: 'stand-in',
      ping: unused,
      list: async () => (this.instance === undefined ? [] : [this.instance]),
      inspect: async () => {
        if (this.instance === undefined) throw new EngineError('unavailable', 'no answer');
        return this.instance;
      },
      start: async () => (this.instance = running()),
      stop: unused,
      kill: unused,
      freeze: unused,
      thaw: unused,
      remove: unused,
      logs: unused,
      exec: unused,
      feed: unused,
      events: (signal) => this.events(signal),
      [Symbol.asyncDispose]: async () => void (this.isClosed = true),
    };
  }
}

/** Time passes only while the test says so, from one question to the next. */
export class Clock implements Pace {
  #now = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly resolve: (on: boolean) => void }>();

  now = (): number => this.#now;

  wait = (ms: number, signal: AbortSignal): Promise<boolean> => {
    if (signal.aborted) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const one = { at: this.#now + ms, resolve };
    this.#waiting.add(one);
    signal.addEventListener('abort', () => {
      this.#waiting.delete(one);
      resolve(false);
    });
    return promise;
  };

  /** To the next question, and until it is answered; false: nothing is to be asked any more. */
  async next(): Promise<boolean> {
    await turn(); // whoever is to wait has begun to
    const [one] = [...this.#waiting].sort((a, b) => a.at - b.at);
    if (one === undefined) return false;
    this.#waiting.delete(one);
    this.#now = one.at;
    one.resolve(true);
    await turn();
    return true;
  }
}

/** Answers as `well` says, and keeps what it was asked. */
export class Answerer {
  well = true;
  readonly asked: Question[] = [];
  /** Called in the middle of each question. */
  meanwhile: () => void = () => {};

  probe = async (question: Question): Promise<boolean> => {
    this.asked.push(question);
    this.meanwhile();
    return this.well;
  };
}
