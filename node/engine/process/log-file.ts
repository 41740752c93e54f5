/**
 * The output of one instance: `log`, and `log.1` before it. The instance itself holds `log` open for
 * appending and knows nothing of us, so a full log is copied to `log.1` and then cut to nothing; lines
 * that are written in between, well under a millisecond as a rule, are lost.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from '../engine.ts';

/** A log that is larger is rotated at the next look. An instance keeps at most about twice this. */
export const LOG_BYTES_MAX = 4 * 1024 * 1024;
/** How much more is still copied that comes while a full log is copied; what is beyond it is lost. */
export const GROWTH_BYTES_MAX = 256 * 1024;
const BLOCK_BYTES = 64 * 1024;
const FOLLOW_POLL_MS = 50;
const NEWLINE = 0x0a;

export const logPath = (folder: string): string => join(folder, 'log');
const oldLogPath = (folder: string): string => join(folder, 'log.1');

/** Moves the newest `LOG_BYTES_MAX` of a log that has outgrown them to `log.1`. */
export async function rotateLog(folder: string, bytesMax = LOG_BYTES_MAX): Promise<boolean> {
  const { size } = await stat(logPath(folder));
  if (size <= bytesMax) return false;
  const draft = `${oldLogPath(folder)}.tmp`;
  // An end, or a writer as fast as we are would be copied for ever.
  const newest = createReadStream(logPath(folder), {
    start: Math.max(0, size - bytesMax),
    end: size + GROWTH_BYTES_MAX - 1,
  });
  await pipeline(newest, createWriteStream(draft));
  await truncate(logPath(folder), 0);
  await rename(draft, oldLogPath(folder));
  return true;
}

export type FileLogOptions = {
  readonly follow: boolean;
  /** Absent: everything that is kept. */
  readonly tail?: number;
  /** Whether nothing more can be written; a follower then stops at the end. */
  readonly ended: () => boolean;
};

/** UTF-8 text in whole lines. Ends quietly when `signal` aborts. */
export async function* readLog(
  folder: string,
  options: FileLogOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[]> {
  for await (const block of logBlocks(folder, options, signal)) {
    const lines = block.toString('utf8').split('\n');
    // What follows the last newline is no line, unless there is something.
    if (lines.at(-1) === '') lines.pop();
    if (lines.length > 0) yield lines.map((text) => ({ output: 'stdout', text }));
  }
}

/** Whole lines with their newlines. */
async function* logBlocks(
  folder: string,
  options: FileLogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const tail = options.tail ?? Number.POSITIVE_INFINITY;
  await using log = await open(logPath(folder), 'r');
  const newest = await startOfTail(log, tail);
  if (newest.lines < tail) yield* oldLines(folder, tail - newest.lines);
  yield* wholeLines(blocks(log, { ...options, offset: newest.offset }, signal));
}

async function* oldLines(folder: string, tail: number): AsyncGenerator<Buffer> {
  const old = await open(oldLogPath(folder), 'r').catch(() => undefined);
  if (old === undefined) return; // never rotated
  await using file = old;
  const { offset } = await startOfTail(file, tail);
  const once = { follow: false, ended: () => true, offset };
  yield* wholeLines(blocks(file, once, AbortSignal.any([])));
}

async function* blocks(
  log: FileHandle,
  options: FileLogOptions & { readonly offset: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let { offset } = options;
  while (!signal.aborted) {
    // Asked before the read: what is written before the end is read before the stream ends.
    const last = !options.follow || options.ended();
    const { bytesRead, buffer } = await log.read(
      Buffer.allocUnsafe(BLOCK_BYTES),
      0,
      BLOCK_BYTES,
      offset,
    );
    offset += bytesRead;
    if (bytesRead > 0) {
      yield buffer.subarray(0, bytesRead);
      continue;
    }
    if ((await log.stat()).size < offset) offset = 0; // rotated under us
    else if (last) return;
    else await delay(FOLLOW_POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** Holds back the last, unfinished line until it is finished or the input ends. */
async function* wholeLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const block of input) {
    const end = block.lastIndexOf(NEWLINE) + 1;
    // A line without an end is let go in parts: nothing is kept beyond the bound.
    if (end === 0 && rest.length < LOG_BYTES_MAX) {
      rest = Buffer.concat([rest, block]);
      continue;
    }
    yield Buffer.concat([rest, block.subarray(0, end)]);
    rest = block.subarray(end);
  }
  if (rest.length > 0) yield rest;
}

/** Where the last `count` lines begin, and how many lines there are from there on. */
async function startOfTail(
  file: FileHandle,
  count: number,
): Promise<{ readonly offset: number; readonly lines: number }> {
  const { size } = await file.stat();
  if (count === Number.POSITIVE_INFINITY) return { offset: 0, lines: 0 };
  if (count === 0) return { offset: size, lines: 0 };
  let found = 0;
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The newline that ends the file ends its last line and begins no other.
      if (buffer[at] !== NEWLINE || start + at === size - 1) continue;
      found++;
      if (found === count) return { offset: start + at + 1, lines: count };
    }
  }
  return { offset: 0, lines: size === 0 ? 0 : found + 1 };
}
