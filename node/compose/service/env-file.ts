/** Files of variables for a service: `env_file`. */
import type * as z from 'zod';
import type { Complaint } from '../problems.ts';
import { fullPath, shownPath } from '../read/reader.ts';
import { type Format, readVariables } from '../read/variables.ts';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { array, expected, flag, line, mapping, text, ways } from '../fields.ts';
import type { Surroundings } from './surroundings.ts';
import { templateIn } from './template.ts';

export type EnvFile = {
  readonly path: string;
  readonly required: boolean;
  readonly format: Format;
  /** Its place in the list; absent: it is the only one, and there is no list. */
  readonly step?: number;
};

const path = text.refine((written) => written !== '', { error: 'expected the path of a file' });
const short = path.transform((file): EnvFile => {
  return { path: file, required: true, format: 'quoted' };
});

const format = line('raw', (written): Result<Format, Complaint> => {
  if (written === 'raw') return ok(written);
  const next = 'leave format out for KEY=VALUE with quotes and variables';
  return fail({ message: expected('raw', written), next });
});

const long = mapping({
  path,
  required: flag.optional(),
  format: format.optional(),
}).transform((fields): EnvFile => {
  return {
    path: fields.path,
    required: fields.required ?? true,
    format: fields.format ?? 'quoted',
  };
});

const KIND = 'the path of a file, or a list of them';
export const envFileField: z.ZodType<readonly EnvFile[]> = ways(KIND, {
  text: short.transform((file) => [file]),
  list: array(
    ways('the path of a file, or a mapping with path', { text: short, mapping: long }),
  ).transform((files) => files.map((file, step) => ({ ...file, step }))),
});

/**
 * Of all files together, a later one winning. What they ask for is a variable of the stack, else one
 * of `own`, which the service itself has, else one of an earlier file.
 */
export function readEnvFiles(
  name: string,
  { files, own }: { readonly files: readonly EnvFile[]; readonly own: ReadonlyMap<string, string> },
  around: Surroundings,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { path: file, required, format: form, step } of files) {
    const at = ['services', name, 'env_file', ...(step === undefined ? [] : [step])];
    const spot = around.spotOf(at);
    const { source } = spot;
    const read = readVariables(
      {
        file: shownPath(source, file),
        path: fullPath(source, file),
        ...(required && { asked: { at: spot, path: at } }),
      },
      (asked) => source.lookup(asked) ?? own.get(asked) ?? values.get(asked),
      form,
    );
    if (!read.ok) {
      around.problems.push(read.error);
      continue;
    }
    around.otherWarnings.push(...read.value.warnings);
    for (const [key, value] of read.value.values) {
      values.set(key, value);
      const template = templateIn(value);
      if (template === undefined) continue;
      const message = `${key}: ${template.message}`;
      around.warnings.push({ path: at, on: 'value', ...template, message });
    }
  }
  return values;
}
