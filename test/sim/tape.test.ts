/** What a run was made of makes the same run again, and survives being written to a file. */
import { describe, expect, it } from 'vitest';
import { drawOptions } from '../../sim/swarm.ts';
import { type Outcome, type RunOptions, simulate } from '../../sim/run.ts';
import { parseTape, printTape } from '../../sim/tape-file.ts';
import type { Tape } from '../../sim/tape.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => 501 + i);
const STORM_MS = 4000;

function brief(seed: number, how: RunOptions): Outcome {
  const options = { ...drawOptions(seed), stormMs: STORM_MS };
  return simulate(how.tape === undefined ? options : { ...options, seed: 0 }, {
    ...how,
    everyWord: true,
    untilMs: STORM_MS + 1500,
  });
}

function tapeOf(seed: number): Tape {
  const { tape } = brief(seed, { recording: true });
  if (tape === undefined) throw new Error('nothing was recorded');
  return tape;
}

it.each(SEEDS)('seed %i, recorded or not or run from its tape, takes one course', (seed) => {
  const plain = brief(seed, {});
  const { hash, tape } = brief(seed, { recording: true });
  expect(hash).toBe(plain.hash);
  if (tape === undefined) throw new Error('nothing was recorded');
  expect(Object.keys(tape.draws).length).toBeGreaterThan(0);
  const again = brief(seed, { tape });
  expect(again.hash).toBe(hash);
  expect(again.figures).toEqual(plain.figures);
});

it('a tape of a tape is the part of it that was used', () => {
  const tape = tapeOf(501);
  const again = brief(501, { tape, recording: true }).tape;
  expect(again?.deeds).toEqual(tape.deeds);
  for (const [site, numbers] of Object.entries(again?.draws ?? {}))
    expect(numbers).toEqual(tape.draws[site]);
});

describe('as text', () => {
  it.each(SEEDS.slice(0, 6))('the tape of seed %i is read as it was written', (seed) => {
    const tape = tapeOf(seed);
    expect(parseTape(printTape(tape))).toEqual({ ok: true, value: tape });
  });

  it('what the timeline of a scenario did is still known as such', () => {
    const strike = { kind: 'force', host: 0, forceId: 2 ** 24 - 1 } as const;
    const deeds = [{ at: 5, isPlanned: true, kind: 'strike', strike }] as const;
    const planned: Tape = { ...tapeOf(501), deeds };
    expect(parseTape(printTape(planned))).toEqual({ ok: true, value: planned });
  });

  const { options } = tapeOf(501);
  const tape: Tape = { format: 1, options, deeds: [], draws: {} };
  const strike = { kind: 'crash', host: 0, forMs: 10 };
  const REFUSED = [
    ['{', 'this is not a tape: it is no JSON', 'JSON', 'no JSON'],
    ['[]', 'this is not a tape that can be replayed', 'expected an object', 'a list'],
    [
      { ...tape, format: 2 },
      'this tape is of another version',
      'format: expected 1',
      'a later format',
    ],
    [
      { ...tape, deeds: {} },
      'this is not a tape that',
      'deeds: expected a list',
      'no list of deeds',
    ],
    [
      { ...tape, deeds: [{ at: 5, kind: 'strike', strike: { ...strike, kind: 'flood' } }] },
      'this tape is of another version',
      'deeds[0].strike.kind: "flood" is no kind known here',
      'a fault of another version',
    ],
    [
      { ...tape, deeds: [{ at: -1, kind: 'strike', strike }] },
      'this is not a tape that',
      'deeds[0].at: -1 is not in 0 to',
      'a time before the beginning',
    ],
    [
      { ...tape, options: { ...options, hostCount: 3, voterCount: 5 } },
      'this is not a tape that',
      'options: 5 voters of 3 hosts',
      'more voters than hosts',
    ],
    [
      { ...tape, options: { ...options, lossPermille: 1001 } },
      'this is not a tape that',
      'options.lossPermille: 1001 is not in 0 to 1000',
      'more than all is lost',
    ],
    [
      { ...tape, draws: { 'net/h1>h2': [0, 0.5] } },
      'this is not a tape that',
      'draws.net/h1>h2[1]: expected a whole number',
      'half a number',
    ],
    [
      { ...tape, draws: [] },
      'this is not a tape that',
      'draws: expected the numbers of each choice point',
      'numbers of no choice point',
    ],
  ] as const;

  it.each(REFUSED)('%j is refused: %s, %s', (written, what, why) => {
    const read = parseTape(typeof written === 'string' ? written : JSON.stringify(written));
    if (read.ok) throw new Error('it was taken');
    expect(read.error.what).toContain(what);
    expect(read.error.why).toContain(why);
    expect(read.error.next).not.toBe('');
  });
});
