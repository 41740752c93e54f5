/** The configs and secrets of the top of the file: where what is in them comes from. */
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import { FILES_BYTES_MAX } from '../../protocol/limits.ts';
import { complain, expected, findingsOf, flag, kindOf, mapping, text, ways } from './fields.ts';
import { nearest } from './nearest.ts';
import type { Complaint, Finding, Path } from './problems.ts';
import { readBytes } from './read/file.ts';
import { fullPath, shownPath } from './read/reader.ts';
import type { Spot } from './read/tree.ts';

/** As the keys at the top, and of a service, are called. */
export type FileKind = 'configs' | 'secrets';
export const FILE_KINDS: readonly FileKind[] = ['configs', 'secrets'];
export const ONE_OF: Readonly<Record<FileKind, string>> = {
  configs: 'config',
  secrets: 'secret',
};

type Origin = 'file' | 'content' | 'environment';
export type FileDefinition = {
  /** What it is called besides; no instance sees it. */
  readonly name: string;
  readonly origin: Origin;
  /** A path, the text itself, or the name of a variable. */
  readonly written: string;
};

/** What a Compose file says is read by many; no secret is written there. */
const ORIGINS: Readonly<Record<FileKind, readonly Origin[]>> = {
  configs: ['file', 'content', 'environment'],
  secrets: ['file', 'environment'],
};
const NAME = /^[a-zA-Z0-9._-]{1,128}$/;
const name = text.refine((written) => NAME.test(written), {
  error: 'expected a name of letters, digits, ., - and _',
});

const fields = mapping({
  name: name.optional(),
  file: text.refine((path) => path !== '', { error: 'expected the path of a file' }).optional(),
  content: text.optional(),
  environment: text
    .refine((variable) => variable !== '', { error: 'expected the name of a variable' })
    .optional(),
  external: ways<boolean>('true or false', {
    flag,
    text: flag,
    mapping: mapping({ name: text.optional() }).transform(() => true),
  }).optional(),
});

const definitionField = (kind: FileKind) =>
  fields.transform((written, context): Omit<FileDefinition, 'name'> & { name?: string } => {
    const one = ONE_OF[kind];
    const next = `name its ${ORIGINS[kind].join(' or its ')}`;
    if (written.external === true) {
      const message = `an external ${one} is not supported`;
      const why = `a ${one} comes with the stack that uses it, none is kept apart from it`;
      return complain(context, { message, why, next, unsupported: true }, ['external']);
    }
    const given = ORIGINS[kind].filter((origin) => written[origin] !== undefined);
    const [origin, other] = given;
    if (origin === undefined) {
      const message = `it is not said what is in this ${one}`;
      return complain(context, { message, next });
    }
    if (other !== undefined) {
      const message = `has no meaning beside ${origin}`;
      return complain(context, { message, next: 'leave one of the two out' }, [other]);
    }
    const called = written.name === undefined ? {} : { name: written.name };
    return { ...called, origin, written: written[origin] ?? '' };
  });

/** By the names that services call them. */
export function readFileDefinitions(
  kind: FileKind,
  all: unknown,
  errors: Finding[],
): ReadonlyMap<string, FileDefinition> {
  const found = new Map<string, FileDefinition>();
  if (all === undefined || all === null) return found;
  if (kindOf(all) !== 'mapping') {
    const message = expected('a mapping of names', all);
    errors.push({ path: [kind], on: 'value', message });
    return found;
  }
  const field = definitionField(kind);
  for (const [called, written] of Object.entries(all)) {
    const path = [kind, called];
    if (!NAME.test(called)) {
      const next = 'use letters, digits, ., - and _';
      errors.push({ path, on: 'key', message: 'this name is not possible', next });
      continue;
    }
    const read = field.safeParse(written ?? {});
    if (!read.success) {
      errors.push(...findingsOf(read.error, path));
      continue;
    }
    const definition = { name: called, ...read.data };
    const [other] = [...found].find(([, { name: known }]) => known === definition.name) ?? [];
    const message = `is called ${definition.name}, as ${other} is`;
    if (other !== undefined)
      errors.push({ path, on: 'key', message, next: 'give it another name' });
    found.set(called, definition);
  }
  return found;
}

/** There is none of this name. */
export function noSuchFile(kind: FileKind, called: string, known: Iterable<string>): Complaint {
  const meant = nearest(called, known);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  const next = `add it under ${kind} at the top`;
  return { message: `there is no ${ONE_OF[kind]} ${called}${hint}`, next };
}

/** Where its origin is written. */
export const originPath = (kind: FileKind, called: string, { origin }: FileDefinition): Path => [
  kind,
  called,
  origin,
];

/** What is in it, as it is now. `at`: where its origin is written. */
export function bytesOf({ origin, written }: FileDefinition, at: Spot): Result<Buffer, Complaint> {
  switch (origin) {
    case 'content':
      return bounded(Buffer.from(written));
    case 'environment': {
      const value = at.source.lookup(written);
      if (value !== undefined) return bounded(Buffer.from(value));
      const next = `set ${written} in the environment or in .env`;
      return fail({ message: `the variable ${written} must have a value`, next });
    }
    case 'file': {
      const read = readBytes(fullPath(at.source, written), FILES_BYTES_MAX);
      if (read.ok) return bounded(read.value);
      const { absent: _, message, ...rest } = read.error;
      const next = 'mend the path; it starts at the folder of the file that names it';
      return fail({ message: `${shownPath(at.source, written)}: ${message}`, next, ...rest });
    }
  }
}

function bounded(bytes: Buffer): Result<Buffer, Complaint> {
  return bytes.length > FILES_BYTES_MAX ? fail(tooLarge('this is too large')) : ok(bytes);
}

export const tooLarge = (message: string): Complaint => ({
  message,
  why: `all files of a service may have ${FILES_BYTES_MAX} bytes together, as they are in the records of the cluster`,
  next: 'put what is larger into the image or on a volume',
});
