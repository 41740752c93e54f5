/** Configs and secrets of a service: which, and where each instance finds it. */
import { posix } from 'node:path';
import type * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { FileSpec } from '../../../protocol/component/file.ts';
import { FILES_BYTES_MAX } from '../../../protocol/limits.ts';
import { array, complain, expected, line, mapping, text, ways } from '../fields.ts';
import {
  bytesOf,
  FILE_KINDS,
  type FileKind,
  noSuchFile,
  ONE_OF,
  originPath,
  tooLarge,
} from '../files.ts';
import { SEAL_BYTES } from '../../secrets/seal.ts';
import type { Complaint } from '../problems.ts';
import { octal } from './octal.ts';
import type { Surroundings } from './surroundings.ts';

type FileField = Pick<FileSpec, 'uid' | 'gid' | 'mode'> & {
  readonly source: string;
  readonly target: string;
};

/** Where a target starts that does not begin with a slash. */
const FOLDERS: Readonly<Record<FileKind, string>> = { configs: '/', secrets: '/run/secrets' };
const MODE = 0o444;
const ID_MAX = 2 ** 31 - 1;
/** In quotes, as Compose has it. */
const id = line('a number as text', (written): Result<number, Complaint> => {
  const number = /^\d{1,10}$/.test(written) ? Number(written) : Infinity;
  if (number <= ID_MAX) return ok(number);
  return fail({ message: expected(`a whole number from 0 to ${ID_MAX}`, written) });
});

const sourceField = (kind: FileKind) =>
  text.refine((written) => written !== '', {
    error: `expected the name of a ${ONE_OF[kind]}`,
  });

const fileField = (kind: FileKind): z.ZodType<FileField> =>
  ways(`the name of one of ${kind}, or a mapping with source`, {
    text: sourceField(kind).transform((called, context) =>
      placed(kind, { source: called }, context),
    ),
    mapping: mapping({
      source: sourceField(kind),
      target: text.optional(),
      uid: id.optional(),
      gid: id.optional(),
      mode: octal.optional(),
    }).transform((written, context) => placed(kind, written, context)),
  });

export const configsField = array(fileField('configs'));
export const secretsField = array(fileField('secrets'));

type Written = {
  readonly source: string;
  readonly target?: string | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mode?: string | undefined;
};

function placed(kind: FileKind, written: Written, context: z.core.$RefinementCtx): FileField {
  const { source: called, uid = 0, gid = 0, mode } = written;
  const target = posix.resolve(FOLDERS[kind], written.target ?? called);
  if (target === '/' || written.target?.endsWith('/') === true) {
    const message = `"${written.target}" is no path of a file`;
    return complain(context, { message, next: 'write /path/inside' }, ['target']);
  }
  const bits = mode === undefined ? MODE : Number.parseInt(mode, 8);
  return { source: called, target, uid, gid, mode: bits };
}

type Fields = { readonly [Kind in FileKind]?: readonly FileField[] | undefined };

/** As they are now; undefined: none. What is in secrets is left to the surroundings. */
export function readFiles(
  service: string,
  fields: Fields,
  around: Surroundings,
): readonly FileSpec[] | undefined {
  let bytes = 0;
  const files = FILE_KINDS.flatMap((kind) =>
    (fields[kind] ?? []).flatMap((field, index): readonly FileSpec[] => {
      const found = contentOf(service, kind, { ...field, index }, around);
      if (found === undefined) return [];
      const { name, content } = found;
      const { target, uid, gid, mode } = field;
      const place = { name, target, uid, gid, mode };
      bytes += content.length;
      if (kind === 'configs')
        return [{ kind: 'config', ...place, content: content.toString('base64') }];
      bytes += SEAL_BYTES;
      around.contents.set(name, content);
      return [{ kind: 'secret', ...place }];
    }),
  );
  if (bytes > FILES_BYTES_MAX) {
    const path = ['services', service, fields.configs === undefined ? 'secrets' : 'configs'];
    around.errors.push({ path, on: 'key', ...tooLarge(`${bytes} bytes of files are too many`) });
  }
  return files.length === 0 ? undefined : files;
}

function contentOf(
  service: string,
  kind: FileKind,
  { source: called, index }: FileField & { readonly index: number },
  { files, spotOf, errors }: Surroundings,
): { readonly name: string; readonly content: Buffer } | undefined {
  const known = files[kind].get(called);
  if (known === undefined) {
    const path = ['services', service, kind, index];
    errors.push({ path, on: 'value', ...noSuchFile(kind, called, files[kind].keys()) });
    return undefined;
  }
  const path = originPath(kind, called, known);
  const bytes = bytesOf(known, spotOf(path));
  if (bytes.ok) return { name: known.name, content: bytes.value };
  errors.push({ path, on: 'value', ...bytes.error });
  return undefined;
}
