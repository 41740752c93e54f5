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

/**
 * Made by container engines and hypervisors for their guests. Tunnels (tun, wg) are real, and so is
 * `br-lan`, the bridge of a router. Whoever listens on the address of one by name means it.
 */
const VIRTUAL_INTERFACE =
  /^(docker|br-(?!lan$)|veth|virbr|vnet|vmnet|vboxnet|cni|cali|cilium|flannel|kube|lxc|lxdbr|podman|nerdctl)/;

export type Endpoint = { readonly host: string; readonly port: number };

/** Our side of both filters. The interfaces are read again and again: they change. */
export type AddressPolicy = {
  /** We listen nowhere else, or there is nothing else: then only loopback addresses count. */
  readonly loopbackOnly: () => boolean;
  readonly announces: (address: Multiaddr) => boolean;
  readonly accepts: (address: Multiaddr) => boolean;
  /** One IPv4 address of each interface on which to announce. */
  readonly multicastInterfaces: () => readonly string[];
};

/** Asking the kernel costs much more than all that is done with the answer. */
const READ_EVERY_MS = 1_000;
/** Of all time: while containers come and go the kernel lets whoever asks wait, for a tenth of a second each. */
const READ_SHARE_MAX = 0.01;

/** Reads again at most once a second, and the later the longer it took. */
export function createInterfaceReader(
  read: () => Interfaces = networkInterfaces,
  nowMs: () => number = () => performance.now(),
): () => Interfaces {
  let interfaces: Interfaces = {};
  let nextAt = -Infinity;
  return () => {
    const from = nowMs();
    if (from >= nextAt) {
      interfaces = read();
      const tookMs = nowMs() - from;
      nextAt = from + Math.max(READ_EVERY_MS, tookMs / READ_SHARE_MAX);
    }
    return interfaces;
  };
}

export function createAddressPolicy(
  listen: readonly Endpoint[],
  read: () => Interfaces = createInterfaceReader(),
): AddressPolicy {
  const hosts = listen.map((endpoint) => endpoint.host);
  const everywhere = hosts.length === 0 || hosts.some(isUnspecified);
  const links = (): Links => sortLinks(read(), hosts);
  const isOnlyLoopback = ({ real }: Links): boolean =>
    (hosts.length > 0 && hosts.every(isLoopback)) || real.length === 0;
  return {
    loopbackOnly: () => isOnlyLoopback(links()),
    announces(address) {
      const host = hostOf(address);
      if (host === undefined || isUnspecified(host)) return false;
      const current = links();
      if (isLoopback(host)) return isOnlyLoopback(current);
      return current.real.some((link) => link.some((entry) => entry.address === host));
    },
    accepts(address) {
      const host = hostOf(address);
      if (host === undefined || isUnspecified(host)) return false;
      const current = links();
      if (isOnlyLoopback(current)) return isLoopback(host);
      if (isLoopback(host)) return false;
      return !current.virtual.some((link) => link.some((entry) => isInNetwork(host, entry)));
    },
    multicastInterfaces() {
      const current = links();
      if (isOnlyLoopback(current)) return ['127.0.0.1'];
      return current.real.flatMap((link) => {
        const usable = link.filter(
          (entry) => entry.family === 'IPv4' && (everywhere || hosts.includes(entry.address)),
        );
        return usable.slice(0, 1).map((entry) => entry.address);
      });
    },
  };
}

type Link = readonly NetworkInterfaceInfo[];
/** Interfaces other than loopback. An address in the network of a virtual one leads to our own guests. */
type Links = { readonly real: readonly Link[]; readonly virtual: readonly Link[] };

function sortLinks(interfaces: Interfaces, named: readonly string[]): Links {
  const real: Link[] = [];
  const virtual: Link[] = [];
  for (const [name, entries] of Object.entries(interfaces)) {
    const link = (entries ?? []).filter((entry) => !entry.internal && !isLinkLocal(entry.address));
    if (link.length === 0) continue;
    const isMeant = link.some((entry) => named.includes(entry.address));
    (VIRTUAL_INTERFACE.test(name) && !isMeant ? virtual : real).push(link);
  }
  return { real, virtual };
}

/**
 * Where others reach what this host publishes at this address: there, or where that is every address, at the
 * first that its network announces, an IPv4 one before others. Undefined: it announces none but the loopback.
 */
export function reachableAt(
  published: string,
  listen: readonly Endpoint[],
  interfaces: Interfaces = networkInterfaces(),
): string | undefined {
  if (!isUnspecified(published)) return published;
  const hosts = listen.map((endpoint) => endpoint.host);
  if (hosts.length > 0 && hosts.every(isLoopback)) return undefined;
  const isEverywhere = hosts.length === 0 || hosts.some(isUnspecified);
  const announced = sortLinks(interfaces, hosts)
    .real.flat()
    .filter(({ address }) => isEverywhere || hosts.includes(address));
  return (announced.find(({ family }) => family === 'IPv4') ?? announced[0])?.address;
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
      next: 'write it like 0.0.0.0:7946 or [::]:7946',
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
      next: 'write it like 192.0.2.7:7946 or /ip4/192.0.2.7/tcp/7946',
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

/** Means nothing without the name of an interface, which a multiaddr does not carry. */
function isLinkLocal(host: string): boolean {
  return host.startsWith('fe80:');
}

function isInNetwork(host: string, entry: NetworkInterfaceInfo): boolean {
  if (isIP(host) !== 4 || entry.family !== 'IPv4') return false;
  const mask = toInteger(entry.netmask);
  return (toInteger(host) & mask) === (toInteger(entry.address) & mask);
}

function toInteger(ip4: string): number {
  return ip4.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}
