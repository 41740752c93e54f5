/** One instance in the memory of the engine: its record, and what waits for it to end. */
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type ComponentId, slotKey } from '../../../protocol/base/ids.ts';
import type { AtGate } from '../../guard/link.ts';
import { EngineError, type EngineInstance, type EngineScope } from '../engine.ts';
import { activityOf } from './identity.ts';
import { tokenOf } from './launch.ts';
import type { StartedRecord } from './record.ts';

const TIMER_MS_MAX = 2 ** 31 - 1;

export type Instance = {
  readonly token: string;
  readonly folder: string;
  /** Replaced whenever something is learned. */
  record: StartedRecord;
  readonly adopted: boolean;
  readonly ended: PromiseWithResolvers<void>;
  /** Aborted with the end of the instance or of the engine. */
  readonly checks: AbortController;
  /** Of its standard input, until it is given; nothing comes into an adopted one. */
  input: Writable | undefined;
  /** Settles once every record so far is written. */
  saved: Promise<void>;
};

export function createInstance(
  folder: string,
  record: StartedRecord,
  { adopted, input }: { readonly adopted: boolean; readonly input?: Writable },
): Instance {
  return {
    token: tokenOf(record.labels),
    folder,
    record,
    adopted,
    ended: Promise.withResolvers(),
    checks: new AbortController(),
    input,
    saved: Promise.resolve(),
  };
}

export const isRunning = ({ record }: Instance): boolean => record.exitCode === undefined;

/** The boot is part of it: after a reboot the same pid may start at the same tick. */
export function idOf({ process: { pid, startTicks, boot } }: StartedRecord): string {
  return `${pid}-${startTicks}-${boot.slice(0, 8)}`;
}

/** As its guard knows it. */
export function wardOf(record: StartedRecord): AtGate {
  const { labels, process: made } = record;
  const key = slotKey(labels.component as ComponentId, labels.slot);
  const body = { kind: 'process', ...made } as const;
  return { id: idOf(record), token: tokenOf(labels), key, term: labels.term, body };
}

export const abortedError = (cause: unknown): EngineError =>
  new EngineError('aborted', 'given up by the caller before it was done', { cause });

export const hasEnded = (token: string, what: string): EngineError =>
  new EngineError('conflict', `${token} ${what}: it has ended already`, { permanent: true });

/** Whether it has ended before `ms` are over; rejects when `signal` aborts. */
export async function endsWithin(
  instance: Instance,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const late = delay(Math.min(ms, TIMER_MS_MAX), false, { signal: both });
  try {
    return await Promise.race([instance.ended.promise.then(() => true), late]);
  } catch (cause) {
    throw abortedError(cause);
  } finally {
    over.abort();
  }
}

/** As the port shows it. */
export function viewOf(
  { record, token }: Instance,
  scope: EngineScope,
  boot: string,
): EngineInstance {
  const { labels, process: identity, startedAt, ports, health, heartbeat, exitCode } = record;
  const name = `${token.replaceAll('.', '-')}-${scope.host}`;
  const kept = heartbeat === undefined ? {} : { heartbeat };
  const network = { kind: 'host' } as const;
  const same = { id: idOf(record), name, labels, health, ...kept, network, startedAt, ports };
  if (exitCode !== undefined) return { ...same, state: 'exited', exitCode, oomKilled: false };
  const paused = activityOf(identity, boot) === 'paused';
  return { ...same, state: paused ? 'paused' : 'running', pid: identity.pid };
}
