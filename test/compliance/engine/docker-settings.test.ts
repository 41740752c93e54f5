/** What only containers have, on a real Docker Engine: networks, volumes of others, settings of users. */
import { once } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerSettings, Network } from '../../../protocol/component/container.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { networkLabels } from '../../../node/engine/docker/labels.ts';
import type { Engine } from '../../../node/engine/engine.ts';
import { findDockerSocket, makeImage, nodeSpec, plainDocker, workloads } from './docker-ground.ts';
import { expectRefusal, Ground, patience, PATIENCE_MS, requestFor, start } from './ground.ts';

const socketPath = await findDockerSocket();
const docker = plainDocker(socketPath ?? '');
let ground = new Ground((scope) => createDockerEngine(scope, { socketPath: socketPath ?? '' }));

const SLEEP = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6);';
const sleeper = (container?: ContainerSettings) =>
  nodeSpec(SLEEP, container === undefined ? {} : { container });

const bridge = (name: string, more: Partial<Network> = {}): Network => ({
  name,
  external: false,
  internal: false,
  ipv6: false,
  subnets: [],
  aliases: [],
  ...more,
});

const networkNames = async (): Promise<readonly string[]> =>
  (await docker.listNetworks()).map(({ Name }) => Name);

/** What a command in the container prints. */
async function said(id: string, script: string): Promise<string> {
  const exec = await docker
    .getContainer(id)
    .exec({ Cmd: ['node', '-e', script], AttachStdout: true, AttachStderr: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(stream, 'end');
  return text.trim();
}
const lookUp = (name: string): string =>
  `require('dns').lookup('${name}', (e, found) => console.log(e ? e.code : found))`;

const DOUBLE = { Name: 'shop_default', Labels: networkLabels('shop') };
const slot = (component: string) => ({ component, slot: 1, attempt: 1 });

describe.skipIf(socketPath === undefined)('Docker Engine', { timeout: 2 * PATIENCE_MS }, () => {
  beforeAll(() => makeImage(socketPath ?? ''), 120_000);
  beforeEach(() => {
    ground = new Ground((scope) => createDockerEngine(scope, { socketPath: socketPath ?? '' }));
  });
  afterEach(async () => {
    await ground[Symbol.asyncDispose]();
    for (const { Id } of await docker.listNetworks({ filters: { label: ['io.millrace.stack'] } }))
      await docker.getNetwork(Id).remove();
  }, 2 * PATIENCE_MS);

  it('lets components of a stack find each other by name, and those of another not', async () => {
    const engine = await ground.engine();
    const web = await start(engine, sleeper(), slot('shop.web'));
    const db = await start(engine, { ...sleeper(), name: 'db' }, slot('shop.db'));
    const other = await start(engine, { ...sleeper(), name: 'cache' }, slot('blog.cache'));
    expect(await said(web.id, lookUp('db'))).toMatch(/^172\.|^192\.168\.|^10\./);
    expect(await said(db.id, lookUp('web'))).toMatch(/^172\.|^192\.168\.|^10\./);
    expect(await said(other.id, lookUp('db'))).toMatch(/^E/);
  });

  it('joins every network that is named, under its aliases and addresses', async () => {
    const engine = await ground.engine();
    const front = bridge('shop_front', { aliases: ['www'] });
    const back = bridge('shop_back', {
      internal: true,
      subnets: [{ subnet: '10.211.0.0/24', gateway: '10.211.0.9' }],
      address: '10.211.0.7',
    });
    const web = await start(engine, sleeper({ networks: [front, back] }), slot('shop.web'));
    const peer = await start(
      engine,
      { ...sleeper({ networks: [bridge('shop_front')] }), name: 'peer' },
      slot('shop.peer'),
    );
    expect(await said(peer.id, lookUp('www'))).not.toMatch(/^E/);
    const { NetworkSettings } = await docker.getContainer(web.id).inspect();
    expect(NetworkSettings.Networks['shop_back']?.IPAddress).toBe('10.211.0.7');
    const { Internal, IPAM } = (await docker.getNetwork('shop_back').inspect()) as {
      Internal: boolean;
      IPAM: { Config: readonly { Gateway: string }[] };
    };
    expect([Internal, IPAM.Config[0]?.Gateway]).toEqual([true, '10.211.0.9']);
  });

  it('removes a network some lists after the last that was on it, and makes it again', async () => {
    const engine = await ground.engine();
    const { id } = await start(engine, sleeper(), slot('shop.web'));
    await engine.list(patience());
    await engine.list(patience());
    expect(await networkNames()).toContain('shop_default');
    await engine.remove(id, patience());
    await engine.list(patience());
    expect(await networkNames()).toContain('shop_default');
    await engine.list(patience());
    expect(await networkNames()).not.toContain('shop_default');
    await start(engine, sleeper(), { ...slot('shop.web'), attempt: 2 });
    expect(await networkNames()).toContain('shop_default');
  });

  it('counts anew what is unused once somebody has asked for it', async () => {
    const engine = await ground.engine();
    const first = await start(engine, sleeper(), slot('shop.web'));
    await engine.remove(first.id, patience());
    await engine.list(patience());
    const second = await start(engine, sleeper(), { ...slot('shop.web'), attempt: 2 });
    await engine.remove(second.id, patience());
    await engine.list(patience());
    expect(await networkNames()).toContain('shop_default');
    await engine.list(patience());
    expect(await networkNames()).not.toContain('shop_default');
  });

  it('starts again after somebody has removed its network', async () => {
    const engine = await ground.engine();
    const { id } = await start(engine, sleeper(), slot('shop.web'));
    await engine.remove(id, patience());
    await docker.getNetwork('shop_default').remove();
    const again = { ...slot('shop.web'), attempt: 2 };
    await expectRefusal(engine.start(requestFor(sleeper(), again), patience()), ['not-found']);
    await start(engine, sleeper(), again);
  });

  it('starts on the older one of two networks of one name, and removes the other', async () => {
    const older = await docker.createNetwork(DOUBLE);
    await docker.createNetwork(DOUBLE).catch(() => undefined); // newer engines make no second
    const { id } = await start(await ground.engine(), sleeper(), slot('shop.web'));
    const { NetworkSettings } = await docker.getContainer(id).inspect();
    expect(NetworkSettings.Networks['shop_default']?.NetworkID).toBe(older.id);
    expect((await networkNames()).filter((name) => name === 'shop_default')).toHaveLength(1);
  });

  it('makes one network where several agents of one engine ask for it at once', async () => {
    const hosts = Array.from({ length: 8 }, (_, index) => `h${index + 1}`);
    const engines = await Promise.all(hosts.map((host) => ground.engine(host)));
    await Promise.all(
      engines.map((engine, index) => start(engine, sleeper(), slot(`shop.web${index}`))),
    );
    expect((await networkNames()).filter((name) => name === 'shop_default')).toHaveLength(1);
  });

  it.each([
    ['that it was not told of', bridge('millrace-not-ours'), true, 'conflict'],
    ['that is external', bridge('millrace-not-ours', { external: true }), true, undefined],
    ['that is external and missing', bridge('nowhere', { external: true }), false, 'failed'],
  ] as const)('a network of others %s', async (_, network, isThere, code) => {
    const engine = await ground.engine();
    if (isThere) await docker.createNetwork({ Name: network.name });
    try {
      const begun = engine.start(requestFor(sleeper({ networks: [network] })), patience());
      if (code === undefined) await engine.remove((await begun).id, patience());
      else await expectRefusal(begun, [code]);
    } finally {
      if (isThere) await docker.getNetwork(network.name).remove();
    }
  });

  it('mounts a volume that a user has made, and starts nothing where it is missing', async () => {
    const engine = await ground.engine();
    const name = 'millrace-made-by-hand';
    const volume = { kind: 'named', source: 'data', target: '/data', readOnly: false } as const;
    const spec = { ...sleeper(), volumes: [{ ...volume, made: { name, external: true } }] };
    await expectRefusal(engine.start(requestFor(spec), patience()), ['failed']);
    await docker.createVolume({ Name: name });
    try {
      const { id } = await start(engine, spec, slot('shop.web'));
      const { Mounts } = await docker.getContainer(id).inspect();
      expect(Mounts).toMatchObject([{ Type: 'volume', Name: name, Destination: '/data' }]);
      await engine.remove(id, patience());
    } finally {
      await docker.getVolume(name).remove();
    }
  });

  it.each(['host', 'none', 'bridge'] as const)('network_mode: %s', async (networkMode) => {
    const engine = await ground.engine();
    const { id } = await start(engine, sleeper({ networkMode }), slot('shop.web'));
    const { NetworkSettings } = await docker.getContainer(id).inspect();
    expect(Object.keys(NetworkSettings.Networks)).toEqual([networkMode]);
    expect(await networkNames()).not.toContain('shop_default');
  });

  it('gives the container what its user asks for', async () => {
    const engine = await ground.engine();
    const { id } = await settled(engine);
    const script = `const fs = require('fs'), os = require('os');
      let written = 'writes'; try { fs.writeFileSync('/x', '') } catch (e) { written = e.code }
      fs.writeFileSync('/scratch/x', '');
      console.log([process.getuid(), process.getgid(), process.cwd(), os.hostname(), written,
        fs.readFileSync('/etc/hosts', 'utf8').includes('10.9.8.7'),
        /Max open files +[0-9]+ +100 /.test(fs.readFileSync('/proc/self/limits', 'utf8')),
        /CapBnd:\\s+0000000000000400/.test(fs.readFileSync('/proc/self/status', 'utf8')),
        ['memory.max', 'memory/memory.limit_in_bytes'].map((name) => '/sys/fs/cgroup/' + name)
          .filter(fs.existsSync).map((path) => fs.readFileSync(path, 'utf8').trim())].join(' '))`;
    expect(await said(id, script)).toBe(`1000 1000 /proc box EROFS true true true ${2 ** 28}`);
    const { Config, HostConfig } = await docker.getContainer(id).inspect();
    expect(HostConfig).toMatchObject({ NanoCpus: 5e8, CpuShares: 512, PidsLimit: 50 });
    expect(HostConfig.MemoryReservation).toBe(2 ** 27);
    expect(Config.Labels).toMatchObject({ 'com.example': 'mine', 'io.millrace.slot': '1' });
  });
});

const settled = (engine: Engine) =>
  start(
    engine,
    {
      ...workloads.sleepForEver(),
      container: {
        user: '1000:1000',
        workingDir: '/proc',
        hostname: 'box',
        readOnly: true,
        tmpfs: [{ target: '/scratch', options: 'mode=1777' }],
        extraHosts: ['elsewhere:10.9.8.7'],
        ulimits: [{ name: 'nofile', soft: 99, hard: 100 }],
        capDrop: ['ALL'],
        capAdd: ['NET_BIND_SERVICE'],
        labels: { 'com.example': 'mine', 'io.millrace.slot': '9' },
        limits: {
          milliCpus: 500,
          cpuShares: 512,
          memoryBytes: 2 ** 28,
          memoryReservationBytes: 2 ** 27,
          pids: 50,
        },
      },
    },
    slot('shop.web'),
  );
