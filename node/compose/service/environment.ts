/** Variables of a service, as a mapping or as a list of `NAME=value`. */
import type * as z from 'zod';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { type EnvFile, readEnvFiles } from './env-file.ts';
import { retyped } from '../numbers.ts';
import type { Path } from '../problems.ts';
import type { Surroundings } from './surroundings.ts';
import { templateIn } from './template.ts';
import { complain, type Context, expected, pairs, scalar, texts, ways } from '../fields.ts';

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

/** Sorted by name; what is written here wins over files. */
export function readEnvironment(
  name: string,
  fields: {
    readonly environment?: readonly Variable[] | undefined;
    readonly env_file?: readonly EnvFile[] | undefined;
  },
  around: Surroundings,
): ComponentSpec['environment'] {
  const variables = fields.environment ?? [];
  const at = ['services', name, 'environment'];
  const written = new Map(readVariables(variables, at, 'component', around));
  const own = new Map(
    [...written].flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  const values = new Map(readEnvFiles(name, { files: fields.env_file ?? [], own }, around));
  for (const [variable, value] of written)
    if (value === undefined) values.delete(variable);
    else values.set(variable, value);
  for (const { name: variable, step } of variables) {
    const template = templateIn(values.get(variable) ?? '');
    if (template !== undefined)
      around.warnings.push({ path: [...at, step], on: 'value', ...template });
  }
  return Object.fromEntries([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Undefined: it is to be taken from where the file is loaded, and is not set there. `who`: is to get it. */
export function* readVariables(
  variables: readonly Variable[],
  at: Path,
  who: string,
  { spotOf, typed, warnings }: Pick<Surroundings, 'spotOf' | 'typed' | 'warnings'>,
): Generator<readonly [name: string, value: string | undefined]> {
  for (const variable of variables) {
    const path = [...at, variable.step];
    const value = variable.value?.toString() ?? spotOf(path).source.lookup(variable.name);
    if (value === undefined) {
      const message = `${variable.name} is not set here, so the ${who} does not get it`;
      warnings.push({ path, on: 'value', message });
    } else if (typeof variable.value === 'number') {
      const complaint = retyped(typed(path), value);
      if (complaint !== undefined) warnings.push({ path, on: 'value', ...complaint });
    }
    yield [variable.name, value];
  }
}
