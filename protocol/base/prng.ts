/** A seeded generator (sfc32): the core's only source of chance. Mutable, owned by one core. */
export type Prng = { a: number; b: number; c: number; counter: number };

export function createPrng(seed: number): Prng {
  const prng: Prng = { a: seed >>> 0, b: 0x9e3779b9, c: 0x243f6a88, counter: 1 };
  for (let i = 0; i < 12; i++) next(prng);
  return prng;
}

/** A whole number in [0, 2^32). */
export function next(prng: Prng): number {
  const sum = (((prng.a + prng.b) >>> 0) + prng.counter) >>> 0;
  prng.counter = (prng.counter + 1) >>> 0;
  prng.a = prng.b ^ (prng.b >>> 9);
  prng.b = (prng.c + (prng.c << 3)) >>> 0;
  prng.c = ((prng.c << 21) | (prng.c >>> 11)) >>> 0;
  prng.c = (prng.c + sum) >>> 0;
  return sum;
}

/** A whole number in [0, limit). `limit` is at least 1. */
export function below(prng: Prng, limit: number): number {
  return Math.floor((next(prng) / 2 ** 32) * limit);
}

/** A whole number in [low, high]. */
export function within(prng: Prng, low: number, high: number): number {
  return low + below(prng, high - low + 1);
}

/** One of a list that is not empty. */
export function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[below(prng, list.length)] as T;
}
