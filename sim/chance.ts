/**
 * Every choice of a simulation comes from its seed, through streams that do not disturb each other:
 * one draw more in the network changes nothing in the faults.
 */
import { hash } from '../protocol/base/order.ts';
import { below, createPrng, type Prng } from '../protocol/base/prng.ts';

export const createStream = (seed: number, name: string): Prng =>
  createPrng(hash(`${seed}/${name}`));

/** True in so many of a thousand cases. */
export const happens = (prng: Prng, permille: number): boolean => below(prng, 1000) < permille;

/** −ln(1 − q) in thousandths at the middles of 64 equal parts: no two machines differ in it. */
const EXPONENTIAL = [
  8, 24, 40, 56, 73, 90, 107, 125, 143, 161, 179, 198, 217, 237, 257, 277, 298, 319, 341, 363, 386,
  409, 433, 458, 483, 508, 535, 562, 589, 618, 647, 678, 709, 741, 774, 809, 845, 882, 920, 960,
  1002, 1045, 1091, 1138, 1188, 1241, 1297, 1356, 1418, 1485, 1556, 1633, 1717, 1808, 1908, 2019,
  2144, 2287, 2454, 2655, 2906, 3243, 3753, 4852,
];

/** A whole number, exponentially distributed around `mean`, at most five times as large. */
export function exponential(prng: Prng, mean: number): number {
  return Math.floor((mean * (EXPONENTIAL[below(prng, EXPONENTIAL.length)] ?? 0)) / 1000);
}
