/** The network: ports, multicast both ways, who reaches whom, and what a firewall may have to do with it. */
import { describe, expect, it, test } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import type { Examined, HostFacts, InterfaceFacts, PortFacts } from '../../../node/doctor/facts.ts';
import {
  ALONE,
  cluster,
  HOST,
  report,
  rowsReaching,
  silent,
  told,
  WELL,
  without,
} from './examined.ts';
import { expectRow, lines, type Row } from './rows.ts';

const port = (facts: Partial<PortFacts>, agent: Examined['agent'] = WELL.agent): Examined => ({
  ...WELL,
  agent,
  host: { ...HOST, ports: [{ endpoint: '0.0.0.0:7946', state: 'ours', ...facts }] },
});
const NONE = { kind: 'none', code: 'TIMEOUT' } as const;
const PORTS: readonly Row[] = [
  ['is free', port({ state: 'free' }), 'ok', /is free/, /^$/],
  [
    'is taken',
    port({ state: 'taken', holder: '9 (nginx)' }),
    'fail',
    /9 \(nginx\)/,
    /ss -ltnp 'sport = :7946'/,
  ],
  ['is taken by whom an agent cannot see', port({ state: 'taken' }), 'fail', /may not see/, /ss/],
  [
    'is taken, perhaps by the agent that hangs',
    port({ state: 'taken' }, NONE),
    'unknown',
    /may not see/,
    /ss/,
  ],
  [
    'is not of this host',
    port({ state: 'failed', why: 'EADDRNOTAVAIL' }),
    'fail',
    /EADDRNOTAVAIL/,
    /ip addr/,
  ],
];
test.each(PORTS)('port: it %s', (...row) => expectRow('port', row));

const link = (changes: Partial<InterfaceFacts>, host: Partial<HostFacts> = {}): Examined => {
  const whole: InterfaceFacts = {
    name: 'eth0',
    address: '10.0.0.1',
    netmask: '255.255.0.0',
    multicast: 'works',
    ...changes,
  };
  return { ...WELL, host: { ...HOST, ...host, interfaces: [whole] } };
};
const LOOPBACK = { name: 'lo', address: '127.0.0.1', netmask: '255.0.0.0' };
const deafTo = (who: number): Examined => ({
  ...WELL,
  cluster: cluster(3, {
    0: told(3, 0, { heard: report(3, 0).heard.filter(({ host }) => host !== `id${who}`) }),
  }),
});
const unheardBy = (at: number): Examined => ({
  ...WELL,
  cluster: cluster(3, {
    [at]: told(3, at, { heard: report(3, at).heard.filter(({ host }) => host !== 'id1') }),
  }),
});
const OLD_NEWS = report(3, 1).heard.map((each) => ({ ...each, agoMs: 701 }));
const MULTICAST: readonly Row[] = [
  ['both ways', WELL, 'ok', /h2 h3 hear this host, and the other way round/, /^$/],
  [
    'switched off',
    { ...WELL, host: { ...HOST, mdns: false, interfaces: [] } },
    'ok',
    /switched off/,
    /^$/,
  ],
  [
    'no interface',
    { ...WELL, host: { ...HOST, interfaces: [] } },
    'fail',
    /no network interface/,
    /ip addr/,
  ],
  ['cut off', link(LOOPBACK), 'fail', /this host is cut off/, /ip link set/],
  [
    'meant for this machine alone',
    link(LOOPBACK, { ports: [{ endpoint: '127.0.0.1:7946', state: 'ours' }] }),
    'ok',
    /lo 127\.0\.0\.1: what is sent comes back/,
    /^$/,
  ],
  [
    'dropped on its way in',
    link({ multicast: 'silent' }),
    'fail',
    /on its way in/,
    /--dport 5353 -j ACCEPT/,
  ],
  [
    'dropped on its way out',
    link({ multicast: 'failed', why: 'send EPERM 224.0.0.251' }),
    'fail',
    /EPERM/,
    /-I OUTPUT -p udp --dport 5353/,
  ],
  [
    'no route',
    link({ multicast: 'failed', why: 'send ENETUNREACH' }),
    'fail',
    /ENETUNREACH/,
    /ip route add 224\.0\.0\.0\/4 dev eth0/,
  ],
  [
    'another program has the port',
    link({ multicast: 'failed', why: 'bind EADDRINUSE' }),
    'fail',
    /EADDRINUSE/,
    /ss -lunp 'sport = :5353'/,
  ],
  [
    'not needed where peers are named',
    link({ multicast: 'silent' }, { peers: ['h2:7946'] }),
    'warn',
    /on its way in/,
    /./,
  ],
  [
    'one-way in',
    deafTo(2),
    'fail',
    /one-way: h2 hears this host, which hears nothing/,
    /^sudo [^]*ACCEPT$/,
  ],
  [
    'one-way out',
    unheardBy(2),
    'fail',
    /one-way: this host hears h3, and is not heard/,
    / {6}on h3$/,
  ],
  [
    'heard before the question, not since',
    { ...WELL, cluster: cluster(3, { 1: told(3, 1, { heard: OLD_NEWS }) }) },
    'fail',
    /one-way: this host hears h2/,
    /./,
  ],
  [
    'of another network, where it does not reach',
    {
      ...WELL,
      cluster: cluster(2, {
        0: told(2, 0, { heard: [] }),
        1: told(2, 1, { heard: [], addresses: ['192.168.7.7'] }),
      }),
    },
    'ok',
    /what is sent comes back$/,
    /^$/,
  ],
  [
    'neither hears the other',
    {
      ...WELL,
      cluster: cluster(2, { 0: told(2, 0, { heard: [] }), 1: told(2, 1, { heard: [] }) }),
    },
    'fail',
    /h2 and this host do not hear each other/,
    /on both sides/,
  ],
  [
    'a member that does not announce itself',
    {
      ...WELL,
      cluster: cluster(2, { 0: told(2, 0, { heard: [] }), 1: told(2, 1, { mdns: false }) }),
    },
    'ok',
    /comes back$/,
    /^$/,
  ],
];
test.each(MULTICAST)('multicast: %s', (...row) => expectRow('multicast', row));

