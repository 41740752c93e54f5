import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { LogLine } from '../../../../node/engine/engine.ts';
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

const AT = (second: number): string => `2026-11-21T00:00:0${second}.123456789Z`;
const timed = (output: number, second: number, text: string | Buffer): Buffer =>
  frame(output, Buffer.concat([Buffer.from(`${AT(second)} `), Buffer.from(text)]));
const readAll = async (chunks: readonly Buffer[]): Promise<readonly LogLine[]> =>
  (await Array.fromAsync(readLogLines(Readable.from(chunks)))).flat();

it('interleaves two outputs by whole lines with their times, wherever the chunks are cut', async () => {
  const euro = Buffer.from('€');
  const bytes = Buffer.concat([
    timed(OUT, 1, 'one\n'),
    timed(OUT, 2, 'tw'),
    timed(ERR, 3, 'oops'),
    timed(OUT, 4, 'o '),
    timed(OUT, 5, euro.subarray(0, 1)),
    timed(ERR, 6, '\n'),
    timed(OUT, 7, Buffer.concat([euro.subarray(1), Buffer.from('\n')])),
    timed(OUT, 8, 'last'),
  ]);
  for (const chunks of cuts(bytes))
    expect(await readAll(chunks)).toEqual([
      { at: AT(1), output: 'stdout', text: 'one' },
      { at: AT(3), output: 'stderr', text: 'oops' },
      { at: AT(2), output: 'stdout', text: 'two €' },
      { at: AT(8), output: 'stdout', text: 'last' },
    ]);
});

it('takes for a time only what is one', async () => {
  const lines = ['no time', '2026-11-21 two', 'x'.repeat(60), '2026-11-21T00:00:00Z a  b'];
  const read = await readAll([frame(OUT, lines.map((line) => `${line}\n`).join(''))]);
  expect(read).toEqual(lines.map((text) => ({ output: 'stdout', text })));
  const [one] = await readAll([frame(OUT, `${lines[3]}\n`)]);
  expect(one).toEqual({ at: '2026-11-21T00:00:00Z', output: 'stdout', text: 'a  b' });
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
