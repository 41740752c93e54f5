/**
 * What one seed stands for. Every fault class is present in some simulations and absent in others:
 * a fault that is always there hides what only its absence shows (swarm testing, Groce 2012).
 */
import { below, pick, type Prng, within } from '../protocol/base/prng.ts';
import { millis, seconds } from '../protocol/base/time.ts';
import { type Config, LAN } from '../protocol/config.ts';
import type { Message } from '../protocol/wire/message.ts';
import { createStream, happens } from './chance.ts';

/** A fault that comes again and again: `everyMs` on average, each for up to `lastMs`. */
export type Recurring = { readonly everyMs: number; readonly lastMs: number };

export type Ambush = { readonly after: 'won' | Message['kind']; readonly permille: number };

export type Options = {
  readonly seed: number;
  readonly hostCount: number;
  /** How long faults go on; then everything heals. */
  readonly stormMs: number;
  readonly ratesPermille: readonly number[];
  readonly delayMeanMs: number;
  readonly lossPermille: number;
  /** Only messages of this kind are lost and held up; undefined: all. */
  readonly lossOnly: Message['kind'] | undefined;
  readonly duplicatePermille: number;
  /** So many messages are held up, for up to `tailMs`. */
  readonly tailPermille: number;
  readonly tailMs: number;
  readonly partitions: Recurring | undefined;
  readonly crashes: Recurring | undefined;
  readonly hostLosses: Recurring | undefined;
  readonly pauses: Recurring | undefined;
  readonly suspends: Recurring | undefined;
  readonly exits: Recurring | undefined;
  /** Longest fsync. */
  readonly fsyncMs: number;
  /** Faults strike whoever leads rather than anyone. */
  readonly seeksLeaders: boolean;
  /** A host is struck just after it did this, so many times of a thousand. */
  readonly ambush: Ambush | undefined;
  readonly commandEveryMs: number;
  readonly stackCount: number;
};

/** Shorter waits than in production where only patience is at stake. */
export const CONFIG: Config = {
  ...LAN,
  relistMs: seconds(5),
  restartMaxMs: seconds(5),
  isolatedStartMs: seconds(10),
  commandMs: millis(6000),
};

const T = LAN.termMs;
/** Losing only one of these has found what losing all alike did not. */
const SINGLED_OUT = [
  'release',
  'keepaliveAck',
  'prepareAck',
  'accept',
  'acceptAck',
  'writeAck',
  'readAck',
  'push',
  'syncPage',
  'rosterAccepted',
] as const satisfies readonly Message['kind'][];

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

export function drawOptions(seed: number): Options {
  const prng = createStream(seed, 'options');
  const often = (everyMs: readonly number[], lastMs: readonly number[]): Recurring | undefined =>
    happens(prng, 500) ? { everyMs: pick(prng, everyMs), lastMs: pick(prng, lastMs) } : undefined;
  const hostCount = pick(prng, [3, 3, 4, 5, 5]);
  return {
    seed,
    hostCount,
    stormMs: within(prng, 30, 90) * 1000,
    ratesPermille: drawRates(prng, hostCount),
    delayMeanMs: pick(prng, [1, 1, 3, 10, 40]),
    lossPermille: happens(prng, 500) ? pick(prng, [20, 100, 200, 300, 500]) : 0,
    lossOnly: happens(prng, 250) ? pick(prng, SINGLED_OUT) : undefined,
    duplicatePermille: happens(prng, 500) ? pick(prng, [20, 200, 500]) : 0,
    tailPermille: happens(prng, 500) ? pick(prng, [5, 20, 50, 200]) : 0,
    tailMs: pick(prng, [T / 2, T, 2 * T, 6 * T]),
    partitions: often([4000, 10_000, 20_000], [1000, T, 4 * T]),
    crashes: often([1000, 3000, 8000, 20_000], [10, 200, T, 2 * T]),
    hostLosses: often([8000, 20_000], [1000, 2 * T, 4 * T]),
    pauses: often([1500, 4000, 10_000], [400, T / 2, 2 * T, 5 * T]),
    suspends: often([8000, 20_000], [1000, 2 * T, 5 * T]),
    exits: often([1000, 5000], [0]),
    fsyncMs: pick(prng, [3, 3, 30, 300, 3000]),
    seeksLeaders: happens(prng, 500),
    ambush: happens(prng, 600) ? drawAmbush(prng) : undefined,
    commandEveryMs: pick(prng, [400, 1500, 4000]),
    stackCount: pick(prng, [1, 1, 2, 3]),
  };
}

function drawAmbush(prng: Prng): Ambush {
  const after = pick(prng, AMBUSHES);
  // The rarer the moment, the surer the strike.
  const rare = after === 'won' || after.startsWith('roster') || after.startsWith('sync');
  return { after, permille: rare ? pick(prng, [100, 300]) : pick(prng, [5, 20]) };
}

/** Extremes, not a spread: what two clocks can do to each other they do at the ends. */
function drawRates(prng: Prng, hostCount: number): readonly number[] {
  const rho = LAN.rateErrorPermille;
  if (below(prng, 3) === 0) return Array.from({ length: hostCount }, () => 0);
  return Array.from({ length: hostCount }, () => pick(prng, [-rho, 0, rho]));
}

/** Fault classes as words, for summaries. */
export function faultsOf(options: Options): readonly string[] {
  const present: readonly (readonly [string, boolean])[] = [
    ['loss', options.lossPermille > 0],
    ['duplicates', options.duplicatePermille > 0],
    ['late', options.tailPermille > 0],
    ['one kind only', options.lossOnly !== undefined],
    ['partitions', options.partitions !== undefined],
    ['agent crashes', options.crashes !== undefined],
    ['host losses', options.hostLosses !== undefined],
    ['pauses', options.pauses !== undefined],
    ['suspends', options.suspends !== undefined],
    ['clock rates', options.ratesPermille.some((rate) => rate !== 0)],
    ['exits', options.exits !== undefined],
    ['slow fsync', options.fsyncMs > 100],
    ['leaders sought', options.seeksLeaders],
    ['ambushes', options.ambush !== undefined],
  ];
  return present.filter(([, is]) => is).map(([name]) => name);
}