it('tells interfaces apart by the addresses that were heard', () => {
  const [eth0] = HOST.interfaces;
  if (eth0 === undefined) throw new Error('there is one');
  const eth1 = { ...eth0, name: 'eth1', address: '10.9.0.1' };
  const both = ['10.0.0.2', '10.9.0.2'];
  const [own, other] = [report(2, 0).heard, report(2, 1).heard];
  const viaSecond = { host: hostId('id2'), address: '10.9.0.2', agoMs: 100 };
  const examined: Examined = {
    ...WELL,
    host: { ...HOST, interfaces: [eth0, eth1] },
    cluster: cluster(2, {
      0: told(2, 0, { heard: [...own, viaSecond] }),
      1: told(2, 1, { addresses: both, heard: other }),
    }),
  };
  expect(lines(examined, 'multicast').map((line) => line.split(' | ', 1)[0])).toEqual([
    'ok eth0 10.0.0.1: what is sent comes back; h2 hears this host, and the other way round',
    'fail eth1 10.9.0.1: one-way: this host hears h2, and is not heard there',
  ]);
});

describe('reach', () => {
  const reach = (...of3: Parameters<typeof cluster>): readonly string[] =>
    lines({ ...WELL, cluster: cluster(...of3) }, 'reach');

  it('is well where each reaches each other, and where there is only one', () => {
    expect(reach(3)).toEqual([
      'ok each of 3 hosts reaches each other, the slowest connect took 1.0 ms | ',
    ]);
    expect(reach(1)).toEqual(['ok this host is alone in its cluster | ']);
  });

  it('tells a crashed agent from a lost host and from one that hangs', () => {
    const refused = {
      ...rowsReaching(3, { 0: { 2: 'refused' }, 1: { 2: 'refused' } }),
      2: silent(2),
    };
    expect(reach(3, refused)).toEqual([
      'fail h3 refuses connections: its machine runs, no agent does | sudo systemctl start agentd      on h3',
    ]);
    const lost = { ...rowsReaching(3, { 0: { 2: 'silent' }, 1: { 2: 'silent' } }), 2: silent(2) };
    expect(reach(3, lost)[0]).toMatch(/^fail h3 is reached by nobody/);
    expect(reach(3, { 2: silent(2) })).toEqual([
      'fail h3 takes connections, and its agent does not tell (no answer within 3.5 s) | sudo systemctl restart agentd      on h3; its instances run on',
    ]);
    const unknown = { 0: { 2: 'no-address' as const }, 1: { 2: 'no-address' as const } };
    expect(reach(3, { ...rowsReaching(3, unknown), 2: silent(2) })[0]).toMatch(
      /knows an address of h3/,
    );
  });

  it('names both ends of a pair that fails one way, and opens the door of the one that is shut', () => {
    expect(reach(3, rowsReaching(3, { 1: { 2: 'silent' } }))).toEqual([
      'fail h2 does not reach h3 (no answer) | sudo iptables -I INPUT -p tcp --dport 7946 -j ACCEPT      on h3',
    ]);
    expect(reach(3, rowsReaching(3, { 1: { 0: 'silent' }, 2: { 0: 'silent' } }))).toEqual([
      'fail h2 h3 do not reach h1 (no answer), though it tells through its own connections | sudo iptables -I INPUT -p tcp --dport 7946 -j ACCEPT',
    ]);
  });

  it('asks for no restart of a host that only this one cannot reach', () => {
    const [line, ...more] = reach(3, { ...rowsReaching(3, { 0: { 2: 'silent' } }), 2: silent(2) });
    expect(line).toMatch(/^fail h1 does not reach h3 \(no answer\) \|/);
    expect(more).toEqual([]);
  });

  it('blames nobody for an agent that a user has stopped', () => {
    const hosts = cluster(3).hosts.map((host) =>
      host.name === 'h3' ? { ...host, state: 'left' as const } : host,
    );
    const found = reach(3, { 2: silent(2) }, { hosts });
    expect(found.map((line) => line.split(' ', 1)[0])).toEqual(['warn', 'ok']);
  });

  it('says the worst of two hundred hosts, and that there is more', () => {
    const hosts = 200;
    const rows = Object.fromEntries(
      Array.from({ length: hosts - 1 }, (_, at) => [at + 1, silent(at + 1)] as const),
    );
    const found = reach(hosts, rows);
    expect(found).toHaveLength(11);
    expect(found.at(-1)).toMatch(/189 more hosts are in trouble/);
  });
});

