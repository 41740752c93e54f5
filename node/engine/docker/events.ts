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
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { EngineEvent } from '../engine.ts';
import { readHealth } from './instance.ts';
import { readLines } from './lines.ts';
import type { Labels } from './labels.ts';

const PAUSE_MIN_MS = 20;
/** Larger: less noise while an engine is down; smaller: its return is noticed sooner. */
const PAUSE_MAX_MS = 1_000;
/** Events that may come again after a gap, by their text: the engine keeps no more. */
const TOLD_COUNT_MAX = 256;
/** Containers that ran out of memory and whose exit was not told yet; the oldest is forgotten. */
const OOM_COUNT_MAX = 256;

/** Containers that a signal was sent to and that have not ended since; the oldest is forgotten. */
const SIGNAL_COUNT_MAX = 256;
/** An end so long after a signal has nothing to do with it. */
const SIGNAL_NANOS_MAX = 60_000_000_000n;

/**
 * Server-side: every healthcheck run would be three `exec_…` events per container otherwise. Not by our
 * labels: the events of networks have none.
 */
export const EVENT_FILTERS = {
  type: ['container', 'network'],
  event: [
    'start',
    'kill',
    'die',
    'oom',
    'destroy',
    'health_status',
    'pause',
    'unpause',
    'update',
    'rename',
    'connect',
    'disconnect',
  ],
};

export type EventSource = {
  /** Opens the engine's stream of events from `sinceNanos` (Unix time) on. */
  open(sinceNanos: bigint, signal: AbortSignal): Promise<Readable>;
  /** What runs under `id` now; from the event's own attributes where it is gone already. */
  started(id: string, attributes: Labels, signal: AbortSignal): Promise<EngineEvent | undefined>;
  /** Of a container: whether it is ours. */
  isOurs(attributes: Labels): boolean;
  /** What others have done to `id`, if it is one of ours; undefined: nothing new. */
  changed(id: string, signal: AbortSignal): Promise<EngineEvent | undefined>;
};

const record = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});
type EngineRecord = z.infer<typeof record>;

/** Ends when `signal` aborts, never with an error. `sinceNanos` is Unix time. */
export async function* readEvents(
  source: EventSource,
  sinceNanos: bigint,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const memory: Memory = { told: new Set(), oomed: new Set(), signals: new Map() };
  let lastNanos = sinceNanos;
  let gap: string | undefined;
  let pauseMs = PAUSE_MIN_MS;
  while (!signal.aborted) {
    const openedAt = performance.now();
    try {
      const stream = await source.open(lastNanos, signal);
      if (gap !== undefined) yield { kind: 'resync', reason: gap }; // invariant 1
      for await (const line of readLines(stream)) {
        const nanos = timeOf(line);
        if (nanos === undefined || memory.told.has(line)) continue; // invariant 2
        remember(memory.told, line, TOLD_COUNT_MAX);
        lastNanos = nanos; // also an earlier one: the clock may have been set back
        const event = await translate(source, line, memory, nanos, signal);
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

/** What was told last, and of containers that have not ended yet. */
type Memory = {
  readonly told: Set<string>;
  readonly oomed: Set<string>;
  readonly signals: Map<string, { readonly name: string; readonly nanos: bigint }>;
};

async function translate(
  source: EventSource,
  line: string,
  memory: Memory,
  nanos: bigint,
  signal: AbortSignal,
): Promise<EngineEvent | undefined> {
  const told = decode(line);
  if (told === undefined) return undefined;
  const { ID: id, Attributes: attributes } = told.Actor;
  if (told.Type === 'network') return source.changed(attributes['container'] ?? '', signal);
  if (!source.isOurs(attributes)) return undefined;
  const [action = '', detail] = told.Action.split(': ', 2);
  switch (action) {
    case 'start':
      return source.started(id, attributes, signal);
    case 'oom':
      remember(memory.oomed, id, OOM_COUNT_MAX);
      return undefined;
    case 'kill':
      noteSignal(memory, id, attributes['signal'], nanos);
      return undefined;
    case 'die':
      return exitOf(memory, id, attributes['exitCode'], nanos);
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
    case 'update':
    case 'rename':
      return source.changed(id, signal);
    default:
      return undefined;
  }
}

function exitOf(
  { oomed, signals }: Memory,
  id: string,
  exitCode: string | undefined,
  nanos: bigint,
): EngineEvent {
  const sent = signals.get(id);
  signals.delete(id);
  const isRecent = sent !== undefined && nanos - sent.nanos <= SIGNAL_NANOS_MAX;
  return {
    kind: 'exited',
    id,
    // An exit code that cannot be read still is an exit.
    exitCode: Number(exitCode ?? -1),
    oomKilled: oomed.delete(id), // invariant 3
    ...(isRecent && { signal: sent.name }),
  };
}

function noteSignal(
  { signals }: Memory,
  id: string,
  number: string | undefined,
  nanos: bigint,
): void {
  const known = Object.entries(constants.signals).find(([, code]) => String(code) === number);
  signals.delete(id);
  signals.set(id, { name: known?.[0] ?? `signal ${number ?? '?'}`, nanos });
  const [oldest] = signals.keys();
  if (signals.size > SIGNAL_COUNT_MAX && oldest !== undefined) signals.delete(oldest);
}

function decode(line: string): EngineRecord | undefined {
  try {
    return record.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // half a line, where a stream broke
  }
}

function remember(all: Set<string>, one: string, countMax: number): void {
  all.add(one);
  const [oldest] = all;
  if (all.size > countMax && oldest !== undefined) all.delete(oldest);
}
