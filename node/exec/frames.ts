/**
 * A command in an instance, as two streams of frames: what goes in and what comes out. One byte says
 * what it is, four say how long (big endian), the content follows. A frame means the same wherever the
 * bytes around it are cut.
 *
 *     in    begin, (stdin | resize)*          its end is the end of standard input
 *     out   (stdout | stderr)*, exited | failed
 */
import { z } from 'zod';
import type { ExecInput, ExecOutput } from '../engine/engine.ts';
import type { ErrorBody } from '../http/api.ts';

const KIND = { begin: 0, stdin: 1, resize: 2, stdout: 3, stderr: 4, exited: 5, failed: 6 } as const;
type Kind = keyof typeof KIND;
const KINDS = Object.keys(KIND) as readonly Kind[];

const HEADER_BYTES = 5;
/** A longer frame is not written; who sends one is cut off. */
const CONTENT_BYTES_MAX = 262_144;
const WORDS_MAX = 1_024;
/** What Linux takes of one word. */
const WORD_BYTES_MAX = 131_072;

const SIZE = z.object({ columns: z.int().min(1).max(65_535), rows: z.int().min(1).max(65_535) });
const BEGIN = z.object({
  command: z.array(z.string().max(WORD_BYTES_MAX)).min(1).max(WORDS_MAX),
  /** Whether something will come in. */
  stdin: z.boolean(),
  /** A terminal of this size; absent: none. */
  terminal: SIZE.exactOptional(),
});
export type Begin = z.infer<typeof BEGIN>;

const FAILURE = z.object({
  code: z.string(),
  what: z.string(),
  why: z.string(),
  next: z.string(),
  exit: z.int(),
});
export type ExecFailure = ErrorBody['error'];
export type ExecAnswer = ExecOutput | { readonly kind: 'failed'; readonly error: ExecFailure };

export const beginFrame = (begin: Begin): Uint8Array => frame('begin', json(begin));

export const inputFrame = (input: ExecInput): Uint8Array =>
  input.kind === 'stdin' ? frame('stdin', input.bytes) : frame('resize', json(input.size));

export function answerFrame(answer: ExecAnswer): Uint8Array {
  if (answer.kind === 'exited') return frame('exited', json(answer.exitCode));
  if (answer.kind === 'failed') return frame('failed', json(answer.error));
  return frame(answer.kind, answer.bytes);
}

/** The first frame, and all that follows it as bytes. Throws where there is none. */
export async function splitBegin(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly begin: Begin; readonly rest: AsyncGenerator<Uint8Array> }> {
  const bytes = source[Symbol.asyncIterator]();
  let pending: Buffer = Buffer.alloc(0);
  let size: number | undefined;
  while (size === undefined || pending.length < size) {
    const { done, value } = await bytes.next();
    if (done === true) throw new Error('the call ended before it said what to run');
    pending = Buffer.concat([pending, value]);
    size = sizeOf(pending);
  }
  const begin = BEGIN.parse(readJson(pending.subarray(HEADER_BYTES, size)));
  const more = pending.subarray(size);
  async function* rest(): AsyncGenerator<Uint8Array> {
    if (more.length > 0) yield more;
    yield* { [Symbol.asyncIterator]: () => bytes };
  }
  return { begin, rest: rest() };
}

export async function* readInputs(source: AsyncIterable<Uint8Array>): AsyncGenerator<ExecInput> {
  for await (const { kind, content } of readFrames(source))
    if (kind === 'stdin') yield { kind, bytes: content };
    else if (kind === 'resize') yield { kind, size: SIZE.parse(readJson(content)) };
    else throw new Error(`${kind} is not what goes in`);
}

export async function* readAnswers(source: AsyncIterable<Uint8Array>): AsyncGenerator<ExecAnswer> {
  for await (const { kind, content } of readFrames(source))
    if (kind === 'stdout' || kind === 'stderr') yield { kind, bytes: content };
    else if (kind === 'exited') yield { kind, exitCode: z.int().parse(readJson(content)) };
    else if (kind === 'failed') yield { kind, error: FAILURE.parse(readJson(content)) };
    else throw new Error(`${kind} is not what comes out`);
}

type Frame = { readonly kind: Kind; readonly content: Buffer };

async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    for (let size = sizeOf(pending); size !== undefined && size <= pending.length;) {
      const kind = KINDS.find((known) => KIND[known] === pending[0]);
      if (kind === undefined) throw new Error(`there is no frame of kind ${pending[0]}`);
      yield { kind, content: pending.subarray(HEADER_BYTES, size) };
      pending = pending.subarray(size);
      size = sizeOf(pending);
    }
  }
  if (pending.length > 0) throw new Error('it was cut off within a frame');
}

/** Of the first frame with its header; undefined: that is not here yet. */
function sizeOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = bytes.readUInt32BE(1);
  if (length > CONTENT_BYTES_MAX) throw new Error(`a frame of ${length} bytes is too long`);
  return HEADER_BYTES + length;
}

function frame(kind: Kind, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + content.byteLength);
  bytes[0] = KIND[kind];
  bytes.writeUInt32BE(content.byteLength, 1);
  bytes.set(content, HEADER_BYTES);
  return bytes;
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const readJson = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));
