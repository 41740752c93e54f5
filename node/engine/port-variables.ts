/**
 * What an instance is told of ports: the number each of its own has on its host, where that is known before
 * it starts, and where those of what it depends on are found. A process listens at the former itself; who is
 * in a container can tell others where it is found.
 */
import type { Addresses, PortAddresses } from '../../protocol/component/addresses.ts';
import type { ComponentSpec, Port } from '../../protocol/component/spec.ts';

/** `MILLRACE_PORT_80`, `MILLRACE_PORT_53_UDP`; of one inside that has several numbers the first. */
export function portVariables({
  ports,
}: Pick<ComponentSpec, 'ports'>): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const port of ports)
    if (port.published !== undefined) variables[variableOf(port)] ??= String(port.published);
  return variables;
}

/** `MILLRACE_ADDRESS_DB_5432`, with commas between; of two whose names come to the same the first. */
export function addressVariables(addresses: Addresses = []): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const port of addresses) variables[addressVariableOf(port)] ??= port.at.join(',');
  return variables;
}

const variableOf = ({ target, protocol }: Pick<Port, 'target' | 'protocol'>): string =>
  `MILLRACE_PORT_${target}${suffixOf(protocol)}`;

const addressVariableOf = ({ on, target, protocol }: PortAddresses): string =>
  `MILLRACE_ADDRESS_${on.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_${target}${suffixOf(protocol)}`;

const suffixOf = (protocol: Port['protocol']): string => (protocol === 'udp' ? '_UDP' : '');
