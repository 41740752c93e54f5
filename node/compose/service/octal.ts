/** Permission bits as users write them. */
import * as z from 'zod';
import { complain, expected } from '../fields.ts';

/** A number in YAML is decimal unless it begins with 0: 1777 is meant as it is written. */
export const octal = z.unknown().transform((value, context): string => {
  const written = typeof value === 'number' ? value.toString(8) : value;
  if (typeof written === 'string' && /^0?[0-7]{1,5}$/.test(written)) return written;
  return complain(context, { message: expected('a mode such as 0700', value) });
});
