/**
 * The swarm: every option of a simulation drawn from its seed. Every fault class is present in some and
 * absent in others: a fault that is always there hides what only its absence shows (Groce 2012).
 */
import { LAN } from '../protocol/config.ts';
import { below, choicesOfSeed, happens, pick, type Stream, streamOf, within } from './choice.ts';
import { type Ambush, type Options, type Plague, quiet } from './options.ts';
import { drawApart, drawOnePlague, drawPlagues } from './plagues.ts';
import {
  drawAffinity,
  drawBalance,
  drawDrift,
  drawFollows,
  drawPorts,
  drawRollouts,
} from './themes.ts';
import { drawLength, drawRates, drawWeather, drawWorkload } from './weather-draws.ts';

const T = LAN.termMs;
/** Moments at which a protocol is most easily hurt: something was promised, nobody else may know. */
const AMBUSHES = [
  'won',
  'won',
  'rosterPrepare',
  'rosterAccept',
  'rosterAccepted',
  'rosterChosen',
  'rosterChosen',
  'syncPage',
  'prepareAck',
  'accept',
  'acceptAck',
  'readAck',
  'writeAck',
  'write',
  'release',
] as const satisfies readonly Ambush['after'][];

/** The swarm: each option from the seed. */
export function drawOptions(seed: number): Options {
  const choices = choicesOfSeed(seed);
  // On a stream of its own: the other seeds stand for what they stood for before.
  const rare = streamOf(choices, 'options/members');
  if (happens(rare, 60)) return oftenToppled(seed, drawMembers(seed, rare));
  const dire = streamOf(choices, 'options/disaster');
  if (happens(dire, 30)) return drawDisaster(seed, dire);
  const steered = streamOf(choices, 'options/rollouts');
  if (happens(steered, 30)) return oftenToppled(seed, drawRollouts(seed, steered));
  const bonded = streamOf(choices, 'options/affinity');
  if (happens(bonded, 20)) return oftenToppled(seed, drawAffinity(seed, bonded));
  const meddled = streamOf(choices, 'options/drift');
  if (happens(meddled, 25)) return oftenToppled(seed, drawDrift(seed, meddled));
  const published = streamOf(choices, 'options/chosen');
  if (happens(published, 20)) return oftenToppled(seed, drawPorts(seed, published));
  const evened = streamOf(choices, 'options/rebalance');
  if (happens(evened, 20)) return drawBalance(seed, evened);
  const moved = streamOf(choices, 'options/moved');
  if (happens(moved, 20)) return oftenToppled(seed, drawFollows(seed, moved));
  const draw = streamOf(choices, 'options');
  if (!happens(draw, 250))
    return happens(draw, 120) ? drawTurnover(seed, draw) : drawStorm(seed, draw);
  const kind = below(draw, 20);
  if (kind < 3) return oftenToppled(seed, drawHush(seed, draw));
  if (kind < 5) return drawSplit(seed, draw);
  if (kind < 9) return drawSingletons(seed, draw);
  return kind < 10 ? drawGraves(seed, draw) : drawTurns(seed, draw);
}

/** Where little goes wrong hardly any lease ever changes hands, and then not much is tested either. */
function oftenToppled(seed: number, options: Options): Options {
  const draw = streamOf(choicesOfSeed(seed), 'options/toppled');
  if (!happens(draw, 850)) return options;
  return { ...options, recurring: { ...drawOnePlague(draw), ...options.recurring } };
}

/**
 * Stacks come and go, slowly enough to be forgotten in between; hosts are away for as long as that takes
 * (R8, S21).
 */
function drawGraves(seed: number, draw: Stream): Options {
  return {
    ...quiet(seed, pick(draw, [3, 4, 5]), 150_000),
    voterCount: 3,
    tombstoneMs: 15_000,
    delayMeanMs: pick(draw, [1, 10]),
    recurring: {
      hostLosses: { everyMs: 40_000, lastMs: 90_000 },
      links: { everyMs: 10_000, lastMs: 4000 },
    },
    workload: { kind: 'random', everyMs: pick(draw, [5000, 9000]), stackCount: 3 },
  };
}

