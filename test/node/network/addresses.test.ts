import type { NetworkInterfaceInfo } from 'node:os';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, test } from 'vitest';
import {
  createAddressPolicy,
  createInterfaceReader,
  type Interfaces,
  parseEndpoint,
  parsePeer,
  reachableAt,
  toMultiaddr,
} from '../../../node/network/addresses.ts';

function ip4(address: string, netmask = '255.255.255.0', internal = false): NetworkInterfaceInfo {
  return { family: 'IPv4', address, netmask, internal, mac: '', cidr: null };
}
function ip6(address: string): NetworkInterfaceInfo {
  return { family: 'IPv6', address, netmask: '', internal: false, mac: '', cidr: null, scopeid: 0 };
}
const lo = [ip4('127.0.0.1', '255.0.0.0', true)];
const bridge = [ip4('172.17.0.1', '255.255.0.0')];
const HOST: Interfaces = {
  lo,
  eth0: [ip4('192.0.2.2'), ip6('fd00::2'), ip6('fe80::1')],
  wg0: [ip4('10.8.0.2')],
  docker0: bridge,
  'br-0a1b2c3d4e5f': [ip4('172.18.0.1', '255.255.0.0')],
  veth12ab: [ip4('169.254.9.9', '255.255.0.0')],
  virbr0: [ip4('192.168.122.1')],
};
const EVERYWHERE = ['0.0.0.0:7400', '[::]:7400'];
const at = (host: string) => multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/7400`);
const policyOf = (listen: readonly string[], interfaces: Interfaces) =>
  createAddressPolicy(listen.map(parseEndpoint), () => interfaces);

describe('announced', () => {
  test.each<[string, readonly string[], Interfaces, string, boolean]>([
    ['a LAN address', EVERYWHERE, HOST, '192.0.2.2', true],
    ['an IPv6 address', EVERYWHERE, HOST, 'fd00::2', true],
    ['a tunnel', EVERYWHERE, HOST, '10.8.0.2', true],
    ['not an IPv6 address of one link', EVERYWHERE, HOST, 'fe80::1', false],
    ['not the bridge of Docker', EVERYWHERE, HOST, '172.17.0.1', false],
    ['not the bridge of a Docker network', EVERYWHERE, HOST, '172.18.0.1', false],
    ['not one end of a veth pair', EVERYWHERE, HOST, '169.254.9.9', false],
    ['not the bridge of libvirt', EVERYWHERE, HOST, '192.168.122.1', false],
    ['not loopback beside a LAN', EVERYWHERE, HOST, '127.0.0.1', false],
    ['not the unspecified address', EVERYWHERE, HOST, '0.0.0.0', false],
    ['not an address that is not ours', EVERYWHERE, HOST, '192.0.2.3', false],
    [
      'loopback where there is nothing else',
      EVERYWHERE,
      { lo, docker0: bridge },
      '127.0.0.1',
      true,
    ],
    ['loopback if we listen there alone', ['127.0.1.1:7400'], HOST, '127.0.1.1', true],
    ['a bridge whose address we listen on by name', ['172.17.0.1:7400'], HOST, '172.17.0.1', true],
    [
      "a router's LAN bridge",
      EVERYWHERE,
      { lo, 'br-lan': [ip4('192.168.1.1')] },
      '192.168.1.1',
      true,
    ],
  ])('%s', (_, listen, interfaces, host, expected) => {
    expect(policyOf(listen, interfaces).announces(at(host))).toBe(expected);
  });
});

describe('believed of others', () => {
  test.each<[string, readonly string[], Interfaces, string, boolean]>([
    ['a LAN address', EVERYWHERE, HOST, '192.0.2.77', true],
    ['an address beyond a router', EVERYWHERE, HOST, '198.51.100.7', true],
    ['an IPv6 address', EVERYWHERE, HOST, 'fd00::77', true],
    ['not loopback: that would be ourselves', EVERYWHERE, HOST, '127.0.0.1', false],
    ['not what our own bridge would swallow', EVERYWHERE, HOST, '172.17.0.1', false],
    ['nor another address behind it', EVERYWHERE, HOST, '172.17.200.3', false],
    ['the same beyond its netmask', EVERYWHERE, HOST, '172.19.0.1', true],
    ['loopback if we listen there alone', ['127.0.0.1:7400'], HOST, '127.0.0.3', true],
    ['nothing but loopback then', ['127.0.0.1:7400'], HOST, '192.0.2.77', false],
    ['guests of a bridge we listen on by name', ['172.17.0.1:7400'], HOST, '172.17.0.9', true],
  ])('%s', (_, listen, interfaces, host, expected) => {
    expect(policyOf(listen, interfaces).accepts(at(host))).toBe(expected);
  });

  test('not a name, whose address we cannot judge', () => {
    expect(policyOf(EVERYWHERE, HOST).accepts(multiaddr('/dns4/h2.lan/tcp/7400'))).toBe(false);
  });
});

test.each<[string, readonly string[], Interfaces, readonly string[]]>([
  ['each real interface', EVERYWHERE, HOST, ['192.0.2.2', '10.8.0.2']],
  ['the one we listen on', ['10.8.0.2:7400'], HOST, ['10.8.0.2']],
  ['loopback, listening there', ['127.0.0.1:7400'], HOST, ['127.0.0.1']],
  ['loopback where there is nothing else', EVERYWHERE, { lo }, ['127.0.0.1']],
  ['none for IPv6 alone', EVERYWHERE, { lo, eth0: [ip6('fd00::2')] }, []],
])('multicast goes to %s', (_, listen, interfaces, expected) => {
  expect(policyOf(listen, interfaces).multicastInterfaces()).toEqual(expected);
});

test('interfaces that come and go are seen', () => {
  let interfaces: Interfaces = { lo };
  const policy = createAddressPolicy([parseEndpoint('0.0.0.0:1')], () => interfaces);
  expect(policy.multicastInterfaces()).toEqual(['127.0.0.1']);
  interfaces = HOST;
  expect(policy.multicastInterfaces()).toEqual(['192.0.2.2', '10.8.0.2']);
});

test.each([
  ['at once', 0.1, 1_000],
  ['after a wait of 100 ms', 100, 10_000],
])(
  'an answer of the kernel that comes %s is kept, its time a hundredth at most',
  (_, tookMs, keptMs) => {
    let now = 0;
    let asked = 0;
    const read = createInterfaceReader(
      () => {
        asked += 1;
        now += tookMs;
        return { [`eth${asked}`]: [ip4('192.0.2.2')] };
      },
      () => now,
    );
    const first = read();
    now = keptMs - 1;
    expect(read()).toBe(first);
    now = keptMs;
    expect(Object.keys(read())).toEqual(['eth2']);
  },
);

describe('addresses as users write them', () => {
  test.each([
    ['0.0.0.0:7400', '/ip4/0.0.0.0/tcp/7400'],
    ['[::]:7400', '/ip6/::/tcp/7400'],
  ])('listen on %s', (text, expected) => {
    expect(toMultiaddr(parseEndpoint(text))).toBe(expected);
  });
  test.each(['7400', 'localhost:7400', '1.2.3.4:70000', '1.2.3.4', '::1:7400', ''])(
    'not listen on %j',
    (text) => {
      expect(() => parseEndpoint(text)).toThrow(/next {2}write it like/);
    },
  );
  test.each([
    ['192.0.2.7:7400', '/ip4/192.0.2.7/tcp/7400'],
    ['[fd00::7]:7400', '/ip6/fd00::7/tcp/7400'],
    ['h2.lan:7400', '/dns4/h2.lan/tcp/7400'],
    ['/ip4/192.0.2.7/tcp/7400', '/ip4/192.0.2.7/tcp/7400'],
  ])('the peer %s', (text, expected) => {
    expect(parsePeer(text).toString()).toBe(expected);
  });
  test.each(['h2', '/ip4/1.2.3.4.5/tcp/1', 'h2:x', ''])('not the peer %j', (text) => {
    expect(() => parsePeer(text)).toThrow(/next {2}write it like/);
  });
});

test.each<[string, string, readonly string[], Interfaces, string | undefined]>([
  ['the address that was set', '198.51.100.7', EVERYWHERE, HOST, '198.51.100.7'],
  ['the loopback address that was set', '127.0.1.2', EVERYWHERE, HOST, '127.0.1.2'],
  ['the first of a LAN', '0.0.0.0', EVERYWHERE, HOST, '192.0.2.2'],
  ['for all of IPv6 too', '::', EVERYWHERE, HOST, '192.0.2.2'],
  ['the one that the agent listens on', '0.0.0.0', ['10.8.0.2:7400'], HOST, '10.8.0.2'],
  [
    'an IPv6 one where there is no other',
    '0.0.0.0',
    EVERYWHERE,
    { lo, eth0: [ip6('fd00::2')] },
    'fd00::2',
  ],
  [
    'no bridge',
    '0.0.0.0',
    EVERYWHERE,
    { lo, docker0: bridge, eth0: [ip4('192.0.2.2')] },
    '192.0.2.2',
  ],
  ['nothing where there is no LAN', '0.0.0.0', EVERYWHERE, { lo, docker0: bridge }, undefined],
  ['nothing where the agent keeps to itself', '0.0.0.0', ['127.0.1.1:7400'], HOST, undefined],
])('others reach what is published at: %s', (_, published, listen, interfaces, expected) => {
  expect(reachableAt(published, listen.map(parseEndpoint), interfaces)).toBe(expected);
});
