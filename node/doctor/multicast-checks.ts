/**
 * Can new hosts be found here: is what is sent on each interface given back, and who of the members on
 * the same network hears whom. Where static peers are named nobody depends on it, and it is a warning.
 */
import { nameIn, toldIn } from './agent-checks.ts';
import { isLoopback, parseEndpoint } from '../network/addresses.ts';
import { type Check, letIn, not, ok, untold } from './check.ts';
import type { ClusterFacts, Examined, InterfaceFacts, Row } from './facts.ts';
import { shown } from './shown.ts';

export function checkMulticast(examined: Examined): readonly Check[] {
  const { host } = examined;
  const { mdns, interfaces } = host;
  if (!mdns) return [ok('multicast', 'switched off: hosts are found by --peer alone')];
  if (interfaces.length === 0)
    return [not('fail', 'multicast', 'no network interface has an IPv4 address', 'ip addr')];
  const isMeant = host.ports.every(({ endpoint }) => isLoopback(parseEndpoint(endpoint).host));
  if (!isMeant && interfaces.every(({ address }) => isLoopback(address)))
    return [
      not(
        'fail',
        'multicast',
        'no interface but loopback has an address: this host is cut off',
        'ip link      and sudo ip link set NAME up',
      ),
    ];
  return interfaces.flatMap((link) =>
    link.multicast === 'works'
      ? heardOn(link, examined)
      : [not(severity(examined), 'multicast', ...deaf(link, examined))],
  );
}

const severity = ({ host }: Examined): 'warn' | 'fail' => (host.peers.length > 0 ? 'warn' : 'fail');

const label = ({ name, address }: InterfaceFacts): string => `${name} ${address}`;

function deaf(link: InterfaceFacts, { firewall }: Examined): readonly [string, string] {
  const { name, why } = link;
  if (why === undefined)
    return [
      `${label(link)}: what is sent does not come back: dropped on its way in`,
      letIn(firewall, '5353/udp'),
    ];
  const found = `${label(link)}: nothing can be sent (${why})`;
  if (why.includes('EADDRINUSE')) return [found, "sudo ss -lunp 'sport = :5353'"];
  if (/ENETUNREACH|EHOSTUNREACH/.test(why))
    return [found, `sudo ip route add 224.0.0.0/4 dev ${name}`];
  if (/EPERM|EACCES/.test(why))
    return [found, 'sudo iptables -I OUTPUT -p udp --dport 5353 -j ACCEPT'];
  return [found, `ip addr show ${name}`];
}

function heardOn(link: InterfaceFacts, examined: Examined): readonly Check[] {
  const { agent, cluster, firewall } = examined;
  const own = `${label(link)}: what is sent comes back`;
  if (cluster === undefined)
    return agent.kind === 'answers'
      ? [ok('multicast', own)]
      : [ok('multicast', own), untold('multicast', `${label(link)}: who of the others is heard`)];
  const { both, onlyIn, onlyOut, neither } = hearing(link, cluster);
  const open = letIn(firewall, '5353/udp');
  const told = (names: readonly string[], found: string, fix: string): readonly Check[] =>
    names.length === 0
      ? []
      : [not(severity(examined), 'multicast', `${label(link)}: ${found}`, fix)];
  const there = (names: readonly string[]): string => `${open}      on ${shown(names)}`;
  const checks = [
    ...told(
      onlyOut,
      `one-way: ${shown(onlyOut)} ${hear(onlyOut)} this host, which hears nothing from there`,
      open,
    ),
    ...told(
      onlyIn,
      `one-way: this host hears ${shown(onlyIn)}, and is not heard there`,
      there(onlyIn),
    ),
    ...told(
      neither,
      `${shown(neither)} and this host do not hear each other`,
      `${open}      on both sides, and see whether the switch lets multicast through`,
    ),
  ];
  if (checks.length > 0) return checks;
  const others =
    both.length === 0 ? '' : `; ${shown(both)} ${hear(both)} this host, and the other way round`;
  return [ok('multicast', `${own}${others}`)];
}

const hear = (names: readonly string[]): string => (names.length === 1 ? 'hears' : 'hear');

type Hearing = Readonly<Record<'both' | 'onlyIn' | 'onlyOut' | 'neither', readonly string[]>>;

/** Of the members that told, announce themselves, and have an address in the network of this interface. */
function hearing({ address, netmask }: InterfaceFacts, cluster: ClusterFacts): Hearing {
  const found = {
    both: [] as string[],
    onlyIn: [] as string[],
    onlyOut: [] as string[],
    neither: [] as string[],
  };
  const isHere = (other: string): boolean => inNetwork(other, address, netmask);
  const told = toldIn(cluster);
  const self = told.find(({ host }) => host === cluster.self);
  for (const row of told) {
    if (row === self || !row.report.mdns || !row.report.addresses.some(isHere)) continue;
    const isHeard = self !== undefined && heardLately(self, row.host, isHere);
    const hears = heardLately(row, cluster.self, (from) => from === address);
    const kind = isHeard ? (hears ? 'both' : 'onlyIn') : hears ? 'onlyOut' : 'neither';
    found[kind].push(nameIn(cluster, row.host));
  }
  return found;
}

/** Whether the host of this row has heard `other` since everybody was asked to announce itself. */
function heardLately(
  { report, heardMs }: Extract<Row, { readonly kind: 'told' }>,
  other: string,
  isMeant: (address: string) => boolean,
): boolean {
  return report.heard.some(
    ({ host, address, agoMs }) => host === other && agoMs <= heardMs && isMeant(address),
  );
}

function inNetwork(address: string, own: string, netmask: string): boolean {
  const mask = toInteger(netmask);
  const [here, there] = [toInteger(own), toInteger(address)];
  return (
    there !== undefined &&
    here !== undefined &&
    mask !== undefined &&
    (here & mask) === (there & mask)
  );
}

function toInteger(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  return parts.length === 4 ? parts.reduce((sum, part) => (sum << 8) | part, 0) : undefined;
}
