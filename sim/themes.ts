/**
 * Seeds that are for one matter of components, with little else in its way: what users say of rollouts,
 * components that follow each other, others' hands on the engines, numbers of ports, slots that move to
 * balance, dependents that are told where others are.
 */
import { happens, pick, type Stream, within } from './choice.ts';
import { type Options, type Plague, quiet } from './options.ts';
import { drawDriftPace } from './plagues.ts';
import { drawLength, drawRates } from './weather-draws.ts';

/** Much that is deployed never works, and users look at it and say what is to become of it (U8, U9). */
export function drawRollouts(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [3, 3, 4, 5]);
  return {
    ...quiet(seed, hostCount, within(draw, 60, 100) * 1000),
    voterCount: pick(draw, [1, 3]),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    rollouts: { wordPermille: 500, dudPermille: pick(draw, [150, 400, 700]) },
    workload: {
      kind: 'random',
      everyMs: pick(draw, [1000, 2500]),
      stackCount: 1,
      strictPermille: 50,
    },
  };
}

/** Components follow each other about, while hosts are drained and vanish (A1 to A3). */
export function drawAffinity(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [3, 4, 5]);
  const plagues = {
    drains: { everyMs: pick(draw, [4000, 10_000]), lastMs: 12_000 },
    hostLosses: { everyMs: 15_000, lastMs: pick(draw, [8000, 20_000]) },
  };
  const kinds = (['drains', 'hostLosses'] as const).filter(() => happens(draw, 600));
  return {
    ...quiet(seed, hostCount, drawLength(draw)),
    voterCount: pick(draw, [1, 3]),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 10, 40]),
    lossPermille: pick(draw, [0, 0, 50]),
    recurring: Object.fromEntries(kinds.map((kind) => [kind, plagues[kind]])),
    affinity: { pairPermille: pick(draw, [500, 800]) },
    workload: {
      kind: 'random',
      everyMs: pick(draw, [1500, 5000]),
      stackCount: pick(draw, [1, 1, 2]),
      strictPermille: 50,
    },
  };
}

/** Someone changes, freezes, stops and removes instances, while agents, engines and guards fail (S32). */
export function drawDrift(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 3, 3, 4]);
  const paces: Options['recurring'] = {
    crashes: { everyMs: 8000, lastMs: pick(draw, [500, 6000]) },
    partitions: { everyMs: 12_000, lastMs: 8000 },
    pauses: { everyMs: 10_000, lastMs: 4000 },
    engines: { everyMs: 8000, lastMs: 5000 },
    guards: { everyMs: 10_000, lastMs: pick(draw, [400, 6000]) },
  };
  const kinds = (Object.keys(paces) as Plague[]).filter(() => happens(draw, 300));
  return {
    ...quiet(seed, hostCount, drawLength(draw)),
    voterCount: hostCount === 2 ? 1 : pick(draw, [1, 3]),
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    ...(happens(draw, 250) ? { lifeMs: 5000 } : {}),
    recurring: Object.fromEntries(kinds.map((kind) => [kind, paces[kind]])),
    drift: drawDriftPace(draw),
    workload: {
      kind: 'random',
      everyMs: pick(draw, [2000, 8000]),
      stackCount: pick(draw, [1, 2]),
      strictPermille: pick(draw, [100, 500]),
    },
  };
}

/** Slots are given numbers from a range that is hardly large enough, by leaders that hear late of each other (P1 to P3). */
export function drawPorts(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 3, 3, 4]);
  const plagues: Options['recurring'] = {
    drains: { everyMs: 8000, lastMs: 8000 },
    hostLosses: { everyMs: 15_000, lastMs: 15_000 },
    partitions: { everyMs: 10_000, lastMs: 8000 },
    crashes: { everyMs: 8000, lastMs: 2000 },
  };
  const kinds = (Object.keys(plagues) as Plague[]).filter(() => happens(draw, 400));
  return {
    ...quiet(seed, hostCount, drawLength(draw)),
    voterCount: hostCount === 2 ? 1 : pick(draw, [1, 3]),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 10, 40]),
    lossPermille: pick(draw, [0, 0, 100, 300]),
    recurring: Object.fromEntries(kinds.map((kind) => [kind, plagues[kind]])),
    ports: { permille: pick(draw, [500, 900]) },
    workload: {
      kind: 'random',
      everyMs: pick(draw, [700, 1500, 4000]),
      stackCount: pick(draw, [2, 3]),
      strictPermille: 50,
    },
  };
}

