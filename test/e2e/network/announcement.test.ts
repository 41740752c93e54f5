/** What a real agent's process says by multicast, as any other program on the link hears it. */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { decode, encode, type Packet } from 'dns-packet';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { threeAgents } from '../agents/cluster.ts';
import { loneAgent } from '../input/agentd.ts';

const GROUP = '224.0.0.251';
const MDNS_PORT = 5353;
const HEAR_MS = 20_000;
const CALL_MS = 15_000;

/** Asks on this interface for a service, and keeps every answer that names it. */
async function eavesdrop(address: string, serviceType: string) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  onTestFinished(() => void socket.close());
  const answers: Packet[] = [];
  socket.on('message', (message) => {
    const packet = decode(message);
    const about = (packet.answers ?? []).some(({ name }) => name === serviceType);
    if (packet.type === 'response' && about) answers.push(packet);
  });
  await new Promise<void>((resolve) => socket.bind(MDNS_PORT, '0.0.0.0', resolve));
  socket.addMembership(GROUP, address);
  socket.setMulticastInterface(address);
  const question = encode({ type: 'query', questions: [{ name: serviceType, type: 'PTR' }] });
  return { answers, ask: () => socket.send(question, MDNS_PORT, GROUP) };
}

/** An announcement as lines, whatever order its records came in. */
const linesOf = (packet: Packet | undefined): readonly string[] =>
  [...(packet?.answers ?? []), ...(packet?.additionals ?? [])].map((answer) => {
    const told = answer.type === 'PTR' || answer.type === 'TXT';
    return `${answer.type} ${answer.name} ${told ? String(answer.data) : '?'}`;
  });

test('each agent announces the type of its cluster, itself, and the address it listens on', async () => {
  const cluster = await threeAgents();
  const type = `_mr-${cluster.id}._udp.local`;
  const { answers, ask } = await eavesdrop('127.0.0.1', type);
  for (const { client, port } of cluster.agents) {
    const { host, members, service_type } = await client.cluster(AbortSignal.timeout(CALL_MS));
    const peerId = members.find(({ id }) => id === host)?.peer_id ?? '';
    expect(service_type).toBe(type);
    const announced = await until(`an announcement of ${peerId}`, HEAR_MS, async () => {
      ask();
      return answers.map(linesOf).find((lines) => lines.some((line) => line.includes(peerId)));
    });
    expect(announced).toEqual([
      `PTR ${type} ${peerId}.${type}`,
      `TXT ${peerId}.${type} dnsaddr=/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`,
    ]);
  }
});

test('an agent on all interfaces announces neither loopback nor bridges', async () => {
  const isVirtual = (name: string): boolean => /^(lo|docker|br-|veth|virbr)/.test(name);
  const real = Object.entries(networkInterfaces())
    .filter(([name]) => !isVirtual(name))
    .flatMap(([, entries]) => entries ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address);
  // A machine with nothing but loopback announces that.
  const expected = real.length > 0 ? real : ['127.0.0.1'];
  const lone = await loneAgent(['--listen', '0.0.0.0:0']);
  const { service_type } = await lone.client.clusterInit(AbortSignal.timeout(CALL_MS));
  const { answers, ask } = await eavesdrop(expected[0] ?? '', service_type);
  const announced = await until('an announcement', HEAR_MS, async () => {
    ask();
    return answers[0];
  });
  const addresses = linesOf(announced).flatMap(
    (line) => line.match(/dnsaddr=\/ip4\/([\d.]+)/)?.[1] ?? [],
  );
  expect(addresses.length).toBeGreaterThan(0);
  for (const address of addresses) expect(expected).toContain(address);
});
