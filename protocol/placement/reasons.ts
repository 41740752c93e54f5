/** Why hosts were not taken, told together. */
import type { HostId } from '../base/ids.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { staysBehind } from '../component/volume.ts';

export type Rejection = { readonly host: HostId; readonly why: string };

/** Hosts named beside one reason; of the others it tells how many they are. */
const NAMES_MAX = 5;

/** `2 hosts: dead or gone (h1 h2) · 1 host: … (h3)`: hosts that are refused alike are told together. */
export function reasonsOf(rejected: readonly Rejection[]): string {
  const hosts = new Map<string, HostId[]>();
  for (const { host, why } of rejected) hosts.set(why, [...(hosts.get(why) ?? []), host]);
  const told = [...hosts].map(([why, refused]) => {
    const names = refused.slice(0, NAMES_MAX).join(' ') + (refused.length > NAMES_MAX ? ' …' : '');
    return `${refused.length === 1 ? '1 host' : `${refused.length} hosts`}: ${why} (${names})`;
  });
  return told.length === 0 ? 'there is no host' : told.join(' · ');
}

/** What counts for a host. */
export const slotsThere = (own: number, others: number): string =>
  `${own} of its slots and ${others} ${others === 1 ? 'other' : 'others'} there`;

export function volumesLeft(spec: ComponentSpec, host: HostId): string {
  const names = spec.volumes.filter(staysBehind).map(({ source }) => source);
  return names.length === 0 ? '' : `; what is in volume ${names.join(', ')} stays on ${host}`;
}

/** Rejections told per decision; the rest is left out. */
export const REJECTED_MAX = 32;