const net = (
  services: readonly string[],
  dropping: number | undefined,
  isWell: boolean,
): Examined => ({
  ...(isWell ? WELL : deafTo(2)),
  firewall: dropping === undefined ? { services } : { services, dropping },
});
const FIREWALLS: readonly Row[] = [
  ['there is none', net([], 0, true), 'ok', /iptables drops nothing/, /^$/],
  ['who is not root sees no rules', net([], undefined, true), 'ok', /for root to see/, /^$/],
  [
    'one is active and harmless',
    net(['ufw'], undefined, true),
    'ok',
    /lets in what is needed/,
    /^$/,
  ],
  [
    'ufw may be the cause',
    net(['ufw'], undefined, false),
    'warn',
    /ufw is active, .*cause/,
    /ufw allow 7946\/tcp && sudo ufw allow 5353\/udp/,
  ],
  [
    'firewalld may be',
    net(['firewalld'], undefined, false),
    'warn',
    /firewalld/,
    /firewall-cmd --permanent --add-port=7946\/tcp/,
  ],
  [
    'rules may be',
    net([], 3, false),
    'warn',
    /iptables drops some/,
    /iptables -I INPUT -p tcp --dport 7946/,
  ],
  [
    'nobody can try it',
    { ...without('ENOENT'), firewall: { services: ['ufw'] } },
    'unknown',
    /must let TCP 7946/,
    /ufw/,
  ],
  [
    'there is nobody to try it',
    { ...ALONE, firewall: { services: ['ufw'] } },
    'unknown',
    /must let TCP 7946/,
    /ufw/,
  ],
];
test.each(FIREWALLS)('firewall: %s', (...row) => expectRow('firewall', row));
