/** Every rule that protocol/README.md names is proven by something that names it. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTANTS } from '../../sim/mutants/mutants.ts';

const TEXT = readFileSync('protocol/README.md', 'utf8');
const RULES = [...new Set(TEXT.matchAll(/\*\*([A-Z]\d+|L-[a-z])\*\*/g))].map(([, rule]) => rule);

/** Titles name them in brackets at the end or before a colon: `L2: …`, `starts nothing twice (R9, S13)`. */
const CITED = new Set(
  readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => [
      ...readFileSync(`test/${path}`, 'utf8').matchAll(/\(([^()\n]+)\)[`']|['`]([A-Z]\d+): /g),
    ])
    .flatMap(([, inBrackets = '', before = '']) => [before, ...inBrackets.split(/[ ,]+/)]),
);
/** Rules that are checked after every step of a simulation, and seen to be. */
const CHECKED = new Set(MUTANTS.flatMap(({ rules }) => rules));

it('names enough rules to be worth asking', () => {
  expect(RULES.length).toBeGreaterThan(60);
});

it.each(RULES)('%s is proven by a test, or by a checker that catches a mutant', (rule = '') => {
  expect([...CITED, ...CHECKED]).toContain(rule);
});
