/** Volumes of a service: named, or a folder of the host. */
import { posix } from 'node:path';
import type * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Volume } from '../../../protocol/component/spec.ts';
import { complain, flag, line, mapping, text, ways } from '../fields.ts';
import type { Complaint } from '../problems.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const next = 'write NAME:/path/inside[:ro] or /path/on/the/host:/path/inside[:ro]';

type Written = {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
};

const long = mapping({
  type: text,
  source: text.optional(),
  target: text,
  read_only: flag.optional(),
}).transform((fields, context): Volume => {
  const { type, source = '', target, read_only: readOnly = false } = fields;
  if (type !== 'volume' && type !== 'bind') {
    const message = `volumes of type ${type} are not supported yet`;
    return complain(context, { message, next: 'use volume or bind', unsupported: true }, ['type']);
  }
  const outcome = check(type === 'bind' ? 'bind' : 'named', { source, target, readOnly });
  return outcome.ok ? outcome.value : complain(context, outcome.error);
});

export const volumeField: z.ZodType<Volume> = ways('a volume such as data:/var/lib/data', {
  text: line('text', readShort),
  mapping: long,
});

function readShort(written: string): Result<Volume, Complaint> {
  const [source = '', target, mode = 'rw', ...more] = written.split(':');
  if (target === undefined) {
    const why = 'a volume without a name is lost with its instance';
    const message = `the volume "${written}" has no name`;
    return fail({ message, why, next, unsupported: true });
  }
  if (more.length > 0) return fail({ message: `too many colons in "${written}"`, next });
  const options = mode.split(',');
  const odd = options.find((option) => option !== 'ro' && option !== 'rw');
  if (odd !== undefined) {
    const message = `the volume option "${odd}" is not supported`;
    return fail({ message, next: 'use ro or rw', unsupported: true });
  }
  const kind = /^[./~\\]/.test(source) ? 'bind' : 'named';
  return check(kind, { source, target, readOnly: options.includes('ro') });
}

function check(kind: Volume['kind'], written: Written): Result<Volume, Complaint> {
  const { source, target } = written;
  if (!posix.isAbsolute(target))
    return fail({ message: `the path inside must begin with /, got "${target}"`, next });
  if (kind === 'named') {
    if (VOLUME_NAME.test(source)) return ok({ kind, ...written });
    return fail({ message: `"${source}" is no name for a volume`, next });
  }
  if (posix.isAbsolute(source)) return ok({ kind, ...written });
  const why = 'on every host it would be another folder';
  const fix = 'write the absolute path of a folder that each host has, or use a named volume';
  const message = `the path "${source}" is relative`;
  return fail({ message, why, next: fix, unsupported: true });
}

/** Where a volume is mounted, or a device appears; `undefined` where neither is told. */
export function volumeTarget(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const [source, target] = value.split(':');
    return target ?? source;
  }
  const { target } = (value ?? {}) as { readonly target?: unknown };
  return typeof target === 'string' ? target : undefined;
}
