/** Variables of a service, as a mapping or as a list of `NAME=value`. */
import type * as z from 'zod';
import { complain, type Context, expected, pairs, scalar, texts, ways } from './fields.ts';

/** `step`: where it is written, below `environment`. */
export type Variable = {
  readonly name: string;
  /** Absent: taken from where the file is loaded. */
  readonly value: string | number | undefined;
  readonly step: string | number;
};

const NAME = /^[^=\0\s]{1,255}$/;

export const environmentField: z.ZodType<readonly Variable[]> = ways(
  'a mapping or a list of NAME=value',
  {
    mapping: pairs.transform((entries, context) =>
      entries.map(([name, value]): Variable => {
        const read = scalar.nullable().safeParse(value);
        if (!read.success) return complain(context, { message: expected('text', value) }, [name]);
        return checked({ name, value: valueOf(read.data), step: name }, context);
      }),
    ),
    list: texts.transform((lines, context) =>
      lines.map((line, step): Variable => {
        const sign = line.indexOf('=');
        if (sign < 0) return checked({ name: line, value: undefined, step }, context);
        return checked({ name: line.slice(0, sign), value: line.slice(sign + 1), step }, context);
      }),
    ),
  },
);

function checked(variable: Variable, context: Context): Variable {
  const { name, step } = variable;
  if (!NAME.test(name))
    return complain(context, { message: `"${name}" is no name for a variable` }, [step]);
  if (String(variable.value).includes('\0'))
    return complain(context, { message: 'the value holds a zero byte' }, [step]);
  return variable;
}

function valueOf(written: string | number | boolean | null): string | number | undefined {
  if (written === null) return undefined;
  return typeof written === 'boolean' ? String(written) : written;
}
