/** What is looked at, against real sockets, folders and ports. */
import { chmodSync, mkdtempSync, rmSync, readdirSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, test } from 'vitest';
import { askDocker } from '../../../node/doctor/docker-socket.ts';
import { examinePort } from '../../../node/doctor/listening-port.ts';
import { droppingIn } from '../../../node/doctor/machine.ts';
import { examineMulticast } from '../../../node/doctor/multicast-loop.ts';
import { examineState } from '../../../node/doctor/state-folder.ts';
import { createHearing } from '../../../node/network/hearing.ts';

const folder = mkdtempSync(join(tmpdir(), 'mr-doctor-'));
const socket = join(folder, 'docker.sock');
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

async function serve(answer: RequestListener): Promise<void> {
  const server = createHttpServer({ keepAlive: false }, answer);
  servers.push(server);
  server.listen(socket);
  await once(server, 'listening');
}

const docker =
  (api: string, info: object): RequestListener =>
  ({ url }, response) => {
    response.setHeader('api-version', api);
    response.setHeader('connection', 'close');
    response.end(url === '/info' ? JSON.stringify(info) : 'OK');
  };

test.each([
  [
    'a Docker Engine',
    docker('1.48', { CgroupDriver: 'systemd', CgroupVersion: '2' }),
    { kind: 'answers', api: '1.48', tooOld: false, driver: 'systemd' },
  ],
  [
    'an old one',
    docker('1.24', { CgroupDriver: 'cgroupfs' }),
    { kind: 'answers', api: '1.24', tooOld: true, driver: 'cgroupfs' },
  ],
  [
    'a rootless one',
    docker('1.48', { CgroupDriver: 'none', SecurityOptions: ['name=rootless'] }),
    { kind: 'answers', unguardable: expect.stringContaining('rootless') },
  ],
  [
    'another program',
    (_: unknown, response: ServerResponse) =>
      response.setHeader('connection', 'close').end('hello'),
    { kind: 'stranger' },
  ],
])('%s answers on the socket', async (_, answer, expected) => {
  await serve(answer);
  expect(await askDocker(socket)).toMatchObject(expected);
});

it('tells an engine that does not answer from one that is not there', async () => {
  expect(await askDocker(socket)).toEqual({ kind: 'missing' });
  const silent = createServer((connection) => connection.on('error', () => undefined).resume());
  servers.push(silent);
  silent.listen(socket);
  await once(silent, 'listening');
  expect(await askDocker(socket, 200)).toEqual({ kind: 'silent' });
});

it('finds a port free, taken with its holder, and not of this host', async () => {
  const server = createServer();
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on a port');
  const endpoint = `127.0.0.1:${address.port}`;
  const taken = await examinePort(endpoint);
  expect(taken).toMatchObject({
    state: 'taken',
    holder: expect.stringMatching(`^${process.pid} `),
  });
  expect((await examinePort(endpoint, process.pid)).state).toBe('ours');
  expect((await examinePort('127.0.0.1:0')).state).toBe('free');
  expect(await examinePort('192.0.2.199:1')).toMatchObject({ state: 'failed' });
});

it('measures a state folder and leaves nothing there', async () => {
  chmodSync(folder, 0o750);
  const facts = await examineState(folder);
  expect(facts).toMatchObject({ path: folder, writable: true, file: { mode: 0o750 } });
  expect(facts.fsyncMs).toBeGreaterThan(0);
  expect(facts.freeBytes).toBeGreaterThan(0);
  expect(readdirSync(folder)).toEqual([]);
  expect(await examineState(join(folder, 'none'))).toEqual({
    path: join(folder, 'none'),
    writable: false,
  });
});

it('hears its own question on loopback, and says why where it cannot', async () => {
  expect(await examineMulticast(['127.0.0.1:7946'], 53_540)).toEqual([
    { name: 'lo', netmask: '255.0.0.0', address: '127.0.0.1', multicast: 'works' },
  ]);
  const taken = createSocket({ type: 'udp4', reuseAddr: false });
  await new Promise<void>((resolve) => taken.bind(53_541, '0.0.0.0', resolve));
  const [refused] = await examineMulticast(['127.0.0.1:7946'], 53_541);
  taken.close();
  expect(refused).toMatchObject({
    multicast: 'failed',
    why: expect.stringContaining('EADDRINUSE'),
  });
});

it('counts rules that drop, the policy among them', () => {
  const rules = [
    '-P INPUT DROP',
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -p udp -m udp --dport 5353 -j DROP',
    '-A INPUT -j REJECT --reject-with icmp-host-prohibited',
    '-A INPUT -j ufw-before-input',
  ];
  expect(droppingIn(rules.join('\n'))).toBe(3);
  expect(droppingIn('-P INPUT ACCEPT\n')).toBe(0);
});

it('remembers who was heard, from where, and forgets whom it heard longest ago', () => {
  let now = 0;
  const hearing = createHearing('_mr-x._udp.local', 2, () => now);
  const say = (peerId: string, address: string, type = '_mr-x._udp.local'): void =>
    hearing.note({ answers: [{ type: 'PTR', name: type, data: `${peerId}.${type}` }] }, address);
  say('one', '10.0.0.1');
  now = 10;
  say('two', '10.0.0.2');
  say('other', '10.0.0.9', '_mr-y._udp.local');
  now = 20;
  say('one', '10.0.0.1');
  expect(hearing.heard()).toEqual([
    { peerId: 'two', address: '10.0.0.2', agoMs: 10 },
    { peerId: 'one', address: '10.0.0.1', agoMs: 0 },
  ]);
  say('three', '10.0.0.3');
  expect(hearing.heard().map(({ peerId }) => peerId)).toEqual(['one', 'three']);
});