/** Most hosts vanish at once, for long, and the voters are not always among them (S16). */
function drawSplit(seed: number, draw: Stream): Options {
  return {
    ...quiet(seed, pick(draw, [7, 9]), 90_000),
    voterCount: 3,
    recurring: { partitions: { everyMs: 20_000, lastMs: 40_000 } },
    workload: { kind: 'random', everyMs: 1500, stackCount: 3 },
  };
}

/**
 * Hardly anything goes wrong: agents stand still for moments, and now and then one direction of one
 * link is broken. What is believed of hosts then must be right (S17).
 */
function drawHush(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 3, 3, 4, 5]);
  return {
    ...quiet(seed, hostCount, drawLength(draw)),
    voterCount: hostCount === 2 ? 1 : 3,
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3]),
    recurring: {
      pauses: { everyMs: 8000, lastMs: 2000 },
      links: { everyMs: 12_000, lastMs: 4000 },
    },
    workload: drawWorkload(draw),
  };
}

/**
 * Everything is a strict singleton, and is cut off, left alone and asleep for longer and for less than
 * its lease (S19).
 */
function drawSingletons(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [3, 3, 4, 5, 7]);
  const paces: Options['recurring'] = {
    partitions: { everyMs: 15_000, lastMs: 15_000 },
    crashes: { everyMs: 8000, lastMs: pick(draw, [500, 15_000]) },
    pauses: { everyMs: 12_000, lastMs: 14_000 },
    suspends: { everyMs: 10_000, lastMs: 15_000 },
    engines: { everyMs: 10_000, lastMs: 15_000 },
    guards: { everyMs: 5000, lastMs: pick(draw, [400, 6000]) },
    lags: { everyMs: 10_000, lastMs: 5000 },
    upgrades: { everyMs: 15_000, lastMs: 500 },
  };
  const kinds = Object.keys(paces).filter(() => happens(draw, 400)) as Plague[];
  return {
    ...quiet(seed, hostCount, within(draw, 60, 120) * 1000),
    voterCount: 3,
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    lossPermille: pick(draw, [0, 0, 50]),
    fsyncMs: pick(draw, [3, 3, 300]),
    ...(happens(draw, 250) ? { lifeMs: 5000 } : {}),
    recurring: Object.fromEntries(kinds.map((kind) => [kind, paces[kind]])),
    workload: { kind: 'random', everyMs: 8000, stackCount: 2, strictPermille: 900 },
  };
}

/**
 * Leaders lose their voters in turn, and not much else goes wrong: chance would be in the way. It takes
 * five voters to lose some, to go on leading, and to be outbid at the others.
 */
function drawTurns(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [5, 5, 5, 6, 7, 3]);
  return {
    ...quiet(seed, hostCount, drawLength(draw)),
    voterCount: hostCount === 3 ? 3 : 5,
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    fsyncMs: pick(draw, [3, 30]),
    recurring: happens(draw, 300) ? drawOnePlague(draw) : {},
    bias: { everyMs: pick(draw, [1000, 3000]) },
    workload: drawWorkload(draw),
  };
}

/**
 * Voters are lost one after the other, and not much else goes wrong: until one of them is replaced, has
 * come back and been added again, a majority must be well for long.
 */
function drawTurnover(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [4, 4, 4, 5, 7]);
  return {
    ...quiet(seed, hostCount, within(draw, 90, 150) * 1000),
    voterCount: hostCount === 7 ? 5 : 3,
    ...(happens(draw, 300) ? { witness: true } : {}),
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    fsyncMs: pick(draw, [3, 30]),
    turnover: { everyMs: pick(draw, [3000, 6000]) },
    workload: drawWorkload(draw),
  };
}

/** Hosts are away for so long that they are forgotten, and come back. */
function drawMembers(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 4, 5, 5, 7]);
  return {
    ...quiet(seed, hostCount, within(draw, 60, 120) * 1000),
    voterCount: hostCount === 2 ? 1 : 3,
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    duplicatePermille: pick(draw, [0, 200]),
    tailPermille: pick(draw, [0, 20, 50]),
    tailMs: pick(draw, [T, 6 * T]),
    // What a host has once asked for arrives when it is forgotten already.
    ...(happens(draw, 500) ? { lossOnly: 'join', tailPermille: 500, tailMs: 10 * T } : {}),
    fsyncMs: pick(draw, [3, 30]),
    recurring: happens(draw, 300) ? drawOnePlague(draw) : {},
    members: { everyMs: pick(draw, [2000, 5000]), forgetMs: pick(draw, [10_000, 15_000, 600_000]) },
    workload: drawWorkload(draw),
  };
}

