/** The kinds of value that only scenario files hold; the rest is read as in Compose files. */
import * as z from 'zod';
import { nearest } from '../../compose/nearest.ts';
import { complain, duration, expected, kindOf, mapping, text } from '../../compose/fields.ts';

/** A mapping that holds these keys and no others. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z
    .unknown()
    .superRefine((value, context) => {
      if (kindOf(value) !== 'mapping') return;
      for (const name of Object.keys(value as object))
        if (!known.includes(name)) complain(context, unknownKey(name, known), [name]);
    })
    .pipe(mapping(shape));
}

export function unknownKey(name: string, known: readonly string[]) {
  const meant = nearest(name, known);
  return {
    message: `unknown key "${name}"`,
    next: meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`,
  };
}

const PERCENT = /^([+-]?\d{1,4}(?:\.\d)?)\s?%$/;

/** `1%`, `0.5%` as thousandths. */
const percent = (low: number, high: number) =>
  z.unknown().transform((value, context): number => {
    const number = value === 0 ? 0 : Number(PERCENT.exec(String(value))?.[1] ?? Number.NaN);
    const permille = Math.round(number * 10);
    if (permille >= low && permille <= high) return permille;
    const message = expected(`a share from ${low / 10}% to ${high / 10}%`, value);
    return complain(context, { message });
  });

export const share = percent(0, 1000);
/** How much faster a clock runs. */
export const rate = percent(-10, 10);

/** One text, or several. */
export const oneOrMore = z
  .unknown()
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .pipe(z.array(text).min(1, 'expected at least one'));

export const choice = <const T extends string>(...words: readonly [T, ...T[]]) =>
  z.enum(words, {
    error: ({ input }) => expected(`one of ${words.join(', ')}`, input),
  });

/** A length of time that is more than none. */
export const span = duration.refine((ms) => ms > 0, 'must be more than 0');
