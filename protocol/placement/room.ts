/**
 * What slots reserve of hosts, and what is left. What they use nobody measures; two leaders that give
 * slots at the same moment may promise the same room twice, and then both stay.
 */
import type { ComponentSpec } from '../component/spec.ts';
import type { HostFacts } from '../inventory/entry.ts';

export type Reserved = { readonly milliCpus: number; readonly memoryBytes: number };

export const NOTHING_RESERVED: Reserved = { milliCpus: 0, memoryBytes: 0 };

/** With so many more slots of `spec`, or less if negative. */
export function reservedWith(
  reserved: Reserved,
  { placement: { reserves = {} } = { constraints: [] } }: Pick<ComponentSpec, 'placement'>,
  slots: number,
): Reserved {
  const { milliCpus = 0, memoryBytes = 0 } = reserves;
  if (milliCpus === 0 && memoryBytes === 0) return reserved;
  return {
    milliCpus: reserved.milliCpus + slots * milliCpus,
    memoryBytes: reserved.memoryBytes + slots * memoryBytes,
  };
}

/** Why one more slot of `spec` finds no room beside what is reserved; undefined: it does. */
export function noRoom(
  { placement: { reserves = {} } = { constraints: [] } }: Pick<ComponentSpec, 'placement'>,
  { cpuCount, memoryBytes }: Pick<HostFacts, 'cpuCount' | 'memoryBytes'>,
  reserved: Reserved,
): string | undefined {
  const milliCpus = Math.max(0, 1000 * cpuCount - reserved.milliCpus);
  if ((reserves.milliCpus ?? 0) > milliCpus)
    return asked(`${cpus(reserves.milliCpus)} cpus`, cpus(milliCpus), cpuCount);
  const free = Math.max(0, memoryBytes - reserved.memoryBytes);
  if ((reserves.memoryBytes ?? 0) > free)
    return asked(`${mebi(reserves.memoryBytes)} of memory`, mebi(free), mebi(memoryBytes));
  return undefined;
}

const asked = (what: string, free: string | number, all: string | number): string =>
  `it reserves ${what}, and ${free} of ${all} are free there`;
const cpus = (milli = 0): number => milli / 1000;
const mebi = (bytes = 0): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
