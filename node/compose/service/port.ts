/** Published ports, `8080:80` or written out. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Port } from '../../../protocol/component/spec.ts';
import { array, complain, expected, integer, line, mapping, text, ways } from '../fields.ts';
import type { Complaint } from '../problems.ts';

/** `ingress`: Swarm would publish it on every host; the short form means it too. */
export type PortField = { readonly port: Port; readonly mode: 'host' | 'ingress' };

const PORT_MAX = 65_535;
/** Ports of one range; as many instances could not be placed anyway. */
const RANGE_MAX = 1_000;
const SHORT = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([^:]*):)?([^:/]+)(?:\/([A-Za-z]+))?$/;
const next = 'write [ADDRESS:][PUBLISHED:]TARGET[/udp], e.g. 8080:80';

const portNumber = integer(1, PORT_MAX);
const publishedField = z.unknown().transform((value, context): number => {
  if (typeof value === 'string' && /^\d{1,5}-\d{1,5}$/.test(value))
    return complain(context, uneven(value, true));
  const read = portNumber.safeParse(value);
  if (read.success) return read.data;
  return complain(context, { message: expected(`a whole number from 1 to ${PORT_MAX}`, value) });
});

const long = mapping({
  target: portNumber,
  published: publishedField.optional(),
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

/** A range of the short form is as many ports. */
export const portField: z.ZodType<readonly PortField[]> = ways('a port such as 8080:80', {
  text: short,
  number: z.number().transform(String).pipe(short),
  mapping: long.transform((field) => [field]),
});

/** `step`: the place in the list that it comes from. */
export const portsField = array(portField).transform((lines) =>
  lines.flatMap((fields, step) => fields.map((field) => ({ ...field, step }))),
);

function readShort(written: string): Result<readonly PortField[], Complaint> {
  const [, address = '', published = '', target = '', proto = 'tcp'] = SHORT.exec(written) ?? [];
  if (target === '') return fail({ message: `expected a port, got "${written}"`, next });
  const inside = readRange(target);
  if (!inside.ok) return inside;
  const outside = published === '' ? undefined : readRange(published);
  if (outside?.ok === false) return outside;
  const protocol = readProtocol(proto);
  if (!protocol.ok) return protocol;
  const host = readAddress(address.replace(/^\[(.*)\]$/, '$1'));
  if (!host.ok) return host;
  const [first, last] = inside.value;
  if (outside !== undefined && outside.value[1] - outside.value[0] !== last - first)
    return fail(uneven(written, first === last));
  const ports = Array.from({ length: last - first + 1 }, (_, step): Port => {
    const chosen = outside === undefined ? {} : { published: outside.value[0] + step };
    return { target: first + step, protocol: protocol.value, ...chosen, ...host.value };
  });
  return ok(ports.map((port): PortField => ({ port, mode: 'ingress' })));
}

function uneven(written: string, oneInside: boolean): Complaint {
  if (!oneInside)
    return { message: `"${written}" has two ranges of different lengths`, next: 'make them equal' };
  const message = `"${written}" leaves the port to choose from a range`;
  return {
    message,
    why: 'that is not supported',
    next: 'name one port, or none',
    unsupported: true,
  };
}

function readRange(written: string): Result<readonly [number, number], Complaint> {
  const ends = written.split('-');
  const [first = '', last = first] = ends;
  const odd = [first, last].find((number) => !isPort(number));
  if (odd !== undefined || ends.length > 2)
    return fail({
      message: `expected a port from 1 to ${PORT_MAX}, got "${odd ?? written}"`,
      next,
    });
  const range = [Number(first), Number(last)] as const;
  const length = range[1] - range[0] + 1;
  if (length < 1) return fail({ message: `the range ${written} goes backwards`, next });
  if (length <= RANGE_MAX) return ok(range);
  const message = `the range ${written} is too long, at most ${RANGE_MAX} are possible`;
  return fail({ message, unsupported: true });
}

function isPort(written: string): boolean {
  return /^\d{1,5}$/.test(written) && Number(written) >= 1 && Number(written) <= PORT_MAX;
}

function readProtocol(written: string): Result<Port['protocol'], Complaint> {
  const protocol = written.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp') return ok(protocol);
  const message = `expected tcp or udp, got ${written}`;
  return fail({ message, ...(protocol === 'sctp' && { unsupported: true }) });
}

function readAddress(written: string): Result<{ readonly address?: string }, Complaint> {
  if (written === '') return ok({});
  if (isIP(written) !== 0) return ok({ address: written });
  return fail({ message: `expected an IP address, got "${written}"` });
}

/** What makes two ports the same when files are merged; `undefined` where it is no port. */
export function portKey(value: unknown): string | undefined {
  const read = portField.safeParse(value);
  const [only, ...more] = read.success ? read.data : [];
  if (only === undefined || more.length > 0) return typeof value === 'string' ? value : undefined;
  const { address = '', published = '', target, protocol } = only.port;
  return `${address}:${published}:${target}/${protocol}`;
}
