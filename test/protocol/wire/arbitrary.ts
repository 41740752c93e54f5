/** What arbitrary values are made of. */
import * as fc from 'fast-check';
import { type Millis, millis } from '../../../protocol/base/time.ts';
import { COUNTER_MAX } from '../../../protocol/wire/vocabulary.ts';

export type Of<T> = fc.Arbitrary<T>;

/** Without the fields that came out undefined, as `exactOptionalPropertyTypes` has it. */
export function object<T extends object>(fields: {
  [K in keyof T]-?: Of<T[K] | (undefined extends T[K] ? undefined : never)>;
}): Of<T>;
export function object(fields: Record<string, Of<unknown>>): Of<object> {
  return fc
    .record(fields)
    .map((made) =>
      Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)),
    );
}
type Maybe<T> = Of<T | undefined>;
export const maybe = <T>(some: Of<T>): Maybe<T> => fc.option(some, { nil: undefined, freq: 2 });
export const word = <const T extends string>(...words: readonly T[]): Of<T> =>
  fc.constantFrom(...words);

/** Any text that can be written as UTF-8. */
export const words = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
export const specText = words.map((text) => text.replaceAll('\0', ''));
export const specTexts = fc.array(specText, { maxLength: 4 });

export const count: Of<number> = fc.oneof(
  fc.nat(30),
  fc.nat(2 ** 31 - 1),
  fc.maxSafeNat().filter((n) => n <= COUNTER_MAX),
  fc.constant(COUNTER_MAX),
);
export const length: Of<Millis> = fc.oneof(fc.nat(60_000), count).map(millis);
export const port: Of<number> = fc.integer({ min: 1, max: 65_535 });
