/**
 * What a service may take of its host, and what is kept free for it there: the keys of `docker compose`
 * and `deploy.resources`, which says the same in Swarm's words.
 */
import * as z from 'zod';
import type { Limits } from '../../../protocol/component/container.ts';
import type { Reservation } from '../../../protocol/component/spec.ts';
import { bytes, complain, expected, flag, integer, mapping, text } from '../fields.ts';
import type { Surroundings } from './surroundings.ts';

const CPUS = 'a number of processors such as 0.5';
const CPUS_MAX = 100_000;

/** In thousandths of a processor. */
const cpus = z.unknown().transform((value, context): number => {
  const isWritten = typeof value === 'string' && /^(\d{1,6}(\.\d{0,9})?|\.\d{1,9})$/.test(value);
  const milli = Math.round(1000 * (isWritten || typeof value === 'number' ? Number(value) : NaN));
  if (milli >= 0 && milli <= 1000 * CPUS_MAX) return milli;
  return complain(context, { message: expected(CPUS, value) });
});

const COUNT_MAX = 2 ** 31 - 1;
const pids = integer(-1, COUNT_MAX);
/** -1: as much as there is. */
const swap = z.unknown().transform((value, context): number => {
  if (value === -1 || value === '-1') return -1;
  const read = bytes.safeParse(value);
  const what = 'a size such as 64m or 1gb, or -1';
  return read.success ? read.data : complain(context, { message: expected(what, value) });
});
const CPU_SET = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;
const cpuset = text.refine((written) => CPU_SET.test(written), {
  error: 'expected numbers of processors such as 0-3 or 0,2',
});

/** Of `serviceField`. */
export const resourceFields = {
  cpus: cpus.optional(),
  cpu_shares: integer(0, COUNT_MAX).optional(),
  cpuset: cpuset.optional(),
  mem_limit: bytes.optional(),
  mem_reservation: bytes.optional(),
  memswap_limit: swap.optional(),
  mem_swappiness: integer(0, 100).optional(),
  pids_limit: pids.optional(),
  oom_kill_disable: flag.optional(),
};

export const resourcesField = mapping({
  limits: mapping({
    cpus: cpus.optional(),
    memory: bytes.optional(),
    pids: pids.optional(),
  }).optional(),
  reservations: mapping({ cpus: cpus.optional(), memory: bytes.optional() }).optional(),
});

type Fields = {
  readonly [Key in keyof typeof resourceFields]?: z.output<(typeof resourceFields)[Key]>;
} & {
  readonly deploy?:
    | { readonly resources?: z.output<typeof resourcesField> | undefined }
    | undefined;
};

export type Resources = {
  readonly limits?: Limits;
  readonly reserves?: Reservation;
};

/** Keys of a service that `deploy.resources` has another word for. */
type Twin = 'cpus' | 'mem_limit' | 'mem_reservation' | 'pids_limit';

/** Nothing, 0 and -1 all mean: as much as there is. */
export function readResources(name: string, fields: Fields, around: Surroundings): Resources {
  const { limits = {}, reservations = {} } = fields.deploy?.resources ?? {};
  const either = (key: Twin, path: readonly string[], its?: number): number => {
    const own = fields[key];
    if (own !== undefined && its !== undefined && own !== its)
      around.errors.push({
        path: ['services', name, 'deploy', 'resources', ...path],
        on: 'key',
        message: `differs from ${key}`,
        next: 'keep one of the two',
      });
    return its ?? own ?? 0;
  };
  const milliCpus = either('cpus', ['limits', 'cpus'], limits.cpus);
  const memoryBytes = either('mem_limit', ['limits', 'memory'], limits.memory);
  const pidCount = either('pids_limit', ['limits', 'pids'], limits.pids);
  const softBytes = either('mem_reservation', ['reservations', 'memory'], reservations.memory);
  const reserves = positive({ milliCpus: reservations.cpus, memoryBytes: reservations.memory });
  checkReserves(name, { milliCpus, memoryBytes }, reserves, around);
  const asked: Limits = {
    ...positive({ milliCpus, memoryBytes, pids: pidCount, memoryReservationBytes: softBytes }),
    ...positive({ cpuShares: fields.cpu_shares }),
    ...(fields.cpuset !== undefined && { cpuset: fields.cpuset }),
    ...(fields.memswap_limit !== undefined && { memorySwapBytes: fields.memswap_limit }),
    ...(fields.mem_swappiness !== undefined && { swappiness: fields.mem_swappiness }),
    ...(fields.oom_kill_disable === true && { oomKillDisable: true }),
  };
  return {
    ...(Object.keys(asked).length > 0 && { limits: asked }),
    ...(Object.keys(reserves).length > 0 && { reserves }),
  };
}

const positive = <Name extends string>(
  all: Readonly<Record<Name, number | undefined>>,
): { [name in Name]?: number } =>
  Object.fromEntries(
    Object.entries<number | undefined>(all).filter(([, value]) => (value ?? 0) > 0),
  ) as { [name in Name]?: number };

/** It could never use what is kept free for it. */
function checkReserves(
  name: string,
  limits: Required<Reservation>,
  reserves: Reservation,
  { errors }: Surroundings,
): void {
  for (const [key, field] of [
    ['cpus', 'milliCpus'],
    ['memory', 'memoryBytes'],
  ] as const) {
    if (limits[field] === 0 || (reserves[field] ?? 0) <= limits[field]) continue;
    const path = ['services', name, 'deploy', 'resources', 'reservations', key];
    errors.push({ path, on: 'key', message: 'is more than its limit', next: 'raise the limit' });
  }
}
