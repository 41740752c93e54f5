/** The selftest tells mutants that are caught from those that are not, in threads as it ships. */
import { expect, it, vi } from 'vitest';
import { runSeeds } from '../../../node/cli/sim/pool.ts';
import { isCaught, selftest } from '../../../node/cli/sim/selftest.ts';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../../sim/mutants/mutants.ts';

/** Seconds of work each; more on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const named = (name: string): Mutant => {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
};
const SWARM = { kind: 'storm', plan: 'swarm' } as const;
/** Changes a word that nobody reads. */
const harmless: Mutant = {
  name: 'harmless',
  machine: 'lease',
  file: 'protocol/lease/voter.ts',
  from: 'Mutable only in',
  to: 'Changed only in',
  says: 'Nothing is changed.',
  rules: ['S1'],
};

it('catches a mutant by a checker it names, and the same seeds pass without it', async () => {
  const heard: string[] = [];
  const { trials, unmutated } = await selftest({
    mutants: [named('committed-by-one'), named('promise-ignored')],
    first: 1,
    count: 20,
    jobs: 2,
    onTrial: ({ mutant }) => heard.push(mutant.name),
  });
  expect(trials.map(({ mutant, outcome }) => [mutant.name, outcome.kind])).toEqual([
    ['committed-by-one', 'caught'],
    ['promise-ignored', 'caught'],
  ]);
  expect(heard.toSorted()).toEqual(['committed-by-one', 'promise-ignored']);
  expect(unmutated.seeds).toBeGreaterThan(0);
  expect(unmutated.failures).toEqual([]);
});

it('says which mutants nothing caught', async () => {
  const init = { first: 1, count: 2, jobs: 1, onTrial: () => undefined };
  const { trials } = await selftest({ ...init, mutants: [harmless] });
  expect(trials[0]?.outcome).toEqual({ kind: 'missed', text: '2 seeds passed' });
});

it('does not take the wrong checker for the right one', async () => {
  const wrong = { ...named('committed-by-one'), rules: ['L8'] };
  const init = { first: 1, count: 20, jobs: 1, onTrial: () => undefined };
  const { trials } = await selftest({ ...init, mutants: [wrong] });
  expect(trials[0]?.outcome.kind).toBe('missed');
  expect(trials[0]?.outcome.text).toMatch(/^seed \d+ fails by S\d+: /);
});

it.each([
  ['sync-without-records', 'roster', true, 'the walk finds it'],
  ['committed-by-one', 'leases', false, 'a walk that finds nothing is not enough'],
] as const)('%s, to be found by the walk of %s: %s', async (name, walk, found, _why) => {
  const init = { first: 1, count: 20, jobs: 1, onTrial: () => undefined };
  const { trials } = await selftest({ ...init, mutants: [{ ...named(name), walk }] });
  expect(trials.map((trial) => [trial.outcome.kind, isCaught(trial)])).toEqual([['caught', found]]);
  expect(trials[0]?.walked !== undefined).toBe(found);
});

it('refuses a mutant that the sources have left behind', async () => {
  const stale = { ...harmless, from: 'no such text' };
  const runs = runSeeds([1], 1, { what: SWARM, mutant: stale, twice: false });
  await expect(runs.next()).rejects.toThrow('the place of harmless is not in');
});

it('gives the outcomes in the order of the seeds, whoever is ready first', async () => {
  const seeds: number[] = [];
  const runs = runSeeds([5, 6, 9, 7], 2, { what: SWARM, mutant: undefined, twice: true });
  for await (const { seed, isUnsteady } of runs) {
    seeds.push(seed);
    expect(isUnsteady).toBe(false);
  }
  expect(seeds).toEqual([5, 6, 9, 7]);
});

it('names the seed at which the simulator itself fails', async () => {
  const fallen: Mutant = {
    name: 'fallen',
    machine: 'lease',
    file: 'sim/run.ts',
    from: '  populate(world);',
    to: '  throw new RangeError("no host");',
    says: 'The simulator falls over.',
    rules: [],
  };
  const runs = runSeeds([17], 1, { what: SWARM, mutant: fallen, twice: false });
  await expect(runs.next()).rejects.toThrow('seed 17: RangeError: no host');
});
