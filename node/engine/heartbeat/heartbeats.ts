/**
 * An engine whose instances with a heartbeat are asked whether they are well, and told of as if the engine
 * itself had checked them.
 *
 *     list, inspect, start ──▶ what the engine says, with the health that is known here
 *     events               ──▶ those of the engine, and the changes of that health
 *
 * What to ask an instance for is read from the instance, where its engine keeps it: an agent that is
 * started anew goes on with what it finds.
 */
import type { Engine, EngineEvent, EngineInstance } from '../engine.ts';
import { createEventFeed, type EventFeed } from '../event-feed.ts';
import { REAL_PACE } from '../health.ts';
import { createHearts, type HeartsInit } from './hearts.ts';
import { probeOnce } from './probe.ts';

/** Longest that the engine may take to say whether an instance runs; then nothing was asked. */
const LOOK_MS = 5_000;

/** Owns `inner`: it is closed with what is returned. */
export function withHeartbeats(
  inner: Engine,
  { pace = REAL_PACE, probe = probeOnce }: Partial<Pick<HeartsInit, 'pace' | 'probe'>> = {},
): Engine {
  const feeds = new Set<EventFeed>();
  const hearts = createHearts({
    pace,
    probe,
    look: (id, signal) =>
      inner
        .inspect(id, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]))
        .catch(() => undefined),
    changed(id, health) {
      for (const feed of feeds) feed.publish({ kind: 'health', id, health });
    },
  });

  async function found(instance: EngineInstance): Promise<EngineInstance> {
    hearts.attend(instance, 'found');
    await hearts.met(instance.id);
    return hearts.shown(instance);
  }

  function heard(event: EngineEvent): EngineEvent {
    if (event.kind === 'exited') hearts.ended(event.id);
    if (event.kind === 'removed') hearts.forget(event.id);
    if (event.kind !== 'started') return event;
    hearts.attend(event.instance, 'begun');
    return { ...event, instance: hearts.shown(event.instance) };
  }

  /** Both streams as one, from this call on. */
  function events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const feed = createEventFeed();
    const both = feed.subscribe(signal);
    feeds.add(feed);
    const told = inner.events(signal);
    const pump = async (): Promise<void> => {
      try {
        for await (const event of told) feed.publish(heard(event));
      } finally {
        feeds.delete(feed);
        feed.close();
      }
    };
    return thenSettled(both, pump());
  }

  return {
    kind: inner.kind,
    guardReach: inner.guardReach,
    ...(inner.images !== undefined && { images: inner.images }),
    version: inner.version,
    ping: (signal) => inner.ping(signal),
    async list(signal) {
      const known = hearts.ids(); // what begins meanwhile may be missing in the list
      const instances = await inner.list(signal);
      const listed = new Set(instances.map(({ id }) => id));
      for (const id of known) if (!listed.has(id)) hearts.forget(id);
      return Promise.all(instances.map(found));
    },
    inspect: async (id, signal) => found(await inner.inspect(id, signal)),
    async start(request, signal) {
      const instance = await inner.start(request, signal);
      hearts.attend(instance, 'begun');
      return hearts.shown(instance);
    },
    stop: (id, graceMs, signal) => inner.stop(id, graceMs, signal),
    kill: (id, name, signal) => inner.kill(id, name, signal),
    freeze: (id, signal) => inner.freeze(id, signal),
    thaw: (id, signal) => inner.thaw(id, signal),
    remove: (id, signal) => inner.remove(id, signal),
    logs: (id, options, signal) => inner.logs(id, options, signal),
    exec: (id, request, input, signal) => inner.exec(id, request, input, signal),
    feed: (id, input, signal) => inner.feed(id, input, signal),
    events,
    async [Symbol.asyncDispose]() {
      for (const id of hearts.ids()) hearts.forget(id);
      await inner[Symbol.asyncDispose]();
    },
  };
}

/** What of `events` comes, then the failure of `source`, if it has failed. */
async function* thenSettled(
  events: AsyncIterable<EngineEvent>,
  source: Promise<void>,
): AsyncGenerator<EngineEvent> {
  source.catch(() => undefined); // told below, when it is its turn
  yield* events;
  await source;
}
