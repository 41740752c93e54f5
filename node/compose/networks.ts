/** The networks of the top of the file. On each host that runs one of their components each is a bridge. */
import type * as z from 'zod';
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import type { Network, Subnet } from '../../protocol/component/container.ts';
import {
  array,
  complain,
  expected,
  findingsOf,
  flag,
  kindOf,
  line,
  mapping,
  text,
  ways,
} from './fields.ts';
import { nearest } from './nearest.ts';
import type { Complaint, Finding } from './problems.ts';

/** What its components share; `name` is absent where the stack's own is meant. */
export type NetworkDefinition = Pick<Network, 'external' | 'internal' | 'ipv6' | 'subnets'> & {
  readonly name?: string;
};

const DRIVERS = 'bridge or overlay';
const driver = line(DRIVERS, (written): Result<'bridge' | 'overlay', Complaint> => {
  if (written === 'bridge' || written === 'overlay') return ok(written);
  if (written === 'default' || written === '') return ok('bridge');
  const why = 'a network is a bridge on each host';
  const next = `use ${DRIVERS}, or make it on each host and say external: true`;
  return fail({
    message: `the driver "${written}" is not supported`,
    why,
    next,
    unsupported: true,
  });
});

const name = text.refine((written) => /^[^\s/\0]{1,128}$/.test(written), {
  error: 'expected the name of a network',
});

const CIDR = /^[0-9a-fA-F.:]+\/\d{1,3}$/;
const cidr = text.refine((written) => CIDR.test(written), {
  error: 'expected a subnet such as 172.28.0.0/16',
});

const subnet = mapping({
  subnet: cidr,
  ip_range: cidr.optional(),
  gateway: text.optional(),
}).transform((fields): Subnet => ({
  subnet: fields.subnet,
  ...(fields.ip_range !== undefined && { range: fields.ip_range }),
  ...(fields.gateway !== undefined && { gateway: fields.gateway }),
}));

const external = ways<boolean>('true or false', {
  flag,
  text: flag,
  mapping: mapping({ name: name.optional() }).transform(() => true),
});

/** How one is made. */
const MAKING = ['driver', 'internal', 'enable_ipv6', 'ipam'] as const;

const networkField = mapping({
  name: name.optional(),
  driver: driver.optional(),
  external: external.optional(),
  internal: flag.optional(),
  enable_ipv6: flag.optional(),
  ipam: mapping({ config: array(subnet).optional() }).optional(),
}).transform((fields, context) => {
  const { external: isExternal, ipam, ...rest } = fields;
  const made = { ...rest, ipam: (ipam?.config ?? []).length > 0 };
  const beside = MAKING.find((key) => made[key] !== undefined && made[key] !== false);
  if (isExternal !== true || beside === undefined) return fields;
  const why = 'whoever has made it has said that';
  const complaint = { message: 'has no meaning beside external', why };
  return complain(context, { ...complaint, next: 'leave one of the two out' }, [beside]);
});

type Fields = z.output<typeof networkField>;

/** By the names that services call them; the stack's `default` is always there. */
export function readNetworks(
  networks: unknown,
  found: { readonly errors: Finding[]; readonly warnings: Finding[] },
): ReadonlyMap<string, NetworkDefinition> {
  const all = new Map<string, NetworkDefinition>([['default', OWN]]);
  if (networks === undefined || networks === null) return all;
  const path = ['networks'];
  if (kindOf(networks) !== 'mapping') {
    const message = expected('a mapping of names', networks);
    found.errors.push({ path, on: 'value', message });
    return all;
  }
  for (const [called, written] of Object.entries(networks)) {
    const read = networkField.safeParse(written ?? {});
    if (!read.success) {
      found.errors.push(...findingsOf(read.error, [...path, called]));
      continue;
    }
    if (read.data.driver === 'overlay') {
      const why = 'it is a bridge on each host, and hosts reach each other by published ports';
      const at = [...path, called, 'driver'];
      found.warnings.push({ path: at, on: 'value', message: 'not an overlay', why });
    }
    all.set(called, definitionOf(called, written, read.data));
  }
  return all;
}

const OWN: NetworkDefinition = { external: false, internal: false, ipv6: false, subnets: [] };

function definitionOf(called: string, written: unknown, fields: Fields): NetworkDefinition {
  const isExternal = fields.external === true;
  const subnets = fields.ipam?.config ?? [];
  const theirs = externalName(written) ?? fields.name ?? (isExternal ? called : undefined);
  return {
    ...(theirs !== undefined && { name: theirs }),
    external: isExternal,
    internal: fields.internal === true,
    ipv6: fields.enable_ipv6 === true || subnets.some((one) => one.subnet.includes(':')),
    subnets,
  };
}

/** `external: { name: … }`, as older files say it. */
function externalName(written: unknown): string | undefined {
  const { external: outer } = (written ?? {}) as {
    readonly external?: { readonly name?: unknown };
  };
  const { name: theirs } = kindOf(outer) === 'mapping' ? (outer as { name?: unknown }) : {};
  return typeof theirs === 'string' ? theirs : undefined;
}

/** There is none of this name. */
export function noSuchNetwork(called: string, known: Iterable<string>): Complaint {
  const meant = nearest(called, known);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  const next = `add it under networks at the top: "${called}:"`;
  return { message: `there is no network ${called}${hint}`, next };
}
