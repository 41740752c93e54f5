/**
 * What others have published of their failure detectors, done again on the same set-up with ours. Theirs
 * ran on real machines or in simulators of their own: what can be compared are counts and ratios, and
 * times as far as both follow from settings.
 *
 * Sources: Dadgar, Phillips, Currey, "Lifeguard" (2018), tables V and VI; Das, Gupta, Motivala, "SWIM"
 * (2002), section 5; Suresh et al., "Rapid" (2018), figure 9; quickwit-oss/chitchat, its tests in CI.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Way } from '../strike.ts';
import { type Death, observe } from './deaths.ts';
import { benchTraffic } from './traffic.ts';

export type Comparison = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** As published. */
  readonly theirs: string;
};

const SETTLED_MS = 20_000;

/** One comparison after the other. `sizeOf`: bytes of a message on the wire. */
export function* published(sizeOf: (message: Message) => number): Generator<Comparison> {
  yield joins();
  yield* lossyEgress();
  yield* gates(sizeOf);
  yield* lifeguard();
}

const MEMBERS = 128;
const LIFEGUARD_MS = 120_000;
const RUNS = 3;
/** Beyond the time in which a host may stand still and is not condemned. */
const LONG_MS = 16_384;

type Anomalies = { readonly count: number; readonly lastMs: number; readonly everyMs: number };

type Sum = {
  all: number;
  atHealthy: number;
  messages: number;
  firstMs: number[];
  lastMs: number[];
};

/**
 * Members stand still together, again and again, for `lastMs` with `everyMs` between: then they are slow
 * to answer, and slow to hear others. False: a verdict on one that never stood still.
 */
function* lifeguard(): Generator<Comparison> {
  const whole = sumOfAnomalies(undefined);
  const fixed = sumOfAnomalies(1);
  const what = `${MEMBERS} hosts, some stand still`;
  const times = (of: number, to: number): number => (to === 0 ? 0 : (100 * of) / to);
  const { all, atHealthy, firstMs, lastMs, messages } = whole;
  const counted = { unit: 'verdicts', theirs: '' };
  yield { what: `${what}: false verdicts`, value: all, ...counted };
  yield { what: `${what}, suspicions fixed: false verdicts`, value: fixed.all, ...counted };
  yield { what: `${what}: share`, value: times(all, fixed.all), unit: '%', theirs: '1.53 %' };
  yield { what: `${what}: of healthy hosts, false`, value: atHealthy, ...counted };
  yield {
    what: `${what}: of healthy hosts, share`,
    value: times(atHealthy, fixed.atHealthy),
    unit: '%',
    theirs: '1.89 %',
  };
  const first = { what: `${what}: first to know`, unit: 's' };
  yield { ...first, value: share(firstMs, 500), theirs: 'median 12.45 s' };
  yield { ...first, value: share(firstMs, 990), theirs: 'p99 17.90 s' };
  yield { what: `${what}: last to know`, value: share(lastMs, 500), unit: 's', theirs: '12.91 s' };
  const more = times(messages, fixed.messages);
  yield { what: `${what}: messages`, value: more, unit: '%', theirs: '110.6 %' };
}

function sumOfAnomalies(suspicionMaxFactor: number | undefined): Sum {
  const sum: Sum = { all: 0, atHealthy: 0, messages: 0, firstMs: [], lastMs: [] };
  for (const count of [4, 16])
    for (const lastMs of [2048, LONG_MS])
      for (const everyMs of [64, 1024])
        for (let seed = 1; seed <= RUNS; seed++)
          add(sum, { count, lastMs, everyMs }, seed, suspicionMaxFactor);
  return sum;
}

function add(sum: Sum, anomalies: Anomalies, seed: number, suspicionMaxFactor?: number): void {
  const { count, lastMs, everyMs } = anomalies;
  const slow = Array.from({ length: count }, (_, i) => (seed + i * 7) % MEMBERS);
  const untilMs = SETTLED_MS + LIFEGUARD_MS;
  const begins: number[] = [];
  for (let atMs = SETTLED_MS; atMs < untilMs; atMs += lastMs + everyMs) begins.push(atMs);
  const { deaths, messages } = observe({
    hostCount: MEMBERS,
    seed,
    ...(suspicionMaxFactor === undefined ? {} : { suspicionMaxFactor }),
    strikes: begins.flatMap((atMs) =>
      slow.map((host) => ({ atMs, strike: { kind: 'pause', host, forMs: lastMs } as const })),
    ),
    untilMs,
  });
  const isSlow = (id: HostId): boolean => slow.some((host) => id === hostAt(host));
  const wrong = deaths.filter(({ of }) => !isSlow(of));
  sum.all += wrong.length;
  sum.atHealthy += wrong.filter(({ by }) => !isSlow(by)).length;
  sum.messages += messages;
  if (lastMs < LONG_MS) return;
  for (const host of slow) {
    const heard = deaths.filter(({ by, of }) => of === hostAt(host) && !isSlow(by));
    const told = toldWithin(heard, SETTLED_MS, SETTLED_MS + lastMs);
    if (told.length > 0) sum.firstMs.push(Math.min(...told));
    if (told.length === MEMBERS - count) sum.lastMs.push(Math.max(...told));
  }
}

/** How long after `fromMs` each was told, of those that were told before `untilMs`. */
const toldWithin = (deaths: readonly Death[], fromMs: number, untilMs: number): number[] =>
  deaths.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).map(({ atMs }) => atMs - fromMs);

