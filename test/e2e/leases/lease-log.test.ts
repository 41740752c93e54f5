/** The judge of the test beside this one: it must see what is wrong. */
import { describe, expect, test } from 'vitest';
import { changesOf, contradictionsIn, type Death, type LeaseLine, tenuresOf } from './lease-log.ts';

/** `HOST EVENT TERM AT UNTIL`, all of one key; `HOST died AT`. */
const said = (...lines: readonly string[]): readonly (LeaseLine | Death)[] =>
  lines.map((line) => {
    const [host = '', event, term, at, until] = line.split(' ');
    if (event === 'died') return { host, event, at_ms: Number(term) };
    const kind = event === 'won' || event === 'ended' ? event : 'renewed';
    const numbers = { term: Number(term), at_ms: Number(at), until_ms: Number(until) };
    return { host, lease: 'k', event: kind, ...numbers };
  });

describe('two tenures', () => {
  test.each<[string, readonly string[], number, RegExp | undefined]>([
    ['one after the other are fine', ['a won 1 0 10', 'b won 2 10 20'], 1, undefined],
    ['that overlap by 1 ms are two leaders', ['a won 1 0 11', 'b won 2 10 20'], 1, /two leaders/],
    [
      'that overlap by a renewal are two leaders',
      ['a won 1 0 5', 'a renewed 1 3 15', 'b won 2 10 20'],
      1,
      /two leaders/,
    ],
    [
      'are fine where the first ended before its time',
      ['a won 1 0 15', 'a ended 1 9 9', 'b won 2 10 20'],
      1,
      undefined,
    ],
    [
      'are two leaders where it ended too late',
      ['a won 1 0 15', 'a ended 1 11 11', 'b won 2 10 20'],
      1,
      /two leaders/,
    ],
    ['are fine where the first died', ['a won 1 0 15', 'a died 9', 'b won 2 10 20'], 1, undefined],
    [
      'are two leaders where it died too late',
      ['a won 1 0 15', 'a died 11', 'b won 2 10 20'],
      1,
      /two leaders/,
    ],
    [
      'are two leaders where another died',
      ['a won 1 0 15', 'c died 9', 'b won 2 10 20'],
      1,
      /two leaders/,
    ],
    [
      'are two leaders where the first came back under its old lease',
      ['a won 1 0 15', 'a died 5', 'a renewed 1 6 15', 'b won 2 10 20'],
      1,
      /two leaders/,
    ],
    ['of one host may overlap', ['a won 1 0 10', 'a won 2 5 20'], 0, undefined],
    ['under one term are wrong', ['a won 1 0 10', 'b won 1 10 20'], 1, /did not rise/],
    [
      'of one host under a lower term are wrong',
      ['a won 2 0 9', 'a won 1 9 20'],
      0,
      /did not rise/,
    ],
    [
      'under a term reached by a renewal are wrong',
      ['a won 1 0 5', 'a renewed 3 3 10', 'b won 2 10 20'],
      1,
      /did not rise/,
    ],
    ['are told by a renewal whose win was lost', ['a renewed 1 0 11', 'b won 2 10 20'], 1, /two/],
    [
      'are compared with all before, not the last alone',
      ['a won 1 0 30', 'b won 2 10 12', 'c won 3 20 40'],
      2,
      /c under term 3/,
    ],
  ])('%s', (_, lines, changes, wrong) => {
    const tenures = tenuresOf(said(...lines));
    expect(changesOf(tenures)).toBe(changes);
    const told = contradictionsIn(tenures).join('\n');
    if (wrong === undefined) expect(told).toBe('');
    else expect(told).toMatch(wrong);
  });

  test('of different keys have nothing to do with each other', () => {
    const lines = said('a won 1 0 10', 'b won 1 0 10');
    const tenures = tenuresOf(lines.map((line) => ({ ...line, lease: line.host })));
    expect(tenures).toHaveLength(2);
    expect(contradictionsIn(tenures)).toEqual([]);
    expect(changesOf(tenures)).toBe(0);
  });
});
