import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LogLine } from '../../../../node/engine/engine.ts';
import { logPath, readLog, rotateLog } from '../../../../node/engine/process/log-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const textsOf = (lines: readonly LogLine[]): readonly string[] =>
  lines.map(({ output, text }) => (output === 'stdout' ? `${text}\n` : ''));
const read = async (tail?: number): Promise<string> => {
  const options = { follow: false, ended: () => false, ...(tail === undefined ? {} : { tail }) };
  const blocks = await Array.fromAsync(readLog(folder, options, AbortSignal.timeout(10_000)));
  return blocks.flatMap(textsOf).join('');
};

it.each([
  ['a\nb\nc\n', 2, 'b\nc\n', 'the last two'],
  ['a\nb\nc', 2, 'b\nc\n', 'a line counts before it is finished'],
  ['a\n\n\n', 2, '\n\n', 'empty lines are lines'],
  ['a\nb\n', 2, 'a\nb\n', 'all there are'],
  ['a\nb\n', 9, 'a\nb\n', 'more than there are'],
  ['a\nb\n', 0, '', 'none'],
  ['', 3, '', 'nothing yet'],
  ['\n', 1, '\n', 'one empty line'],
])('the tail of %j by %i is %j: %s', async (content, tail, expected) => {
  writeFileSync(logPath(folder), content);
  expect(await read(tail)).toBe(expected);
});

it('finds the tail across blocks, as counting all lines does', async () => {
  const lines = Array.from({ length: 9_000 }, (_, index) => `${'å'.repeat(index % 40)}${index}\n`);
  writeFileSync(logPath(folder), lines.join(''));
  for (const tail of [1, 2, 2_000, 4_321, 8_999, 9_000]) {
    expect(await read(tail)).toBe(lines.slice(-tail).join(''));
  }
  expect(await read()).toBe(lines.join(''));
});

it('goes on in the log before when the newest is too short', async () => {
  writeFileSync(logPath(folder), 'a\nb\nc\n');
  expect(await rotateLog(folder, 5)).toBe(true);
  appendFileSync(logPath(folder), 'd\ne\n');
  expect(await read(4)).toBe('b\nc\nd\ne\n');
  expect(await read(2)).toBe('d\ne\n');
  expect(await read()).toBe('\nb\nc\nd\ne\n');
});

it('rotates only what has outgrown the bound, and keeps the newest', async () => {
  writeFileSync(logPath(folder), '12345');
  expect(await rotateLog(folder, 5)).toBe(false);
  appendFileSync(logPath(folder), '67');
  expect(await rotateLog(folder, 5)).toBe(true);
  expect(readFileSync(logPath(folder), 'utf8')).toBe('');
  expect(readFileSync(`${logPath(folder)}.1`, 'utf8')).toBe('34567');
});

it('follows past a rotation, and never splits a letter or a line', async () => {
  writeFileSync(logPath(folder), 'first\n');
  const letter = Buffer.from('å');
  let looks: number | undefined;
  /** Asked before each read: the second after half a letter was written, it is followed by the rest. */
  function ended(): boolean {
    if (looks === undefined) return false;
    looks += 1;
    if (looks === 2)
      appendFileSync(logPath(folder), Buffer.concat([letter.subarray(1), Buffer.from('\n')]));
    return looks >= 2;
  }
  const chunks: string[] = [];
  const stream = readLog(folder, { follow: true, ended }, AbortSignal.timeout(10_000));
  for await (const chunk of stream) {
    chunks.push(...textsOf(chunk));
    if (chunks.length === 1) {
      await rotateLog(folder, 1);
      appendFileSync(logPath(folder), 'x\n');
    }
    if (chunks.length === 2) {
      appendFileSync(logPath(folder), letter.subarray(0, 1));
      looks = 0;
    }
  }
  expect(chunks).toEqual(['first\n', 'x\n', 'å\n']);
});