const JOINERS = 17;

/** All start at once and lose every tenth message: who is known to all after a minute, and was never condemned. */
function joins(): Comparison {
  const course = observe({
    hostCount: JOINERS,
    seed: 1,
    lossPermille: 100,
    strikes: [],
    untilMs: 60_000,
  });
  const isEveryone = course.known.every((count) => count === JOINERS);
  const condemned = new Set(course.deaths.map(({ of }) => of)).size;
  return {
    what: `${JOINERS} hosts join at 10 % loss: in the group`,
    value: (isEveryone ? JOINERS : Math.min(...course.known)) - condemned,
    unit: 'hosts',
    theirs: 'SWIM 2, by infection 4, with suspicion 12',
  };
}

const RAPID_HOSTS = 200;

/** Of what two hosts of two hundred send 80 % are lost: they must be found, and nobody else. */
function* lossyEgress(): Generator<Comparison> {
  const lossy = [100, 150];
  const forMs = 60_000;
  const ways = lossy.flatMap((from) => othersOf(from, RAPID_HOSTS).map((to): Way => [from, to]));
  const { deaths } = observe({
    hostCount: RAPID_HOSTS,
    seed: 1,
    strikes: [{ atMs: SETTLED_MS, strike: { kind: 'lossy', ways, forMs, permille: 800 } }],
    untilMs: SETTLED_MS + forMs,
  });
  const ids = new Set(lossy.map(hostAt));
  const what = `${RAPID_HOSTS} hosts, 2 lose 80 % of what they send`;
  const found = deaths.filter(({ of }) => ids.has(of));
  yield {
    what: `${what}: healthy hosts condemned`,
    value: new Set(deaths.filter(({ of }) => !ids.has(of)).map(({ of }) => of)).size,
    unit: 'hosts',
    theirs: 'Rapid 0, memberlist and ZooKeeper some',
  };
  yield {
    what: `${what}: of these two found`,
    value: new Set(found.map(({ of }) => of)).size,
    unit: 'hosts',
    theirs: 'Rapid 2',
  };
  yield {
    what: `${what}: changes of mind about one, by one host`,
    value: found.length / (RAPID_HOSTS * lossy.length),
    unit: 'verdicts',
    theirs: 'Rapid 1',
  };
}

function* gates(sizeOf: (message: Message) => number): Generator<Comparison> {
  for (const [hostCount, lossPermille, theirs] of [
    [40, 0, 'chitchat at most 10 s'],
    [100, 0, 'chitchat at most 10 s'],
    [100, 500, 'chitchat at most 15 s'],
  ] as const)
    yield {
      what: `${hostCount} hosts, ${lossPermille / 10} % lost: a lost host is known to all`,
      value: lostKnownAfter(hostCount, lossPermille) / 1000,
      unit: 's',
      theirs,
    };
  const { deaths } = observe({
    hostCount: 100,
    seed: 1,
    strikes: [halfLost(100, 30_000)],
    untilMs: SETTLED_MS + 30_000,
  });
  yield {
    what: '100 hosts, 50 % lost for 30 s: living hosts condemned',
    value: new Set(deaths.map(({ of }) => of)).size,
    unit: 'hosts',
    theirs: 'chitchat 0',
  };
  for (const [hostCount, kilobytes] of [
    [10, 15],
    [20, 25],
    [40, 50],
    [100, 120],
  ] as const) {
    const { bytes, messages } = benchTraffic(hostCount, sizeOf);
    const what = `${hostCount} hosts: in and out, of each`;
    yield {
      what,
      value: bytes / 1000,
      unit: 'KB/s',
      theirs: `chitchat at most ${kilobytes} KB/s`,
    };
    yield { what, value: messages, unit: 'messages/s', theirs: 'chitchat at most 50' };
  }
}

/** Milliseconds until all others hold a host for dead that is gone. */
function lostKnownAfter(hostCount: number, lossPermille: number): number {
  const host = Math.floor(hostCount / 2);
  const lose = { kind: 'lose', host, forMs: 60_000 } as const;
  const { deaths } = observe({
    hostCount,
    seed: 1,
    strikes: [
      ...(lossPermille === 0 ? [] : [halfLost(hostCount, 60_000)]),
      { atMs: SETTLED_MS, strike: lose },
    ],
    untilMs: SETTLED_MS + 40_000,
  });
  const known = new Map<HostId, number>();
  for (const { of, by, atMs } of deaths)
    if (of === hostAt(host) && !known.has(by)) known.set(by, atMs - SETTLED_MS);
  return known.size < hostCount - 1 ? Infinity : Math.max(...known.values());
}

const halfLost = (hostCount: number, forMs: number) => {
  const everyone = Array.from({ length: hostCount }, (_, host) => host);
  const ways = everyone.flatMap((from) => othersOf(from, hostCount).map((to): Way => [from, to]));
  return { atMs: SETTLED_MS, strike: { kind: 'lossy', ways, forMs, permille: 500 } as const };
};

const othersOf = (host: number, hostCount: number): readonly number[] =>
  Array.from({ length: hostCount }, (_, other) => other).filter((other) => other !== host);

const hostAt = (index: number): HostId => `h${index + 1}` as HostId;

/** In seconds; of nothing: infinite. */
function share(tookMs: number[], permille: number): number {
  tookMs.sort((a, b) => a - b);
  return (tookMs[Math.ceil((tookMs.length * permille) / 1000) - 1] ?? Infinity) / 1000;
}
