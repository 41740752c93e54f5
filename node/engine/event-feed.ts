/** Hands every event to every subscriber, each with a queue of its own. */
import type { EngineEvent } from './engine.ts';

/** Events kept for one subscriber that does not read; beyond it all are dropped for one `resync`. */
const WAITING_MAX = 1_000;

export type EventFeed = {
  readonly publish: (event: EngineEvent) => void;
  /** Everything published from this call on, until `signal` aborts or the feed is closed. */
  readonly subscribe: (signal: AbortSignal) => AsyncIterable<EngineEvent>;
  readonly close: () => void;
};

type Subscriber = {
  waiting: EngineEvent[];
  wake: PromiseWithResolvers<void>;
};

export function createEventFeed(): EventFeed {
  const subscribers = new Set<Subscriber>();
  const closed = new AbortController();
  return {
    publish: (event) => {
      for (const subscriber of subscribers) deliver(subscriber, event);
    },
    subscribe: (signal) => {
      const subscriber: Subscriber = { waiting: [], wake: Promise.withResolvers() };
      const ended = AbortSignal.any([signal, closed.signal]);
      if (ended.aborted) return drain(subscriber, ended);
      subscribers.add(subscriber);
      ended.addEventListener(
        'abort',
        () => {
          subscribers.delete(subscriber);
          subscriber.wake.resolve();
        },
        { once: true },
      );
      return drain(subscriber, ended);
    },
    close: () => closed.abort(),
  };
}

function deliver(subscriber: Subscriber, event: EngineEvent): void {
  if (subscriber.waiting.length >= WAITING_MAX) {
    const reason = `more than ${WAITING_MAX} events waited to be read and were dropped`;
    subscriber.waiting = [{ kind: 'resync', reason }];
  } else {
    subscriber.waiting.push(event);
  }
  subscriber.wake.resolve();
}

async function* drain(subscriber: Subscriber, ended: AbortSignal): AsyncGenerator<EngineEvent> {
  while (!ended.aborted) {
    const batch = subscriber.waiting;
    subscriber.waiting = [];
    for (const event of batch) {
      if (ended.aborted) return;
      yield event;
    }
    // What came while the batch was being read has woken nobody.
    if (ended.aborted || subscriber.waiting.length > 0) continue;
    subscriber.wake = Promise.withResolvers();
    await subscriber.wake.promise;
  }
}
