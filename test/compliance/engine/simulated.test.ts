/** The model of an engine that the simulator runs, mildest and with what chance makes of its latencies. */
import { describe } from 'vitest';
import { type Choices, choicesOfSeed, choicesOfTape } from '../../../sim/choice.ts';
import { openSimulated } from './simulated-engine.ts';
import { createSimulatedMachine, handlesOf, othersOf } from './simulated-machine.ts';
import { simulatedWorkloads } from './simulated-workloads.ts';
import { describeEngine } from './suite.ts';

const CHANCES: readonly (readonly [string, Choices])[] = [
  ['as fast as can be', choicesOfTape({})],
  ...[1, 2, 3, 4].map((seed) => [`of seed ${seed}`, choicesOfSeed(seed)] as const),
];

describe.each(CHANCES)('simulated %s', (_, choices) => {
  const machine = createSimulatedMachine(choices);
  describeEngine(
    'simulated',
    async (scope) => openSimulated(machine, scope),
    { ...simulatedWorkloads, others: othersOf(machine) },
    handlesOf(machine),
  );
});
