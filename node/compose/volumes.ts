/** The volumes of the top of the file: how their engines make them, and which are there already. */
import * as z from 'zod';
import type { VolumeMaking } from '../../protocol/component/volume.ts';
import {
  byName,
  complain,
  expected,
  findingsOf,
  flag,
  kindOf,
  mapping,
  pairs,
  text,
  ways,
} from './fields.ts';
import { hostPathComplaint } from './host-path.ts';
import { nearest } from './nearest.ts';
import { adviseNumbers, type Typed } from './numbers.ts';
import type { Complaint, Finding } from './problems.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const name = text.refine((written) => NAME.test(written), {
  error: 'expected the name of a volume',
});

/** Among the options of a mount: its device is a folder of the host. */
const BIND = /(?:^|,)r?bind(?:,|$)/;
const option = z.union([text, z.number()]).transform(String);
const options = pairs.transform((entries, context): Readonly<Record<string, string>> =>
  byName(
    entries.map(([key, value]) => {
      const read = option.safeParse(value);
      if (!read.success) complain(context, { message: expected('text', value) }, [key]);
      return [key, read.data ?? ''] as const;
    }),
  ),
);

const volumeField = mapping({
  name: name.optional(),
  driver: text.optional(),
  driver_opts: options.optional(),
  external: ways<{ readonly name?: string | undefined } | undefined>('true or false', {
    flag: flag.transform((is) => (is ? {} : undefined)),
    text: flag.transform((is) => (is ? {} : undefined)),
    mapping: mapping({ name: name.optional() }),
  }).optional(),
}).transform(({ driver, driver_opts: opts = {}, external, ...fields }, context): VolumeMaking => {
  const isMade = driver !== undefined || Object.keys(opts).length > 0;
  if (external !== undefined && isMade) {
    const message = 'has no meaning beside external';
    const next = 'leave one of the two out';
    return complain(context, { message, next }, [driver === undefined ? 'driver_opts' : 'driver']);
  }
  const { device } = opts;
  const isBind = (driver ?? 'local') === 'local' && BIND.test(opts['o'] ?? '');
  const complaint = isBind && device !== undefined ? hostPathComplaint(device) : undefined;
  if (complaint !== undefined) return complain(context, complaint, ['driver_opts', 'device']);
  const called = external?.name ?? fields.name;
  return {
    ...(called !== undefined && { name: called }),
    ...(external !== undefined && { external: true }),
    ...(driver !== undefined && driver !== 'local' && driver !== '' && { driver }),
    ...(Object.keys(opts).length > 0 && { options: opts }),
  };
});

/** By the names that services call them. */
export function readVolumeMakings(
  volumes: unknown,
  found: { readonly errors: Finding[]; readonly warnings: Finding[]; readonly typed: Typed },
): ReadonlyMap<string, VolumeMaking> {
  const { errors } = found;
  const all = new Map<string, VolumeMaking>();
  const path = ['volumes'];
  if (volumes === undefined || volumes === null) return all;
  if (kindOf(volumes) !== 'mapping') {
    errors.push({ path, on: 'value', message: expected('a mapping of names', volumes) });
    return all;
  }
  for (const [called, written] of Object.entries(volumes)) {
    const at = [...path, called];
    const read = volumeField.safeParse(written ?? {});
    if (!read.success) {
      errors.push(...findingsOf(read.error, at));
      continue;
    }
    adviseNumbers([...at, 'driver_opts'], read.data.options ?? {}, found);
    all.set(called, isExternal(read.data, called));
  }
  return all;
}

/** Without a name of its own it is called as the file calls it, not after the stack. */
const isExternal = (made: VolumeMaking, called: string): VolumeMaking =>
  made.external === true && made.name === undefined ? { ...made, name: called } : made;

/** There is none of this name. */
export function noSuchVolume(called: string, known: Iterable<string>): Complaint {
  const meant = nearest(called, known);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  const next = `add it under volumes at the top: "${called}:"`;
  return { message: `there is no volume ${called}${hint}`, next };
}
