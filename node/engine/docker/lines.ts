/** Splits what the engine streams: newline-delimited JSON, and logs of two outputs in one stream. */
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import type { LogLine } from '../engine.ts';

/** Longer lines are handed on in pieces of this size, so that no stream can fill our memory. */
const LINE_LENGTH_MAX = 1 << 20;
const HEADER_BYTES = 8;
const FRAME_BYTES_MAX = 16 << 20;

/** Lines without their newline; the last one also without having had one. */
export async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const cutter = lineCutter();
  for await (const chunk of source) yield* cutter.push(chunk);
  yield* cutter.end();
}

/**
 * Log lines of a container without a terminal, asked for with their times. The engine frames the two
 * outputs (1 byte output, 3 zero, 4 length, payload) and begins each frame with its time, also one that
 * goes on with a line; a line in several frames is put together again and has the time of the first.
 *
 * Source: Docker Engine API, `ContainerAttach`, "Stream format".
 */
export async function* readLogLines(source: Readable): AsyncGenerator<readonly LogLine[]> {
  const readers = { stdout: outputReader('stdout'), stderr: outputReader('stderr') };
  for await (const frames of readFrames(source)) {
    const lines = frames.flatMap(({ output, payload }) =>
      readers[output === STDERR ? 'stderr' : 'stdout'].push(payload),
    );
    if (lines.length > 0) yield lines;
  }
  const rest = Object.values(readers).flatMap((reader) => reader.end());
  if (rest.length > 0) yield rest;
}

export const STDERR = 2;
/** As the engine writes it, followed by one blank. */
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const TIME_BYTES_MAX = 40;

function outputReader(output: LogLine['output']) {
  const cutter = lineCutter();
  /** Of the line that is not finished yet. */
  let begun: string | undefined;
  const lineOf = (text: string, at: string | undefined): LogLine =>
    at === undefined ? { output, text } : { at, output, text };
  return {
    push(payload: Buffer): readonly LogLine[] {
      const { at, text } = timed(payload);
      const lines = cutter
        .push(text)
        .map((line, index) => lineOf(line, index === 0 ? (begun ?? at) : at));
      begun = cutter.isClean() ? undefined : lines.length > 0 ? at : (begun ?? at);
      return lines;
    },
    end: (): readonly LogLine[] => cutter.end().map((line) => lineOf(line, begun)),
  };
}

function timed(payload: Buffer): { readonly at?: string; readonly text: Buffer } {
  const blank = payload.subarray(0, TIME_BYTES_MAX).indexOf(' ');
  const at = payload.toString('latin1', 0, Math.max(0, blank));
  return TIME.test(at) ? { at, text: payload.subarray(blank + 1) } : { text: payload };
}

export type Frame = { readonly output: number; readonly payload: Buffer };

/** The frames that each chunk ends. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<readonly Frame[]> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const frames: Frame[] = [];
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const size = pending.readUInt32BE(4);
      if (size > FRAME_BYTES_MAX) throw new Error(`the engine sent a log frame of ${size} bytes`);
      if (pending.length < HEADER_BYTES + size) break;
      const end = HEADER_BYTES + size;
      frames.push({ output: pending.readUInt8(0), payload: pending.subarray(HEADER_BYTES, end) });
      pending = pending.subarray(end);
    }
    yield frames;
  }
}

type LineCutter = {
  /** The lines that this chunk ends. */
  readonly push: (chunk: Buffer) => readonly string[];
  /** What came after the last newline. */
  readonly end: () => readonly string[];
  /** Nothing has come after the last newline. */
  readonly isClean: () => boolean;
};

function lineCutter(): LineCutter {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length <= LINE_LENGTH_MAX) return lines;
      const piece = rest;
      rest = '';
      return [...lines, piece];
    },
    end() {
      const last = rest + decoder.end();
      return last === '' ? [] : [last];
    },
    isClean: () => rest === '',
  };
}
