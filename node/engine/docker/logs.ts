/** What a container has printed, as the engine keeps it. */
import type { LogLine, LogOptions } from '../engine.ts';
import type { Bounds, Connection } from './connection.ts';
import { readLogLines } from './lines.ts';

export async function readLogs(
  connection: Connection,
  id: string,
  { follow, tail, since }: LogOptions,
  limits: Bounds,
): Promise<AsyncIterable<readonly LogLine[]>> {
  const query = {
    stdout: 1,
    stderr: 1,
    timestamps: 1,
    follow: follow ? 1 : 0,
    tail: tail ?? 'all',
    ...(since === undefined ? {} : { since: unixTime(since) }),
  };
  const path = `/containers/${id}/logs`;
  const source = await connection.stream(limits, { method: 'GET', path, query });
  return untilAborted(readLogLines(source), limits.signal);
}

/** To its caller the end of the stream is no failure. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Seconds with nine decimals, as the engine asks for points in time. */
function unixTime(rfc3339: string): string {
  const fraction = /\.(\d{1,9})/.exec(rfc3339)?.[1] ?? '';
  return `${Math.floor(Date.parse(rfc3339) / 1000)}.${fraction.padEnd(9, '0')}`;
}
