/** Damage to frames: to their bytes as a bad line would, to their fields as a bad peer would. */
import { decodeValue, encodeValue } from '../../../node/network/codec.ts';
import { below, pick, type Prng } from '../../../protocol/base/prng.ts';

/** Flips, cuts, inserts, overwrites, or goes on with the rest of another frame. */
export function spoilBytes(prng: Prng, frame: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = [...frame];
  for (let i = timesOf(prng); i > 0; i--) {
    const at = below(prng, bytes.length + 1);
    switch (below(prng, 6)) {
      case 0:
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(prng, 8));
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes.splice(at, 0, below(prng, 256));
        break;
      case 4:
        if (at < bytes.length) bytes[at] = below(prng, 256);
        break;
      default:
        bytes = [...bytes.slice(0, at), ...other.slice(below(prng, other.length))];
    }
  }
  return new Uint8Array(bytes);
}

/** Mostly once: what is spoiled in one place comes closest to being believed. */
const timesOf = (prng: Prng): number => (below(prng, 3) === 0 ? 3 : 1);

type Spot = { readonly holder: Record<string, unknown>; readonly name: string };

const ODD_VALUES: readonly (() => unknown)[] = [
  () => 0,
  () => -1,
  () => 1,
  () => 1.5,
  () => 2 ** 52 + 1,
  () => 2n ** 63n,
  () => '',
  () => 'h1',
  () => 'stack/shop',
  () => '\u0000',
  () => 'x'.repeat(5_000),
  () => true,
  () => null,
  () => [],
  () => ['h2', 'h1'],
  () => [[[[]]]],
  () => Array.from({ length: 1_001 }, () => 1),
  () => ({}),
  () => ({ kind: 'beat' }),
  () => JSON.parse('{"__proto__":{"kind":"beat"}}'),
  () => new Uint8Array([1]),
];

const GONE = Symbol('gone');

function spoiled(prng: Prng, value: unknown, spots: readonly Spot[]): unknown {
  const draw = below(prng, 8);
  if (draw === 0) return GONE;
  if (draw === 1) return pick(prng, ODD_VALUES)();
  // Of the same type as before: what only a relation, a range or a form can tell from the truth.
  const alike = spots.filter((spot) => typeof spot.holder[spot.name] === typeof value);
  if (draw < 5) return copyOf(pick(prng, alike));
  if (typeof value === 'number') return value + below(prng, 3) - 1;
  if (typeof value === 'boolean') return !value;
  if (!Array.isArray(value))
    return typeof value === 'string' ? value.slice(1) : { ...(value as object | null), more: 1 };
  return draw === 5 ? [...value, ...value] : value.toReversed();
}

/** Puts odd values into fields, takes fields away, doubles and turns lists, swaps alike for alike. */
export function spoilFields(prng: Prng, frame: Uint8Array): Uint8Array {
  const root = { whole: decodeValue(frame) };
  for (let i = timesOf(prng); i > 0; i--) {
    const spots = spotsIn(root);
    if (spots.length === 0) break; // everything was taken away
    const { holder, name } = pick(prng, spots);
    holder[name] = spoiled(prng, holder[name], spots);
    if (holder[name] === GONE) delete holder[name];
  }
  return encodeValue(root.whole ?? 0);
}

const copyOf = ({ holder, name }: Spot): unknown => structuredClone(holder[name]);

/** Every place in a value where something else could stand. */
function spotsIn(value: unknown): Spot[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [{ holder, name }, ...spotsIn(holder[name])]);
}
