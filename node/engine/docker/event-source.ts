/** What the reader of events asks of the engine: the stream itself, and what a container is by now. */
import type { EngineEvent, EngineInstance, EngineScope } from '../engine.ts';
import type { Connection } from './connection.ts';
import { EVENT_FILTERS, type EventSource } from './events.ts';
import { instanceFromEvent } from './instance.ts';
import { readLabels } from './labels.ts';

const OPEN_MS = 10_000;

export type EventGround = {
  readonly scope: EngineScope;
  readonly connection: Connection;
  readonly isKnown: (id: string) => boolean;
  /** From now on it is known. */
  readonly know: (instance: EngineInstance) => void;
  /** Undefined: there is none, or it is not ours. */
  readonly read: (id: string, signal: AbortSignal) => Promise<EngineInstance | undefined>;
};

export function createEventSource(ground: EventGround): EventSource {
  const { scope, connection, isKnown, know, read } = ground;
  /** What was told of each last. */
  const drifts = new Map<string, string>();

  return {
    open(sinceNanos, signal) {
      const seconds = sinceNanos / 1_000_000_000n;
      const nanos = String(sinceNanos % 1_000_000_000n).padStart(9, '0');
      const limits = { what: 'cannot open the event stream', boundMs: OPEN_MS, signal };
      const query = { since: `${seconds}.${nanos}`, filters: EVENT_FILTERS };
      return connection.stream(limits, { method: 'GET', path: '/events', query });
    },
    isOurs: (attributes) => readLabels(scope, attributes) !== undefined,
    async started(id, attributes, signal) {
      const told = instanceFromEvent(scope, id, attributes);
      if (told === undefined) return undefined;
      know(told);
      const now = await read(id, signal).catch(() => undefined);
      // It ran when this was told, whatever it does by now: its exit is told next.
      return { kind: 'started', instance: now?.state === 'running' ? now : told };
    },
    async changed(id, signal): Promise<EngineEvent | undefined> {
      if (!isKnown(id)) return undefined;
      const now = await read(id, signal).catch(() => undefined);
      const drift = now?.drift;
      if (drift === drifts.get(id)) return undefined;
      if (drift === undefined) drifts.delete(id);
      else drifts.set(id, drift);
      const isLive = now?.state === 'running' || now?.state === 'paused';
      return isLive ? { kind: 'drifted', id, ...(drift !== undefined && { drift }) } : undefined;
    },
  };
}
