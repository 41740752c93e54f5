/** Which networks a service is on, and by which names and addresses. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { ContainerSettings, Network } from '../../../protocol/component/container.ts';
import {
  complain,
  expected,
  findingsOf,
  line,
  mapping,
  pairs,
  text,
  texts,
  ways,
} from '../fields.ts';
import { type NetworkDefinition, noSuchNetwork } from '../networks.ts';
import type { Complaint } from '../problems.ts';
import type { Surroundings } from './surroundings.ts';

type Attached = { readonly called: string } & Pick<Network, 'aliases' | 'address' | 'address6'>;

const address = (family: 4 | 6) =>
  text.refine((written) => isIP(written) === family, {
    error: `expected an IP address of version ${family}`,
  });

const attachment = mapping({
  aliases: texts.optional(),
  ipv4_address: address(4).optional(),
  ipv6_address: address(6).optional(),
});

const attached = z.unknown().transform((written, context): Omit<Attached, 'called'> => {
  const read = attachment.safeParse(written ?? {});
  if (!read.success) {
    for (const { path, on: _, ...complaint } of findingsOf(read.error, []))
      complain(context, complaint, path);
    return z.NEVER;
  }
  const { aliases = [], ipv4_address: address4, ipv6_address: address6 } = read.data;
  return {
    aliases: [...new Set(aliases)],
    ...(address4 !== undefined && { address: address4 }),
    ...(address6 !== undefined && { address6 }),
  };
});

export const networksField = ways<readonly Attached[]>('a list of names or a mapping', {
  list: texts.transform((all) => [...new Set(all)].map((called) => ({ called, aliases: [] }))),
  mapping: pairs.transform((entries, context) =>
    entries.map(([called, value]): Attached => {
      const read = attached.safeParse(value);
      if (read.success) return { called, ...read.data };
      for (const { path, on: _, ...complaint } of findingsOf(read.error, [called]))
        complain(context, complaint, path);
      return z.NEVER;
    }),
  ),
});

const MODES = 'host, none or bridge';
type Mode = NonNullable<ContainerSettings['networkMode']>;
export const networkModeField = line(MODES, (written): Result<Mode, Complaint> => {
  if (written === 'host' || written === 'none' || written === 'bridge') return ok(written);
  const message = expected(MODES, written);
  const why = 'instances share nothing with each other, wherever they run';
  return fail({ message, why, next: 'name a network under networks', unsupported: true });
});

type Fields = {
  readonly networks?: readonly Attached[] | undefined;
  readonly network_mode?: Mode | undefined;
  readonly ports?: readonly unknown[] | undefined;
};

export function readNetworking(
  service: string,
  { networks = [], network_mode: mode, ports = [] }: Fields,
  { stack, networks: known, errors }: Surroundings,
): Pick<ContainerSettings, 'networks' | 'networkMode'> {
  const refuse = (key: string, complaint: Complaint): void => {
    errors.push({ path: ['services', service, key], on: 'key', ...complaint });
  };
  const next = 'leave one of the two out';
  if (mode !== undefined) {
    const message = `has no meaning beside network_mode: ${mode}`;
    if (networks.length > 0) refuse('networks', { message, next });
    // The engine would drop them in silence.
    if (ports.length > 0 && mode !== 'bridge') refuse('ports', { message, next });
    return { networkMode: mode };
  }
  const joined = networks.flatMap(({ called, ...rest }): Network[] => {
    const definition = known.get(called);
    if (definition !== undefined)
      return [{ ...definition, name: definition.name ?? `${stack}_${called}`, ...rest }];
    const complaint = noSuchNetwork(called, known.keys());
    errors.push({ path: ['services', service, 'networks', called], on: 'key', ...complaint });
    return [];
  });
  const own = known.get('default');
  const isPlain = own === undefined || isUsual(own);
  if (joined.length > 0) return isOnlyDefault(joined, stack) && isPlain ? {} : { networks: joined };
  if (own === undefined || isPlain) return {};
  return { networks: [{ ...own, name: own.name ?? `${stack}_default`, aliases: [] }] };
}

const isUsual = ({ name, internal, ipv6, subnets }: NetworkDefinition): boolean =>
  name === undefined && !internal && !ipv6 && subnets.length === 0;

/** What it is on anyway. */
const isOnlyDefault = ([first, ...more]: readonly Network[], stack: string): boolean =>
  more.length === 0 &&
  first?.name === `${stack}_default` &&
  first.aliases.length === 0 &&
  first.address === undefined &&
  first.address6 === undefined;
