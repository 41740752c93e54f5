/** Every mutant still fits the sources that it changes, and changes them into something that runs. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type Machine, mutate, type Mutant } from '../../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../../sim/mutants/mutants.ts';

const ROOT = new URL('../../../', import.meta.url);
const sourceOf = ({ file }: Mutant): string => readFileSync(new URL(file, ROOT), 'utf8');
const isNumbered = (rule: string): boolean => /^[SLM]\d+$/.test(rule);

describe.each(MUTANTS)('$name', (mutant) => {
  it('occurs once in its file, and leaves it readable', () => {
    const source = sourceOf(mutant);
    const mutated = mutate(mutant, source);
    expect(mutated, `\`${mutant.from}\` is not, or not only once, in ${mutant.file}`).toBeDefined();
    expect(mutated).not.toBe(source);
    expect(() => stripTypeScriptTypes(mutated ?? '')).not.toThrow();
  });

  it('names checkers, never an exception', () => {
    expect(mutant.rules.length).toBeGreaterThan(0);
    expect(mutant.rules.filter((rule) => !isNumbered(rule))).toEqual([]);
  });
});

it('has a name of its own for each', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

it('has at least thirteen for leases, and as many for all the rest', () => {
  const count = (wanted: (machine: Machine) => boolean): number =>
    MUTANTS.filter(({ machine }) => wanted(machine)).length;
  expect(count((machine) => machine === 'lease')).toBeGreaterThanOrEqual(13);
  expect(count((machine) => machine !== 'lease')).toBeGreaterThanOrEqual(13);
});

it('lets the swarm and a walk find the acceptance that overwrites', () => {
  const overwrites = MUTANTS.find(({ name }) => name === 'overwrites');
  expect(overwrites?.rules).toEqual(['S1']);
  expect(overwrites?.walk).toBe('leases');
});

const mutant: Mutant = {
  name: 'any',
  machine: 'lease',
  file: 'any.ts',
  from: 'a > b',
  to: 'a >= b',
  says: 'Equal is more.',
  rules: ['S1'],
};

it.each([
  ['if (a > b) go();', 'if (a >= b) go();', 'once: replaced'],
  ['if (a < b) go();', undefined, 'the source has changed: refused'],
  ['a > b || a > b', undefined, 'twice: which is meant is not known'],
  ['', undefined, 'nothing'],
] as const)('%s', (source, wanted, _why) => {
  expect(mutate(mutant, source)).toBe(wanted);
});
