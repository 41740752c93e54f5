import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readLines, readLogLines } from '../../../../node/engine/docker/lines.ts';

const OUT = 1;
const ERR = 2;

function frame(output: number, text: string | Buffer): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(output, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Every way to cut the bytes in two, and into single bytes. */
function cuts(bytes: Buffer): readonly (readonly Buffer[])[] {
  const inTwo = Array.from({ length: bytes.length }, (_, at) => [
    bytes.subarray(0, at),
    bytes.subarray(at),
  ]);
  return [...inTwo, Array.from(bytes, (byte) => Buffer.of(byte))];
}

it('reads the same lines wherever the chunks are cut', async () => {
  for (const chunks of cuts(Buffer.from('{"a":"å"}\n\n{"b":"€"}\nrest'))) {
    const lines = await Array.fromAsync(readLines(Readable.from(chunks)));
    expect(lines).toEqual(['{"a":"å"}', '', '{"b":"€"}', 'rest']);
  }
});

it('interleaves two outputs by whole lines, wherever the chunks are cut', async () => {
  const euro = Buffer.from('€');
  const bytes = Buffer.concat([
    frame(OUT, 'one\ntw'),
    frame(ERR, 'oops'),
    frame(OUT, 'o '),
    frame(OUT, euro.subarray(0, 1)),
    frame(ERR, '\n'),
    frame(OUT, Buffer.concat([euro.subarray(1), Buffer.from('\nlast')])),
  ]);
  for (const chunks of cuts(bytes)) {
    const lines = await Array.fromAsync(readLogLines(Readable.from(chunks)));
    expect(lines).toEqual(['one\n', 'oops\n', 'two €\n', 'last\n']);
  }
});

it('hands a line without end on in pieces', async () => {
  const chunks = Array.from({ length: 40 }, () => Buffer.alloc(1 << 16, 'x'));
  const lines = await Array.fromAsync(readLines(Readable.from(chunks)));
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.join('')).toHaveLength(40 << 16);
});

it('does not wait for a frame that no engine would send', async () => {
  const header = Buffer.alloc(8, 0xff);
  const lines = Array.fromAsync(readLogLines(Readable.from([header])));
  await expect(lines).rejects.toThrow('4294967295 bytes');
});
