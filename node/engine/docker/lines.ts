/** Splits what the engine streams: newline-delimited JSON, and logs of two outputs in one stream. */
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

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
 * Log lines of a container without a terminal, each with its newline. The engine frames the two
 * outputs (1 byte output, 3 zero, 4 length, payload); a line in several frames is put together again,
 * so that the outputs interleave by whole lines.
 *
 * Source: Docker Engine API, `ContainerAttach`, "Stream format".
 */
export async function* readLogLines(source: Readable): AsyncGenerator<string> {
  const outputs = new Map<number, LineCutter>();
  for await (const { output, payload } of readFrames(source)) {
    const cutter = outputs.get(output) ?? lineCutter();
    outputs.set(output, cutter);
    for (const line of cutter.push(payload)) yield `${line}\n`;
  }
  for (const cutter of outputs.values()) for (const line of cutter.end()) yield `${line}\n`;
}

type Frame = { readonly output: number; readonly payload: Buffer };

async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const size = pending.readUInt32BE(4);
      if (size > FRAME_BYTES_MAX) throw new Error(`the engine sent a log frame of ${size} bytes`);
      if (pending.length < HEADER_BYTES + size) break;
      const end = HEADER_BYTES + size;
      yield { output: pending.readUInt8(0), payload: pending.subarray(HEADER_BYTES, end) };
      pending = pending.subarray(end);
    }
  }
}

type LineCutter = {
  /** The lines that this chunk ends. */
  readonly push: (chunk: Buffer) => readonly string[];
  /** What came after the last newline. */
  readonly end: () => readonly string[];
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
  };
}