/**
 * Most voters are lost, and a user forces another one. Little else goes wrong: whoever comes back must hear
 * of it before those of before are a majority again.
 */
function drawDisaster(seed: number, draw: Stream): Options {
  const hostCount = pick(draw, [2, 3, 3, 4, 5, 7]);
  const plagues: Options['recurring'] = {
    crashes: { everyMs: 8000, lastMs: 1500 },
    pauses: { everyMs: 8000, lastMs: 1500 },
    exits: { everyMs: 5000, lastMs: 10 },
  };
  const kinds = Object.keys(plagues).filter(() => happens(draw, 300)) as Plague[];
  return {
    ...quiet(seed, hostCount, within(draw, 60, 120) * 1000),
    voterCount: hostCount === 2 ? 1 : pick(draw, [1, 3, 3]),
    ratesPermille: drawRates(draw, hostCount),
    delayMeanMs: pick(draw, [1, 3, 10]),
    lossPermille: pick(draw, [0, 0, 20]),
    duplicatePermille: pick(draw, [0, 200]),
    fsyncMs: pick(draw, [3, 30]),
    recurring: Object.fromEntries(kinds.map((kind) => [kind, plagues[kind]])),
    disaster: { everyMs: pick(draw, [5000, 15_000]) },
    workload: drawWorkload(draw),
  };
}

function drawStorm(seed: number, draw: Stream): Options {
  const hostCount = happens(draw, 40)
    ? pick(draw, [2, 2, 1])
    : pick(draw, [3, 3, 3, 4, 5, 5, 5, 5, 7, 7, 9]);
  const voters = ([1, 1, 3, 3, 5] as const).filter((count) => count <= hostCount);
  const voterCount = pick(draw, voters);
  const grows = voterCount === 1 && hostCount >= 3;
  const transport = pick(draw, ['datagram', 'datagram', 'stream'] as const);
  const stormMs = drawLength(draw);
  return {
    seed,
    hostCount,
    voterCount,
    stormMs,
    calm: pick(draw, ['all', 'core'] as const),
    ratesPermille: drawRates(draw, hostCount),
    transport,
    gossip: pick(draw, ['direct', 'direct', 'mesh'] as const),
    discovery: pick(draw, ['known', 'known', 'mdns'] as const),
    ...drawWeather(draw, transport),
    fsyncMs: pick(draw, [3, 3, 30, 300, 3000]),
    ...(happens(draw, 250) ? { lifeMs: pick(draw, [5000, 1000]) } : {}),
    recurring: { ...drawPlagues(draw), ...drawApart(seed) },
    seeksLeaders: happens(draw, 600),
    ...(happens(draw, 600) ? { ambush: drawAmbush(draw) } : {}),
    ...(happens(draw, 100) ? { bias: { everyMs: pick(draw, [1000, 4000]) } } : {}),
    workload: drawWorkload(draw),
    ...(hostCount > 2 && happens(draw, 200) ? { witness: true } : {}),
    ...(hostCount > 3 && happens(draw, 150)
      ? { turnover: { everyMs: pick(draw, [8000, 15_000]) } }
      : {}),
    ...(grows && happens(draw, 700) ? drawGrowth(draw, stormMs) : {}),
  };
}

/** Until several hosts vote no other can lead: the storm goes on for as long as they may take to start. */
function drawGrowth(draw: Stream, stormMs: number): Pick<Options, 'growth' | 'stormMs'> {
  const startsWithinMs = pick(draw, [2000, 10_000, 20_000]);
  return { growth: { startsWithinMs }, stormMs: stormMs + startsWithinMs };
}

function drawAmbush(draw: Stream): Ambush {
  const after = pick(draw, AMBUSHES);
  // The rarer the moment, the surer the strike.
  const rare = after === 'won' || after.startsWith('roster') || after.startsWith('sync');
  return { after, permille: rare ? pick(draw, [100, 300]) : pick(draw, [5, 20]) };
}
