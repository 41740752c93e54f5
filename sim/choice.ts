/**
 * Every choice of a simulation goes through a named choice point. Each point has a stream of its own,
 * so that one draw more in the network changes nothing in the faults. A stream takes its numbers from
 * the seed or from a tape, where 0 stands for the mildest choice: no fault, the shortest delay, the
 * first of a list. What is missing on a tape is 0, so whatever is cut out of one leaves a milder run.
 */
import { hash } from '../protocol/base/order.ts';
import { below as fromPrng, createPrng, type Prng } from '../protocol/base/prng.ts';

/** The numbers drawn at one choice point, in order. */
export type Stream = {
  readonly prng: Prng | undefined;
  /** What a tape says; past its end everything is 0. */
  readonly script: readonly number[] | undefined;
  /** What was drawn, where that is recorded. */
  readonly drawn: number[] | undefined;
  at: number;
};

/** The numbers of each choice point, by its name. */
export type Draws = { readonly [site: string]: readonly number[] };

export type Choices = {
  readonly seed: number;
  readonly script: Draws | undefined;
  readonly recording: boolean;
  readonly streams: Map<string, Stream>;
};

export const choicesOfSeed = (seed: number, recording = false): Choices => ({
  seed,
  script: undefined,
  recording,
  streams: new Map(),
});

export const choicesOfTape = (script: Draws, recording = false): Choices => ({
  seed: 0,
  script,
  recording,
  streams: new Map(),
});

/** The one stream of this name; made at first use. */
export function streamOf(choices: Choices, site: string): Stream {
  const known = choices.streams.get(site);
  if (known !== undefined) return known;
  const { seed, script, recording } = choices;
  const stream: Stream = {
    prng: script === undefined ? createPrng(hash(`${seed}/${site}`)) : undefined,
    script: script === undefined ? undefined : (script[site] ?? []),
    drawn: recording ? [] : undefined,
    at: 0,
  };
  choices.streams.set(site, stream);
  return stream;
}

/** All that was drawn so far, without the zeros at the ends. */
export function drawsOf({ streams }: Choices): Draws {
  const draws: Record<string, readonly number[]> = {};
  for (const [site, { drawn = [] }] of streams) {
    const end = drawn.findLastIndex((value) => value !== 0) + 1;
    if (end > 0) draws[site] = drawn.slice(0, end);
  }
  return draws;
}

/** A whole number in [0, limit); 0 is the mildest. `limit` is at least 1. */
export function below(stream: Stream, limit: number): number {
  const { prng, script } = stream;
  const value =
    prng === undefined ? Math.min(script?.[stream.at] ?? 0, limit - 1) : fromPrng(prng, limit);
  stream.at += 1;
  stream.drawn?.push(value);
  return value;
}

/** A whole number in [low, high], mildest `low`. */
export const within = (stream: Stream, low: number, high: number): number =>
  low + below(stream, high - low + 1);

/** One of a list that is not empty, mildest the first. */
export const pick = <T>(stream: Stream, list: readonly T[]): T =>
  list[below(stream, list.length)] as T;

/** True in so many of a thousand cases; mildest false. */
export const happens = (stream: Stream, permille: number): boolean =>
  below(stream, 1000) >= 1000 - permille;

/** −ln(1 − q) in thousandths at the middles of 64 equal parts: no two machines differ in it. */
const EXPONENTIAL = [
  8, 24, 40, 56, 73, 90, 107, 125, 143, 161, 179, 198, 217, 237, 257, 277, 298, 319, 341, 363, 386,
  409, 433, 458, 483, 508, 535, 562, 589, 618, 647, 678, 709, 741, 774, 809, 845, 882, 920, 960,
  1002, 1045, 1091, 1138, 1188, 1241, 1297, 1356, 1418, 1485, 1556, 1633, 1717, 1808, 1908, 2019,
  2144, 2287, 2454, 2655, 2906, 3243, 3753, 4852,
];

/** A whole number, exponentially distributed around `mean`, at most five times as large. */
export const exponential = (stream: Stream, mean: number): number =>
  Math.floor((mean * (EXPONENTIAL[below(stream, EXPONENTIAL.length)] ?? 0)) / 1000);
