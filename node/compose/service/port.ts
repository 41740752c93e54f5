/** Published ports, `8080:80` or written out. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Port } from '../../../protocol/component/spec.ts';
import { complain, integer, line, mapping, text, ways } from '../fields.ts';
import type { Complaint } from '../problems.ts';

/** `ingress`: Swarm would publish it on every host; the short form means it too. */
export type PortField = { readonly port: Port; readonly mode: 'host' | 'ingress' };

const PORT_MAX = 65_535;
const SHORT = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([^:]*):)?([^:/]+)(?:\/([A-Za-z]+))?$/;
const next = 'write [ADDRESS:][PUBLISHED:]TARGET[/udp], e.g. 8080:80';

const long = mapping({
  target: integer(1, PORT_MAX),
  published: integer(1, PORT_MAX).optional(),
  host_ip: text.optional(),
  protocol: text.optional(),
  mode: text.optional(),
}).transform((fields, context): PortField => {
  const { mode = 'ingress' } = fields;
  if (mode !== 'host' && mode !== 'ingress')
    return complain(context, { message: `expected host or ingress, got ${mode}` }, ['mode']);
  const protocol = readProtocol(fields.protocol ?? 'tcp');
  if (!protocol.ok) return complain(context, protocol.error, ['protocol']);
  const address = readAddress(fields.host_ip ?? '');
  if (!address.ok) return complain(context, address.error, ['host_ip']);
  const published = fields.published === undefined ? {} : { published: fields.published };
  const port = { target: fields.target, protocol: protocol.value, ...published, ...address.value };
  return { port, mode };
});

const short = line('a port such as 8080:80', readShort);

export const portField: z.ZodType<PortField> = ways('a port such as 8080:80', {
  text: short,
  number: z.number().transform(String).pipe(short),
  mapping: long,
});

function readShort(written: string): Result<PortField, Complaint> {
  const [, address = '', published = '', target = '', proto = 'tcp'] = SHORT.exec(written) ?? [];
  if (target === '') return fail({ message: `expected a port, got "${written}"`, next });
  if (/-/.test(target + published)) {
    const why = 'ranges of ports are not supported yet';
    return fail({ message: `"${written}" is a range`, why, next: 'list the ports one by one' });
  }
  for (const number of [target, published])
    if (number !== '' && !isPort(number))
      return fail({ message: `expected a port from 1 to ${PORT_MAX}, got "${number}"`, next });
  const protocol = readProtocol(proto);
  if (!protocol.ok) return protocol;
  const host = readAddress(address.replace(/^\[(.*)\]$/, '$1'));
  if (!host.ok) return host;
  const port = {
    target: Number(target),
    protocol: protocol.value,
    ...(published !== '' && { published: Number(published) }),
    ...host.value,
  };
  return ok({ port, mode: 'ingress' });
}

function isPort(written: string): boolean {
  return /^\d{1,5}$/.test(written) && Number(written) >= 1 && Number(written) <= PORT_MAX;
}

function readProtocol(written: string): Result<Port['protocol'], Complaint> {
  const protocol = written.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp') return ok(protocol);
  return fail({ message: `expected tcp or udp, got ${written}` });
}

function readAddress(written: string): Result<{ readonly address?: string }, Complaint> {
  if (written === '') return ok({});
  if (isIP(written) !== 0) return ok({ address: written });
  return fail({ message: `expected an IP address, got "${written}"` });
}

/** What makes two ports the same when files are merged; `undefined` where it is no port. */
export function portKey(value: unknown): string | undefined {
  const read = portField.safeParse(value);
  if (!read.success) return typeof value === 'string' ? value : undefined;
  const { address = '', published = '', target, protocol } = read.data.port;
  return `${address}:${published}:${target}/${protocol}`;
}
