/**
 * What an instance is told of its own ports: the number each has on its host, where that is known before
 * it starts. A process listens there itself; who is in a container can tell others where it is found.
 */
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

const variableOf = ({ target, protocol }: Port): string =>
  `MILLRACE_PORT_${target}${protocol === 'udp' ? '_UDP' : ''}`;
