import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createMerge } from '../../../node/logs/merge.ts';

type Line = { readonly at?: string; readonly text: string };
/** `b3`: of source b, at second 3; `b`: without a time. */
function line(text: string): Line {
  const second = text.slice(1);
  return second === '' ? { text } : { at: `2026-11-21T00:00:0${second}Z`, text };
}

async function* source(...portions: readonly string[]): AsyncGenerator<readonly Line[]> {
  for (const portion of portions) {
    await turn();
    yield portion.split(' ').map(line);
  }
}

/** Only a test that fails waits so long. */
const LONG_MS = 20_000;

async function merged(
  waitMs: number,
  ...sources: AsyncIterable<readonly Line[]>[]
): Promise<string> {
  const merge = createMerge<Line>(waitMs);
  for (const one of sources) merge.add(one);
  merge.close();
  const lines = (await Array.fromAsync(merge)).flat();
  return lines.map(({ text }) => text).join(' ');
}

it.each([
  [['a1 a4', 'a5'], ['b2 b3', 'b6'], 'a1 b2 b3 a4 a5 b6', 'by their times'],
  [['a1 a3'], ['b1 b2'], 'a1 b1 b2 a3', 'of two at one time the first source first'],
  [['a3 a1 a2'], ['b2'], 'b2 a3 a1 a2', 'lines of one source never change places'],
  [['a a'], ['b1'], 'a a b1', 'what has no time comes first'],
  [[], ['b1'], 'b1', 'beside a source without a line'],
  [[], [], '', 'nothing at all'],
])('%j and %j: %s, %s', async (a, b, told) => {
  expect(await merged(LONG_MS, source(...a), source(...b))).toBe(told);
});

it('is the same as sorting, whatever the portions are', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    let state = seed;
    const draw = (n: number): number => (state = (state * 48_271) % 2_147_483_647) % n;
    const all: string[] = [];
    const sources = ['a', 'b', 'c'].map((name) => {
      const times = Array.from({ length: draw(7) }, () => draw(10)).sort((x, y) => x - y);
      const lines = times.map((time) => `${name}${time}`);
      all.push(...lines);
      const portions: string[] = [];
      while (lines.length > 0) portions.push(lines.splice(0, 1 + draw(3)).join(' '));
      return source(...portions);
    });
    const sorted = all.toSorted((x, y) => x.slice(1).localeCompare(y.slice(1)) || (x < y ? -1 : 1));
    const told = await merged(LONG_MS, ...sources);
    expect(told.split(' ').map((text) => text.slice(1))).toEqual(
      sorted
        .join(' ')
        .split(' ')
        .map((text) => text.slice(1)),
    );
    expect(told.split(' ').sort()).toEqual(sorted.join(' ').split(' ').sort());
  }
});

it('waits for nobody who is quiet', async () => {
  const merge = createMerge<Line>(0);
  const quiet = Promise.withResolvers<void>();
  async function* silent(): AsyncGenerator<readonly Line[]> {
    await quiet.promise;
    yield [line('q9')];
  }
  merge.add(silent());
  merge.add(source('a1', 'a2'));
  merge.close();
  const told: string[] = [];
  for await (const lines of merge) {
    told.push(...lines.map(({ text }) => text));
    if (told.length === 2) quiet.resolve();
  }
  expect(told).toEqual(['a1', 'a2', 'q9']);
});

it('goes on with the others when one fails, and says which', async () => {
  async function* broken(): AsyncGenerator<readonly Line[]> {
    yield [line('b1')];
    throw new Error('gone');
  }
  const merge = createMerge<Line>(LONG_MS);
  const ends: unknown[] = [];
  merge.add(broken(), (error) => ends.push(['b', error instanceof Error && error.message]));
  merge.add(source('a2'), (error) => ends.push(['a', error]));
  merge.close();
  expect((await Array.fromAsync(merge)).flat().map(({ text }) => text)).toEqual(['b1', 'a2']);
  expect(ends).toEqual([
    ['b', 'gone'],
    ['a', undefined],
  ]);
});

it('takes what is added while it runs, and stays open until it is closed', async () => {
  const merge = createMerge<Line>(LONG_MS);
  merge.add(source('a1'), () => {
    merge.add(source('b2'), () => merge.close());
  });
  expect((await Array.fromAsync(merge)).flat().map(({ text }) => text)).toEqual(['a1', 'b2']);
});

it('asks for no more than is taken, and lets its sources go when it is left', async () => {
  let given = 0;
  let left = false;
  async function* endless(): AsyncGenerator<readonly Line[]> {
    try {
      for (;;) yield [line(`a${(given += 1) % 10}`)];
    } finally {
      left = true;
    }
  }
  const merge = createMerge<Line>(LONG_MS);
  merge.add(endless());
  for await (const _ of merge) {
    for (let i = 0; i < 20; i += 1) await turn();
    expect(given).toBe(1);
    break;
  }
  await turn();
  expect(left).toBe(true);
});
