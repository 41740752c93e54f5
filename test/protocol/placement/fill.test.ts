/** As many slots as find room on every host. */
import { expect, it } from 'vitest';
import type { PlacementRules } from '../../../protocol/component/spec.ts';
import { SLOTS_MAX } from '../../../protocol/limits.ts';
import { DATA, dead, DOCKER, FIXED, host, image, run, show } from './cluster.ts';

const fill = (rules: Partial<PlacementRules>, changes = {}) =>
  image(1, { mode: 'global', placement: { constraints: [], fill: true, ...rules }, ...changes });
const CPU = fill({ reserves: { milliCpus: 1000 } });
const of = (cpuCount: number, id: string, milliCpus = 0) =>
  host(id, {
    facts: { ...DOCKER, cpuCount, memoryBytes: 2 ** 30 },
    reserved: { milliCpus, memoryBytes: 0 },
  });

it.each([
  ['by what each reserves', CPU, '', [of(2, 'h1'), of(3, 'h2')], 'h1 h1 h2 h2 h2'],
  ['beside what others reserve', CPU, '', [of(3, 'h1', 1500), of(1, 'h2', 500)], 'h1'],
  [
    'by max_replicas_per_node',
    fill({ perHostMax: 2 }),
    '',
    [of(9, 'h1'), of(9, 'h2')],
    'h1 h1 h2 h2',
  ],
  [
    'by the lesser of the two',
    fill({ perHostMax: 2, reserves: { milliCpus: 1000 } }),
    '',
    [of(1, 'h1'), of(9, 'h2')],
    'h1 h2 h2',
  ],
  ['with a fixed port: one', fill({ perHostMax: 5 }, FIXED), '', [of(9, 'h1')], 'h1'],
  ['what is there stays', CPU, '- h1 - h2', [of(2, 'h1'), of(1, 'h2')], 'h1 h1 - h2'],
  ['what is too many for the host itself goes', CPU, 'h1 h1 h1', [of(2, 'h1')], 'h1 h1'],
  ['what others took meanwhile moves nothing', CPU, 'h1 h1', [of(2, 'h1', 2000)], 'h1 h1'],
  [
    'what waits for a host that reboots stays, and is counted when that is back',
    fill({ reserves: { milliCpus: 1000 } }, DATA),
    'h1 h1 h2',
    [{ ...of(1, 'h1'), alive: false, awaited: true }, of(1, 'h2')],
    'h1 h1 h2',
  ],
  ['a host that is gone has none', CPU, 'h1 h2', [of(1, 'h1'), dead('h2')], 'h1'],
] as const)('%s', (_name, wanted, current, hosts, expected) => {
  const placed = run(wanted, current, hosts);
  expect(show(placed.slots)).toBe(expected);
  const again = run(wanted, show(placed.slots), hosts);
  expect(show(again.slots)).toBe(expected);
  expect(again.decisions).toEqual([]);
});

it('says why it is nowhere', () => {
  const [decision] = run(CPU, '', [of(1, 'h1', 500)]).decisions;
  expect(decision?.text).toBe(
    'shop.web.1 fits nowhere: 1 host: it reserves 1 cpus, and 0.5 of 1 are free there (h1)',
  );
});

it('ends at the most slots that a component may have', () => {
  const huge = fill({ reserves: { milliCpus: 1 } });
  expect(run(huge, '', [of(SLOTS_MAX, 'h1'), of(1, 'h2')]).slots).toHaveLength(SLOTS_MAX);
});
