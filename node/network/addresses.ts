/**
 * Which addresses are real: what we announce, and what we believe of others.
 *
 * A bridge of Docker has the same address on every host. Announced, it makes peers dial their own
 * bridge: TCP looks healthy and nothing arrives. So the filter works both ways.
 */
import { isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { StartupError } from '../startup-error.ts';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Made by container engines and hypervisors for their guests. Tunnels (tun, wg) are real. */
const VIRTUAL_INTERFACE =
  /^(docker|br-|veth|virbr|vnet|vmnet|vboxnet|cni|cali|cilium|flannel|kube|lxc|lxdbr|podman|nerdctl)/;

export type Endpoint = { readonly host: string; readonly port: number };

/** Our side of both filters. Reads the interfaces at every call: they change. */
export type AddressPolicy = {
  /** We listen nowhere else, or there is nothing else: then only loopback addresses count. */
  readonly loopbackOnly: () => boolean;
  readonly announces: (address: Multiaddr) => boolean;
  readonly accepts: (address: Multiaddr) => boolean;
  /** One IPv4 address of each interface on which to announce. */
  readonly multicastInterfaces: () => readonly string[];
};

export function createAddressPolicy(
  listen: readonly Endpoint[],
  read: () => Interfaces = networkInterfaces,
): AddressPolicy {
  const hosts = listen.map((endpoint) => endpoint.host);
  const loopbackOnly = (): boolean =>
    (hosts.length > 0 && hosts.every(isLoopback)) || realAddresses(read()).length === 0;
  return {
    loopbackOnly,
    announces(address) {
      const host = hostOf(address);
      if (host === undefined || isUnspecified(host)) return false;
      if (isLoopback(host)) return loopbackOnly();
      return hosts.includes(host) || realAddresses(read()).includes(host);
    },
    accepts(address) {
      const host = hostOf(address);
      if (host === undefined || isUnspecified(host)) return false;
      if (isLoopback(host) || loopbackOnly()) return isLoopback(host) && loopbackOnly();
      return !inVirtualNetwork(host, read());
    },
    multicastInterfaces() {
      if (loopbackOnly()) return ['127.0.0.1'];
      return firstIPv4PerInterface(read()).filter(
        (host) => hosts.length === 0 || hosts.some(isUnspecified) || hosts.includes(host),
      );
    },
  };
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(host) === 0 || !(port <= 65_535)) {
    throw new StartupError({
      code: 'bad-address',
      what: `${text} is not an address to listen on`,
      why: 'it must be an IP address and a port, an IPv6 address in brackets',
      next: 'write it like 0.0.0.0:7400 or [::]:7400',
    });
  }
  return { host, port };
}

export function toMultiaddr({ host, port }: Endpoint): string {
  return `/${isIP(host) === 6 ? 'ip6' : 'ip4'}/${host}/tcp/${port}`;
}

/** A static peer: a multiaddr, or `HOST:PORT` where HOST may be a name. */
export function parsePeer(text: string): Multiaddr {
  try {
    if (text.startsWith('/')) return multiaddr(text);
    const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text);
    const host = match?.[1] ?? match?.[2] ?? '';
    const family = { 0: 'dns4', 4: 'ip4', 6: 'ip6' }[isIP(host)] ?? 'dns4';
    return multiaddr(`/${family}/${host}/tcp/${Number(match?.[3])}`);
  } catch (cause) {
    const parts = {
      code: 'bad-address',
      what: `${text} is not the address of a peer`,
      why: cause instanceof Error ? cause.message : String(cause),
      next: 'write it like 192.0.2.7:7400 or /ip4/192.0.2.7/tcp/7400',
    };
    throw new StartupError(parts, { cause });
  }
}

/** The IP host of a multiaddr, `undefined` if it names none (a name, a relay). */
export function hostOf(address: Multiaddr): string | undefined {
  const first = address.getComponents()[0];
  return first?.name === 'ip4' || first?.name === 'ip6' ? first.value : undefined;
}

export function portOf(address: Multiaddr): number | undefined {
  const tcp = address.getComponents().find((part) => part.name === 'tcp');
  return tcp?.value === undefined ? undefined : Number(tcp.value);
}

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function realAddresses(interfaces: Interfaces): readonly string[] {
  return realInterfaces(interfaces).flatMap((entries) =>
    entries.map((entry) => entry.address).filter((host) => !host.startsWith('fe80:')),
  );
}

function firstIPv4PerInterface(interfaces: Interfaces): readonly string[] {
  return realInterfaces(interfaces).flatMap((entries) => {
    const first = entries.find((entry) => entry.family === 'IPv4');
    return first === undefined ? [] : [first.address];
  });
}

function realInterfaces(interfaces: Interfaces): readonly (readonly NetworkInterfaceInfo[])[] {
  return Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL_INTERFACE.test(name))
    .map(([, entries]) => (entries ?? []).filter((entry) => !entry.internal));
}

/** Such an address would be routed to our own bridge, whoever it was meant for. */
function inVirtualNetwork(host: string, interfaces: Interfaces): boolean {
  if (isIP(host) !== 4) return false;
  return Object.entries(interfaces)
    .filter(([name]) => VIRTUAL_INTERFACE.test(name))
    .flatMap(([, entries]) => entries ?? [])
    .some((entry) => entry.family === 'IPv4' && sameNetwork(host, entry));
}

function sameNetwork(host: string, entry: NetworkInterfaceInfo): boolean {
  const mask = toInteger(entry.netmask);
  return (toInteger(host) & mask) === (toInteger(entry.address) & mask);
}

function toInteger(ip4: string): number {
  return ip4.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}
