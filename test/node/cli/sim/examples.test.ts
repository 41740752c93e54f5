/** The scenarios that ship: each keeps what it says, whatever the seed. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createCli } from '../../../../node/cli/terminal.ts';
import { loadSource } from '../../../../node/cli/sim/scenario-source.ts';
import { exceeded } from '../../../../node/cli/sim/run-figures.ts';
import { play } from '../../../../sim/scenario/play.ts';

const FOLDER = join(import.meta.dirname, '../../../../examples/scenarios');
const files = globSync('*.yaml', { cwd: FOLDER }).filter(
  (file) => !/^services:/m.test(readFileSync(join(FOLDER, file), 'utf8')),
);
const cli = createCli({ color: 'never' }, new AbortController().signal);

it('has at least eight of them', () => {
  expect(files.length).toBeGreaterThanOrEqual(8);
});

it.each(files)('%s', (file) => {
  const { scenario } = loadSource(cli, join(FOLDER, file), {});
  const plays = [1, 2].map((seed) => play(scenario, seed, {}));
  expect(plays.map(({ outcome }) => outcome.verdict)).toEqual([
    { kind: 'passed' },
    { kind: 'passed' },
  ]);
  const totals = {
    runs: plays.map(({ measures }) => measures),
    messages: plays.reduce((sum, { outcome }) => sum + outcome.figures.messages, 0),
    simulatedMs: plays.reduce((sum, { outcome }) => sum + outcome.figures.simulatedMs, 0),
  };
  expect(exceeded(scenario.limits, totals, scenario.hostCount)).toEqual([]);
});
