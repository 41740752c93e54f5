/**
 * The engine's event stream, read by ourselves: dockerode hands out raw chunks and never re-opens.
 *
 *     open(since) ──▶ read ──end, error──▶ pause ──▶ open(since the last event) ──▶ resync, read
 *                                            ▲  │
 *                                            └──┘ refused: the pause doubles up to its maximum
 *
 * Invariants, each proved in test/compliance/engine/docker.test.ts:
 *  1. After every gap comes a `resync`, before any event read after the gap: the engine keeps only its
 *     last 256 events and none over its own restart, so what was missed must be listed.
 *  2. What is told twice around a gap is reported once.
 *  3. An `exited` after an `oom` of the same container says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { EngineEvent, EngineScope } from '../engine.ts';
import type { Connection } from './connection.ts';
import { readHealth } from './instance.ts';
import { readLines } from './lines.ts';
import { type Labels, scopeFilter } from './labels.ts';

const PAUSE_MIN_MS = 20;
/** Larger: less noise while an engine is down; smaller: its return is noticed sooner. */
const PAUSE_MAX_MS = 1_000;
/** Containers that ran out of memory and whose exit was not told yet; the oldest is forgotten. */
const OOM_COUNT_MAX = 256;

const OPEN_MS = 10_000;
/** Server-side: every healthcheck run would be three `exec_…` events per container otherwise. */
const EVENT_KINDS = ['start', 'die', 'oom', 'destroy', 'health_status', 'pause', 'unpause'];

export type EventSource = {
  /** Opens the engine's stream of our containers' events from `sinceNanos` (Unix time) on. */
  open(sinceNanos: bigint, signal: AbortSignal): Promise<Readable>;
  /** What runs under `id` now; from the event's own attributes where it is gone already. */
  started(id: string, attributes: Labels, signal: AbortSignal): Promise<EngineEvent | undefined>;
};

const record = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});
type EngineRecord = z.infer<typeof record>;

export const sourceOf = (
  connection: Connection,
  scope: EngineScope,
  started: EventSource['started'],
): EventSource => ({
  started,
  open(sinceNanos, signal) {
    const seconds = sinceNanos / 1_000_000_000n;
    const nanos = String(sinceNanos % 1_000_000_000n).padStart(9, '0');
    const filters = { type: ['container'], event: EVENT_KINDS, label: scopeFilter(scope) };
    const limits = { what: 'cannot open the event stream', boundMs: OPEN_MS, signal };
    const query = { since: `${seconds}.${nanos}`, filters };
    return connection.stream(limits, { method: 'GET', path: '/events', query });
  },
});

/** Ends when `signal` aborts, never with an error. `sinceNanos` is Unix time. */
export async function* readEvents(
  source: EventSource,
  sinceNanos: bigint,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const oomed = new Set<string>();
  let lastNanos = sinceNanos;
  let gap: string | undefined;
  let pauseMs = PAUSE_MIN_MS;
  while (!signal.aborted) {
    const openedAt = performance.now();
    try {
      const stream = await source.open(lastNanos, signal);
      if (gap !== undefined) yield { kind: 'resync', reason: gap }; // invariant 1
      const toldNanos = gap === undefined ? lastNanos - 1n : lastNanos;
      for await (const line of readLines(stream)) {
        const nanos = timeOf(line);
        if (nanos === undefined || nanos <= toldNanos) continue; // invariant 2
        if (nanos > lastNanos) lastNanos = nanos;
        const event = await translate(source, line, oomed, signal);
        if (event !== undefined) yield event;
      }
      gap = 'the event stream of the Docker Engine ended';
    } catch (error) {
      gap = `the event stream of the Docker Engine broke: ${String(error)}`;
    }
    if (performance.now() - openedAt > PAUSE_MAX_MS) pauseMs = PAUSE_MIN_MS;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
  }
}

/** Read from the text: as a JSON number it would lose its last digits. */
function timeOf(line: string): bigint | undefined {
  const digits = /"timeNano":(\d{1,20})\b/.exec(line)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

async function translate(
  source: EventSource,
  line: string,
  oomed: Set<string>,
  signal: AbortSignal,
): Promise<EngineEvent | undefined> {
  const told = decode(line);
  if (told === undefined) return undefined;
  const { ID: id, Attributes: attributes } = told.Actor;
  const [action = '', detail] = told.Action.split(': ', 2);
  switch (action) {
    case 'start':
      return source.started(id, attributes, signal);
    case 'oom':
      remember(oomed, id);
      return undefined;
    case 'die':
      // An exit code that cannot be read still is an exit.
      return {
        kind: 'exited',
        id,
        exitCode: Number(attributes['exitCode'] ?? -1),
        oomKilled: oomed.delete(id), // invariant 3
      };
    case 'destroy':
      return { kind: 'removed', id };
    case 'health_status': {
      const health = readHealth(detail);
      return health === undefined ? undefined : { kind: 'health', id, health };
    }
    case 'pause':
      return { kind: 'frozen', id };
    case 'unpause':
      return { kind: 'thawed', id };
    default:
      return undefined;
  }
}

function decode(line: string): EngineRecord | undefined {
  try {
    return record.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // half a line, where a stream broke
  }
}

function remember(oomed: Set<string>, id: string): void {
  oomed.add(id);
  const [oldest] = oomed;
  if (oomed.size > OOM_COUNT_MAX && oldest !== undefined) oomed.delete(oldest);
}
