import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { decode, encode, type Packet } from 'dns-packet';
import { afterEach, describe, expect, test } from 'vitest';
import { type MulticastState, serviceTypeOf } from '../../../node/network/discovery.ts';
import type { NetworkInit } from '../../../node/network/network.ts';
import { type Heard, isConnected, startNetwork, until, WRONG_SECRET } from './harness.ts';

const GROUP = '224.0.0.251';
const open: Heard[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});
async function start(init: Partial<NetworkInit>): Promise<Heard> {
  const heard = await startNetwork({ mdns: true, ...init });
  open.push(heard);
  return heard;
}
/** Everything that is said on the group, as any other program on the link would hear it. */
async function eavesdrop(
  port: number,
): Promise<{ packets: Packet[]; ask: (name: string) => void }> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  sockets.push(socket);
  const packets: Packet[] = [];
  socket.on('message', (message) => packets.push(decode(message)));
  await new Promise<void>((resolve) => socket.bind(port, '0.0.0.0', resolve));
  socket.addMembership(GROUP, '127.0.0.1');
  socket.setMulticastInterface('127.0.0.1');
  const ask = (name: string): void =>
    socket.send(encode({ type: 'query', questions: [{ name, type: 'PTR' }] }), port, GROUP);
  return { packets, ask };
}
function answersTo(packets: readonly Packet[], name: string) {
  return packets
    .filter((packet) => packet.type === 'response')
    .flatMap((packet) => packet.answers ?? [])
    .filter((answer) => answer.name.endsWith(name));
}

test.each([
  ['0123456789abcdef0123', '_mr-0123456789._udp.local'],
  ['short', '_mr-short._udp.local'],
])('the service type of cluster %s is %s', (cluster, expected) => {
  const serviceType = serviceTypeOf(cluster);
  expect(serviceType).toBe(expected);
  const label = serviceType.split('.')[0] ?? '';
  expect(label.slice(1)).toMatch(/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/);
});

describe('on the loopback interface', () => {
  test('three agents that know nothing of each other connect', async () => {
    const states: MulticastState[] = [];
    const onMulticast = (state: MulticastState): void => void states.push(state);
    const all = [
      await start({ clusterId: 'threeagents', onMulticast }),
      await start({ clusterId: 'threeagents', onMulticast }),
      await start({ clusterId: 'threeagents', onMulticast }),
    ];
    await until(
      () => all.every((a) => all.every((b) => a === b || isConnected(a, b))),
      'each is connected to both others',
    );
    expect(states.map(({ kind }) => kind)).toEqual(['works', 'works', 'works']);
  });

  test('agents of two clusters do not meet, nor does one that lacks the secret', async () => {
    const first = await start({ clusterId: 'onecluster' });
    const other = await start({ clusterId: 'twocluster' });
    const intruder = await start({ clusterId: 'onecluster', secret: WRONG_SECRET });
    const second = await start({ clusterId: 'onecluster' });
    await until(() => isConnected(first, second), 'the two of one cluster connect');
    await until(() => intruder.network.counters().dialsFailed > 0, 'the intruder tries');
    expect(first.network.peers()).toHaveLength(1);
    expect([other.network.counters().dials, other.network.peers()]).toEqual([0, []]);
    expect(intruder.network.peers()).toEqual([]);
  });

  test('announced are a PTR and TXT records with our addresses, nothing else', async () => {
    const port = 53_530;
    const { packets, ask } = await eavesdrop(port);
    const { network } = await start({ clusterId: 'announcement', mdnsPort: port });
    const type = '_mr-announceme._udp.local';
    expect(network.serviceType).toBe(type);
    await until(() => {
      ask(type);
      return answersTo(packets, type).length > 0;
    }, 'an answer');
    const instance = `${network.selfId}.${type}`;
    const [ptr, ...others] = answersTo(packets.slice(-1), type);
    expect(ptr).toMatchObject({ type: 'PTR', name: type, data: instance, ttl: 120 });
    const texts = others.map((answer) => {
      expect(answer).toMatchObject({ type: 'TXT', name: instance });
      return answer.type === 'TXT' ? String(answer.data) : '';
    });
    expect(texts).toEqual(network.addresses().map((address) => `dnsaddr=${address}`));
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^dnsaddr=\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3Koo/);
  });
});

test('an agent on all interfaces announces neither loopback nor bridges', async () => {
  const { network } = await start({ listen: ['0.0.0.0:0'], mdnsPort: 53_531 });
  const bridges = Object.entries(networkInterfaces())
    .filter(([name]) => /^(lo|docker|br-|veth|virbr)/.test(name))
    .flatMap(([, entries]) => (entries ?? []).map(({ address }) => address));
  const hosts = network.addresses().map((address) => address.split('/')[2] ?? '');
  const real = hosts.filter((host) => !host.startsWith('127.'));
  // A machine with nothing but loopback announces that; the table in addresses.test.ts shows both.
  expect(real.length > 0 ? hosts.filter((host) => bridges.includes(host)) : []).toEqual([]);
  expect(hosts.length).toBeGreaterThan(0);
});

test('where multicast cannot work the caller is told, with the reason', async () => {
  const port = 53_532;
  const taken = createSocket({ type: 'udp4', reuseAddr: false });
  sockets.push(taken);
  await new Promise<void>((resolve) => taken.bind(port, '0.0.0.0', resolve));
  const states: MulticastState[] = [];
  await start({ mdnsPort: port, onMulticast: (state) => states.push(state) });
  await until(() => states.length > 0, 'the caller is told');
  expect(states).toEqual([{ kind: 'fails', why: expect.stringContaining('EADDRINUSE') }]);
});
