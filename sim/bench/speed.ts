/** How much faster than the world the simulator is: whole clusters, checked after every step. */
import { type Options, quiet } from '../options.ts';
import { simulate } from '../run.ts';
import { drawOptions } from '../swarm.ts';

export type Speed = {
  readonly hostCount: number;
  readonly faults: 'none' | 'swarm';
  readonly simulatedS: number;
  readonly wallS: number;
  readonly steps: number;
};

/** `now` in milliseconds. Runs whole simulations until `wallMs` have passed. */
export function benchSpeed(
  hostCount: number,
  faults: Speed['faults'],
  wallMs: number,
  now: () => number,
): Speed {
  const startedAt = now();
  let simulatedMs = 0;
  let steps = 0;
  for (let seed = 1; seed === 1 || now() - startedAt < wallMs; seed++) {
    const options = faults === 'none' ? calmOf(seed, hostCount) : stormOf(seed, hostCount);
    const how = faults === 'none' ? { untilMs: options.stormMs } : {};
    const { figures } = simulate(options, how);
    simulatedMs += figures.simulatedMs;
    steps += figures.steps;
  }
  const wallS = (now() - startedAt) / 1000;
  return { hostCount, faults, simulatedS: simulatedMs / 1000, wallS, steps };
}

const calmOf = (seed: number, hostCount: number): Options => ({
  ...quiet(seed, hostCount, hostCount > 20 ? 120_000 : 1_200_000),
  voterCount: hostCount >= 5 ? 5 : 3,
});

/** A storm of the swarm over so many hosts. */
function stormOf(seed: number, hostCount: number): Options {
  const drawn = drawOptions(seed);
  const voterCount = hostCount > 5 ? 5 : 3;
  return { ...drawn, hostCount, voterCount, stormMs: hostCount > 20 ? 30_000 : drawn.stormMs };
}
