import { expect, it } from 'vitest';
import type { ExecInput } from '../../../node/engine/engine.ts';
import {
  answerFrame,
  beginFrame,
  type ExecAnswer,
  inputFrame,
  readAnswers,
  readInputs,
  splitBegin,
} from '../../../node/exec/frames.ts';

const BEGIN = {
  command: ['sh', '-c', 'echo "å"'],
  stdin: true,
  terminal: { columns: 80, rows: 24 },
};
const INPUTS: readonly ExecInput[] = [
  { kind: 'stdin', bytes: Buffer.from('one\0two') },
  { kind: 'resize', size: { columns: 133, rows: 40 } },
  { kind: 'stdin', bytes: Buffer.alloc(0) },
];
const ERROR = { code: 'conflict', what: 'a', why: 'b', next: 'c', exit: 4 };
const ANSWERS: readonly ExecAnswer[] = [
  { kind: 'stdout', bytes: Buffer.from('å') },
  { kind: 'stderr', bytes: Buffer.from('err') },
  { kind: 'failed', error: ERROR },
  { kind: 'exited', exitCode: 255 },
];

async function* chunks(all: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < all.byteLength; at += size) yield all.subarray(at, at + size);
}

it('reads the same frames wherever the bytes are cut', async () => {
  const asked = Buffer.concat([beginFrame(BEGIN), ...INPUTS.map(inputFrame)]);
  const answered = Buffer.concat(ANSWERS.map(answerFrame));
  for (let size = 1; size <= asked.length; size += 1) {
    const { begin, rest } = await splitBegin(chunks(asked, size));
    expect(begin).toEqual(BEGIN);
    expect(await Array.fromAsync(readInputs(rest))).toEqual(INPUTS);
    expect(await Array.fromAsync(readAnswers(chunks(answered, size)))).toEqual(ANSWERS);
  }
});

const raw = (kind: number, length: number, content = ''): Buffer => {
  const header = Buffer.alloc(5);
  header[0] = kind;
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, Buffer.from(content)]);
};
const of = (bytes: Uint8Array): AsyncGenerator<Uint8Array> => chunks(bytes, 7);

it.each([
  [raw(3, 10, 'short'), 'cut off', 'a frame that is not whole'],
  [raw(3, 300_000), 'too long', 'a frame longer than any is written'],
  [raw(9, 0), 'no frame of kind 9', 'a kind that does not exist'],
  [raw(1, 1, 'x'), 'stdin is not what comes out', 'what goes the other way'],
  [raw(5, 2, '{}'), 'number', 'an exit code that is none'],
])('refuses %o: %s, %s', async (bytes, said) => {
  await expect(Array.fromAsync(readAnswers(of(bytes)))).rejects.toThrow(said);
});

it.each([
  [Buffer.alloc(0), 'ended before', 'nothing'],
  [raw(0, 4, 'null'), 'object', 'no request'],
  [raw(0, 29, '{"command":[],"stdin":false} '), 'Too small', 'no command'],
])('begins nothing with %o: %s, %s', async (bytes, said) => {
  await expect(splitBegin(of(bytes))).rejects.toThrow(said);
});