/**
 * What hosts have run is lost with them and comes to others, and there is time to balance it again: faults
 * come seldom, and last for longer or for less than that takes (B1 to B4).
 */
export function drawBalance(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 3, 3, 4, 5]);
  const paces: Options['recurring'] = {
    hostLosses: {
      everyMs: pick(draw, [8000, 15_000, 30_000]),
      lastMs: pick(draw, [4000, 10_000, 25_000]),
    },
    crashes: { everyMs: 20_000, lastMs: pick(draw, [500, 6000]) },
    partitions: { everyMs: 25_000, lastMs: 8000 },
    exits: { everyMs: 8000, lastMs: 10 },
    leads: { everyMs: pick(draw, [6000, 15_000]), lastMs: 0 },
    drains: { everyMs: 10_000, lastMs: 0 },
  };
  const kinds = (Object.keys(paces) as Plague[]).filter(() => happens(draw, 400));
  const { hostLosses } = paces;
  return {
    ...quiet(seed, hostCount, within(draw, 60, 110) * 1000),
    voterCount: hostCount === 2 ? 1 : pick(draw, [1, 3]),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 10, 40]),
    lossPermille: pick(draw, [0, 0, 50]),
    recurring: {
      ...(hostLosses && happens(draw, 700) && { hostLosses }),
      ...Object.fromEntries(kinds.map((kind) => [kind, paces[kind]])),
    },
    balance: { askPermille: pick(draw, [500, 900]) },
    ...(happens(draw, 400) ? { affinity: { pairPermille: 400 } } : {}),
    workload: {
      kind: 'random',
      everyMs: pick(draw, [8000, 20_000]),
      stackCount: pick(draw, [1, 1, 2]),
      strictPermille: 100,
    },
  };
}

/**
 * What others depend on moves from host to host, ends and falls ill, while their own agents end and hear
 * late of each other (N1 to N4).
 */
export function drawFollows(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [3, 3, 4, 5]);
  const paces: Options['recurring'] = {
    hostLosses: { everyMs: 12_000, lastMs: pick(draw, [6000, 20_000]) },
    drains: { everyMs: 8000, lastMs: 8000 },
    crashes: { everyMs: 10_000, lastMs: pick(draw, [500, 8000]) },
    partitions: { everyMs: 15_000, lastMs: 8000 },
    pauses: { everyMs: 12_000, lastMs: 4000 },
    engines: { everyMs: 15_000, lastMs: 4000 },
  };
  const kinds = (Object.keys(paces) as Plague[]).filter(() => happens(draw, 350));
  const { hostLosses } = paces;
  return {
    ...quiet(seed, hostCount, within(draw, 60, 100) * 1000),
    voterCount: pick(draw, [1, 3]),
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 10, 40]),
    lossPermille: pick(draw, [0, 0, 100]),
    ...(happens(draw, 250) ? { lifeMs: 15_000 } : {}),
    recurring: {
      ...(hostLosses && happens(draw, 700) && { hostLosses }),
      ...Object.fromEntries(kinds.map((kind) => [kind, paces[kind]])),
    },
    follows: { permille: pick(draw, [600, 900]) },
    workload: {
      kind: 'random',
      everyMs: pick(draw, [8000, 20_000]),
      stackCount: pick(draw, [1, 2]),
      strictPermille: 100,
    },
  };
}
