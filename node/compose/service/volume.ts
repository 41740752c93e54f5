/** Volumes of a service: named, or a folder of the host. */
import { posix } from 'node:path';
import type * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Tmpfs } from '../../../protocol/component/container.ts';
import { type Propagation, PROPAGATIONS, type Volume } from '../../../protocol/component/volume.ts';
import { bytes, complain, expected, flag, line, mapping, text, ways } from '../fields.ts';
import { hostPathComplaint } from '../host-path.ts';
import type { Complaint } from '../problems.ts';
import { noSuchVolume } from '../volumes.ts';
import { octal } from './octal.ts';
import type { Surroundings } from './surroundings.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const next = 'write NAME:/path/inside[:ro] or /path/on/the/host:/path/inside[:ro]';

type Written = {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
};

const propagation = line('how it propagates', (written): Result<Propagation, Complaint> => {
  const found = PROPAGATIONS.find((known) => known === written);
  if (found !== undefined) return ok(found);
  return fail({ message: expected(`one of ${PROPAGATIONS.join(', ')}`, written) });
});

const long = mapping({
  type: text,
  source: text.optional(),
  target: text,
  read_only: flag.optional(),
  bind: mapping({
    propagation: propagation.optional(),
    create_host_path: flag.optional(),
  }).optional(),
  volume: mapping({ nocopy: flag.optional(), subpath: text.optional() }).optional(),
  tmpfs: mapping({ size: bytes.optional(), mode: octal.optional() }).optional(),
}).transform((fields, context): VolumeField => {
  const { type, source = '', target, read_only: readOnly = false } = fields;
  const foreign = foreignIn(fields);
  if (foreign !== undefined) {
    const message = `has no meaning for a volume of type ${type}`;
    const fix = 'remove it, or correct the type';
    return complain(context, { message, next: fix, unsupported: true }, [foreign]);
  }
  if (type === 'tmpfs') {
    if (!posix.isAbsolute(target))
      return complain(context, { message: `the path inside must begin with /, got "${target}"` });
    return { kind: 'tmpfs', target, options: tmpfsOptions(fields.tmpfs ?? {}, readOnly) };
  }
  if (type !== 'volume' && type !== 'bind') {
    const message = `volumes of type ${type} are not supported yet`;
    const fix = 'use volume, bind or tmpfs';
    return complain(context, { message, next: fix, unsupported: true }, ['type']);
  }
  const outcome = check(type === 'bind' ? 'bind' : 'named', { source, target, readOnly });
  if (!outcome.ok) return complain(context, outcome.error);
  return outcome.value.kind === 'bind'
    ? { ...outcome.value, ...bindOptions(fields.bind ?? {}) }
    : { ...outcome.value, ...volumeOptions(fields.volume ?? {}) };
});

const OF_TYPE = ['bind', 'volume', 'tmpfs'] as const;

/** What is said of a volume of another type, and would be dropped. */
function foreignIn(
  fields: { readonly type: string; readonly source?: string | undefined } & {
    readonly [type in (typeof OF_TYPE)[number]]?: object | undefined;
  },
): string | undefined {
  const { type, source = '' } = fields;
  if (type === 'tmpfs' && source !== '') return 'source';
  if (!OF_TYPE.some((known) => known === type)) return undefined;
  const asks = (options: object): boolean =>
    Object.values(options).some((value) => value !== undefined && value !== false);
  return OF_TYPE.find((other) => other !== type && asks(fields[other] ?? {}));
}

const bindOptions = (bind: {
  propagation?: Propagation | undefined;
  create_host_path?: boolean | undefined;
}) => ({
  ...(bind.propagation !== undefined && { propagation: bind.propagation }),
  ...(bind.create_host_path === true && { createsPath: true }),
});

const volumeOptions = (volume: { nocopy?: boolean | undefined; subpath?: string | undefined }) => ({
  ...(volume.nocopy === true && { noCopy: true }),
  ...(volume.subpath !== undefined && { subpath: volume.subpath }),
});

const tmpfsOptions = (
  { size, mode }: { size?: number | undefined; mode?: string | undefined },
  readOnly: boolean,
): string =>
  [
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
    ...(readOnly ? ['ro'] : []),
  ].join(',');

/** One in memory is a setting of the container: nothing of it outlives the instance. */
export type VolumeField = Volume | ({ readonly kind: 'tmpfs' } & Tmpfs);

export const volumeField: z.ZodType<VolumeField> = ways('a volume such as data:/var/lib/data', {
  text: line<VolumeField>('text', readShort),
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
  const complaint = hostPathComplaint(source);
  return complaint === undefined ? ok({ kind, ...written }) : fail(complaint);
}

/** Where a volume is mounted, or a device appears; `undefined` where neither is told. */
export function volumeTarget(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const [source = '', target = source] = value.split(':');
    return plainTarget(target);
  }
  const { target } = (value ?? {}) as { readonly target?: unknown };
  return typeof target === 'string' ? plainTarget(target) : undefined;
}

/** `/b/` is the same place as `/b`. */
export const plainTarget = (target: string): string =>
  posix.normalize(target).replace(/(?<=.)\/$/, '');

export const tmpfsOf = (fields: readonly VolumeField[]): readonly Tmpfs[] =>
  fields.flatMap((field) =>
    field.kind === 'tmpfs' ? [{ target: field.target, options: field.options }] : [],
  );

/** What the top of the file says of them is told to each component. */
export function readVolumes(
  service: string,
  fields: readonly VolumeField[],
  { volumes, errors }: Surroundings,
): readonly Volume[] {
  return fields.flatMap((field, index): readonly Volume[] => {
    if (field.kind === 'tmpfs') return [];
    if (field.kind === 'bind') return [field];
    const made = volumes.get(field.source);
    if (made !== undefined) return [Object.keys(made).length === 0 ? field : { ...field, made }];
    const path = ['services', service, 'volumes', index];
    errors.push({ path, on: 'value', ...noSuchVolume(field.source, volumes.keys()) });
    return [];
  });
}
