/**
 * Ports that are published without a number on the host: each slot is given one of its own, which it has
 * wherever it runs. `placement/ports.ts` chooses them.
 */
import type { Config } from '../config.ts';
import type { ComponentSpec, Port } from './spec.ts';

/** Of one slot: by the port inside (`portName`) its number on the host. */
export type ChosenPorts = Readonly<Record<string, number>>;

/** From which numbers are chosen. */
export type PortRange = Pick<Config, 'portFirst' | 'portLast'>;

/** Inside, and where it is to be bound if the spec says so: `80/tcp`, `127.0.0.1:80/tcp`. */
export const portName = ({ target, protocol, address }: Port): string =>
  `${address === undefined ? '' : `${address}:`}${target}/${protocol}`;

/** Of such a name. */
export const protocolOf = (name: string): Port['protocol'] =>
  name.endsWith('/udp') ? 'udp' : 'tcp';

/** On hosts: `20017/tcp`. */
export const numberName = (published: number, protocol: Port['protocol']): string =>
  `${published}/${protocol}`;

/** Those to be given a number. What a spec says twice is one port. */
export function openPorts({ ports }: Pick<ComponentSpec, 'ports'>): readonly Port[] {
  const open = ports.filter(({ published }) => published === undefined);
  return [...new Map(open.map((port) => [portName(port), port])).values()];
}

/** What the engine of the slot's host is to make. Where none was chosen the engine chooses. */
export function withChosen(spec: ComponentSpec, chosen: ChosenPorts | undefined): ComponentSpec {
  if (chosen === undefined) return spec;
  const left = new Set(openPorts(spec).map(portName));
  const ports = spec.ports.flatMap((port): readonly Port[] => {
    if (port.published !== undefined) return [port];
    const name = portName(port);
    if (!left.delete(name)) return [];
    const published = chosen[name];
    return [published === undefined ? port : { ...port, published }];
  });
  return { ...spec, ports };
}

type Bound = { readonly target: number; readonly published: number };

/**
 * Whether what runs has a number that was chosen once, and is not its slot's any more. What an engine has
 * chosen lies elsewhere and is in nobody's way.
 */
export function hasOtherNumber(
  spec: Pick<ComponentSpec, 'ports'>,
  chosen: ChosenPorts | undefined,
  bound: readonly Bound[],
  { portFirst, portLast }: PortRange,
): boolean {
  if (chosen === undefined) return false;
  return openPorts(spec).some((port) => {
    const wanted = chosen[portName(port)];
    const numbers = bound
      .filter(({ target }) => target === port.target)
      .map(({ published }) => published)
      .filter((published) => published >= portFirst && published <= portLast);
    return wanted !== undefined && numbers.length > 0 && !numbers.includes(wanted);
  });
}
