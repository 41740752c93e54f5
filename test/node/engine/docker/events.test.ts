/** What is told twice around a gap, and what a clock that is set back does to it. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { EngineEvent } from '../../../../node/engine/engine.ts';
import { type EventSource, readEvents } from '../../../../node/engine/docker/events.ts';

const HOUR_NANOS = 3_600_000_000_000n;
const NOW = 1_800_000_000_000_000_000n;

const died = (id: string, nanos: bigint): string =>
  `{"Type":"container","Action":"die","Actor":{"ID":"${id}","Attributes":{"exitCode":"3"}},"timeNano":${nanos}}\n`;

/** What is told of streams that the engine gives one after the other, and since when each is asked for. */
async function told(streams: readonly (readonly string[])[]) {
  const end = new AbortController();
  const asked: bigint[] = [];
  const source: EventSource = {
    open: async (since) => {
      asked.push(since);
      return Readable.from((streams[asked.length - 1] ?? []).map((line) => Buffer.from(line)));
    },
    started: async () => undefined,
    isOurs: () => true,
    changed: async () => undefined,
  };
  const events: EngineEvent[] = [];
  for await (const event of readEvents(source, NOW, end.signal)) {
    events.push(event);
    if (event.kind === 'resync' && asked.length > streams.length) end.abort();
  }
  const words = events.map((event) => (event.kind === 'exited' ? event.id : event.kind));
  return { words, asked };
}

it('tells what comes again after a gap once, what came at the same moment too', async () => {
  const [a, b, c] = [died('a', NOW + 1n), died('b', NOW + 2n), died('c', NOW + 2n)];
  const { words, asked } = await told([
    [a, b],
    [b, c],
  ]);
  expect(words).toEqual(['a', 'b', 'resync', 'c', 'resync']);
  expect(asked.slice(0, 2)).toEqual([NOW, NOW + 2n]);
});

it('hears on where the clock was set back an hour', async () => {
  const before = died('a', NOW + 1n);
  const after = [died('b', NOW - HOUR_NANOS), died('c', NOW - HOUR_NANOS + 1n)];
  const { words, asked } = await told([[before, ...after], [died('d', NOW - HOUR_NANOS + 2n)]]);
  expect(words).toEqual(['a', 'b', 'c', 'resync', 'd', 'resync']);
  expect(asked[1]).toBe(NOW - HOUR_NANOS + 1n);
});
