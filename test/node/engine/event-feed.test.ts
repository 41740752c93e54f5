import { expect, it } from 'vitest';
import type { EngineEvent } from '../../../node/engine/engine.ts';
import { createEventFeed } from '../../../node/engine/event-feed.ts';

const removed = (id: string): EngineEvent => ({ kind: 'removed', id });
const never = new AbortController().signal;

async function read(events: AsyncIterable<EngineEvent>, count: number): Promise<EngineEvent[]> {
  const seen: EngineEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

it('gives everything from the call on, in order, to each subscriber', async () => {
  const feed = createEventFeed();
  feed.publish(removed('before'));
  const first = feed.subscribe(never);
  feed.publish(removed('a'));
  const second = feed.subscribe(never);
  feed.publish(removed('b'));
  expect(await read(first, 2)).toEqual([removed('a'), removed('b')]);
  expect(await read(second, 1)).toEqual([removed('b')]);
});

it('wakes a reader that waits', async () => {
  const feed = createEventFeed();
  const waiting = read(feed.subscribe(never), 1);
  await Promise.resolve();
  feed.publish(removed('a'));
  expect(await waiting).toEqual([removed('a')]);
});

it('drops what a reader leaves waiting too long, and says so', async () => {
  const feed = createEventFeed();
  const events = feed.subscribe(never);
  for (let count = 0; count < 1_002; count++) feed.publish(removed(String(count)));
  const [first, second] = await read(events, 2);
  expect(first?.kind).toBe('resync');
  expect(second).toEqual(removed('1001'));
});

it.each(['the reader', 'the feed'])('ends when %s ends', async (who) => {
  const feed = createEventFeed();
  const reader = new AbortController();
  const waiting = read(feed.subscribe(reader.signal), Number.POSITIVE_INFINITY);
  feed.publish(removed('a'));
  await Promise.resolve();
  if (who === 'the feed') feed.close();
  else reader.abort();
  feed.publish(removed('late'));
  expect(await waiting).not.toContainEqual(removed('late'));
  expect(await read(feed.subscribe(reader.signal), who === 'the feed' ? 9 : 0)).toEqual([]);
});
