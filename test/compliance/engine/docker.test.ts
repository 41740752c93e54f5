/** The suite on a real Docker Engine where one answers, and what only Docker can do wrong. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../node/engine/engine.ts';
import { openEngine } from '../../../node/engine/select.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import {
  findDockerSocket,
  IMAGE,
  makeImage,
  nodeSpec,
  plainDocker,
  removeVolumes,
  Wire,
  workloads,
  workloadsAt,
} from './docker-ground.ts';
import {
  expectRefusal,
  Ground,
  type OpenEngine,
  patience,
  PATIENCE_MS,
  requestFor,
  start,
  Watch,
} from './ground.ts';
import { describeEngine } from './suite.ts';

const found = await findDockerSocket();
const socketPath = found ?? '';
const open: OpenEngine = (scope) => createDockerEngine(scope, { socketPath });

const remedy =
  'no Docker Engine answers; start Docker, or run scripts/engine.sh start DIR and set MILLRACE_DOCKER_SOCKET';
if (found === undefined) process.stderr.write(`\nSKIPPED: the Docker driver: ${remedy}\n`);

describe.skipIf(found === undefined)(found === undefined ? remedy : 'Docker Engine', () => {
  beforeAll(async () => {
    await makeImage(socketPath);
  }, 120_000);
  afterAll(() => removeVolumes(socketPath));
  describeEngine('docker', open, workloadsAt(socketPath));
  describe('docker alone', { timeout: 2 * PATIENCE_MS }, itIsDocker);
});

function itIsDocker(): void {
  const docker = plainDocker(socketPath);
  let ground = new Ground(open);
  beforeEach(() => {
    ground = new Ground(open);
  });
  afterEach(() => ground[Symbol.asyncDispose](), 2 * PATIENCE_MS);

  describe('event stream', itReopensItsEvents);

  it('marks what it makes, restarts nothing by itself and takes its ports where told', async () => {
    const engine = await ground.engine();
    const spec = nodeSpec('setInterval(() => {}, 1e6)', {
      environment: { COLOR: 'a=b c', MILLRACE_SLOT: '99' },
      ports: [
        { target: 80, protocol: 'tcp', published: 28_614, address: '127.0.0.2' },
        { target: 81, protocol: 'tcp' },
      ],
    });
    const { id, ports } = await start(engine, spec, { component: 'shop.web', slot: 3, attempt: 4 });
    const { Config, HostConfig, Name } = await docker.getContainer(id).inspect();
    expect(Name).toBe('/shop-web-3-4-h1');
    expect(Config.Labels).toMatchObject({ 'used-by': 'millrace', 'io.millrace.host': 'h1' });
    expect(HostConfig.RestartPolicy?.Name).toBe('no');
    expect(Config.Env).toEqual(
      expect.arrayContaining([
        'COLOR=a=b c',
        'MILLRACE_COMPONENT=shop.web',
        'MILLRACE_SLOT=3',
        'MILLRACE_ATTEMPT=4',
        'MILLRACE_TERM=1',
        'MILLRACE_PUBLISH_ADDRESS=127.0.0.1',
        'MILLRACE_PORT_80=28614',
      ]),
    );
    expect(ports).toContainEqual({ target: 80, address: '127.0.0.2', published: 28_614 });
    expect(ports).toContainEqual({
      target: 81,
      address: '127.0.0.1',
      published: expect.any(Number),
    });
  });

  it('serves several hosts at once that run the same slot', async () => {
    const hosts = [await ground.engine('h1'), await ground.engine('h2')];
    const started = await Promise.all(hosts.map((host) => start(host, workloads.sleepForEver())));
    const listed = await Promise.all(hosts.map((host) => host.list(patience())));
    expect(listed).toEqual(started.map((instance) => [instance]));
  });

  it('ends what this host made before it lost its memory, and nothing of a host elsewhere', async () => {
    const at = (host: string, home: string): Promise<Engine> =>
      createDockerEngine({ ...ground.scope(host), home }, { socketPath });
    await using former = await at('h1', 'here:/state');
    await using elsewhere = await at('h2', 'there:/state');
    await start(former, workloads.sleepForEver());
    const other = await start(elsewhere, workloads.sleepForEver());
    await using again = await at('h1', 'here:/state');
    expect(await again.list(patience())).toHaveLength(1);

    await using renewed = await at('h3', 'here:/state');
    expect(await renewed.list(patience())).toEqual([]);
    expect(await former.list(patience())).toEqual([]);
    expect(await elsewhere.list(patience())).toEqual([other]);
  });

  it('takes no name and no beginning of an id for an id', async () => {
    const engine = await ground.engine();
    const instance = await start(engine, workloads.sleepForEver());
    for (const other of [instance.name, instance.id.slice(0, 12)]) {
      await expectRefusal(engine.kill(other, 'SIGKILL', patience()), ['not-found']);
      await engine.remove(other, patience());
    }
    expect(await engine.list(patience())).toEqual([instance]);
  });

  it('refuses an image that is neither here nor to be had, and says why', async () => {
    const engine = await ground.engine();
    const spec = nodeSpec('', { image: 'registry.invalid/no/such:1' });
    const { message } = await expectRefusal(start(engine, spec), ['no-image']);
    expect(message).toMatch(/no image registry\.invalid\/no\/such:1 on this host.*failed: .+; /);
  });

  it('leaves nothing of a start that is called off half way', async () => {
    const engine = await ground.engine();
    const call = new AbortController();
    const name = `half${randomBytes(6).toString('hex')}`;
    const request = requestFor(workloads.sleepForEver(), { component: `test.${name}` });
    const started = engine.start(request, call.signal);
    // Not by the engine under test: it would wait for the start to be over.
    const made = async () => docker.listContainers({ all: true, filters: { name: [name] } });
    await expect.poll(made, { interval: 1, timeout: PATIENCE_MS }).toHaveLength(1);
    call.abort();
    await expectRefusal(started, ['aborted']);
    expect(await engine.list(patience())).toEqual([]);
  });

  it('is what is chosen where nothing is', async () => {
    const scope = { cluster: 'c1', host: 'h1', publishAddress: '127.0.0.1' };
    const environment = { MILLRACE_DOCKER_SOCKET: socketPath };
    await using engine = await openEngine('auto', scope, { stateDir: '/nowhere', environment });
    expect(engine.kind).toBe('docker');
  });

  it('says which port is taken', async () => {
    const engine = await ground.engine();
    const ports = [{ target: 80, published: 28_615, protocol: 'tcp' }] as const;
    const first = await start(engine, { ...workloads.sleepForEver(), ports });
    const second = start(engine, { ...workloads.sleepForEver(), ports }, { slot: 2 });
    const refused = await expectRefusal(second, ['conflict']);
    expect(refused.message).toContain('28615');
    expect(refused.permanent).toBe(false);
    expect(await engine.list(patience())).toEqual([first]);
  });

  it('says when memory ran out', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const model = await start(engine, workloads.sleepForEver());
    const { Config } = await docker.getContainer(model.id).inspect();
    const hungry = await docker.createContainer({
      Image: IMAGE,
      Labels: Config.Labels,
      Cmd: ['node', '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));'],
      HostConfig: { Memory: 96 << 20, MemorySwap: 96 << 20 },
    });
    await hungry.start();
    expect(await watch.find('exited', hungry.id)).toMatchObject({ exitCode: 137, oomKilled: true });
    expect(await engine.inspect(hungry.id, patience())).toMatchObject({ oomKilled: true });
    await engine.kill(model.id, 'SIGKILL', patience());
    expect((await watch.find('exited', model.id)).oomKilled).toBe(false);
  });

  describe('a container that has the name', () => {
    it('is cleared away if it is a leftover of this very instance', async () => {
      const engine = await ground.engine();
      const first = await start(engine, workloads.sleepForEver());
      await engine.stop(first.id, 0, patience());
      const second = await start(engine, workloads.sleepForEver());
      expect(second.name).toBe(first.name);
      expect(await engine.list(patience())).toEqual([second]);
    });

    it('is left alone while it runs', async () => {
      const engine = await ground.engine();
      const first = await start(engine, workloads.sleepForEver());
      await expectRefusal(start(engine, workloads.sleepForEver()), ['conflict']);
      expect(await engine.list(patience())).toEqual([first]);
    });

    it('is left alone if it is not ours', async () => {
      const engine = await ground.engine();
      const stranger = await docker.createContainer({ name: 'test-web-1-1-h1', Image: IMAGE });
      try {
        const refusal = await expectRefusal(start(engine, workloads.sleepForEver()), ['conflict']);
        expect(refusal.message).toContain('test-web-1-1-h1 exists and is not ours');
        await expect(stranger.inspect()).resolves.toMatchObject({ Id: stranger.id });
      } finally {
        await stranger.remove({ force: true });
      }
    });
  });
}

/** One agent behind a wire that is cut, and another view of the same host that is not. */
function itReopensItsEvents(): void {
  const scope = {
    cluster: `t${randomBytes(6).toString('hex')}`,
    host: 'h1',
    publishAddress: '127.0.0.1',
  };
  let folder = '';
  let direct: Engine;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wire-'));
    direct = await createDockerEngine(scope, { socketPath });
  });
  afterEach(async () => {
    for (const { id } of await direct.list(patience())) await direct.remove(id, patience());
    await direct[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const kinds = (watch: Watch) => watch.seen.map(({ kind }) => kind);

  it('goes on after a cut and says that events may be missing', async () => {
    await using wire = await new Wire(folder, socketPath).open();
    await using engine = await createDockerEngine(scope, { socketPath: wire.path });
    await using watch = new Watch(engine);
    const first = await start(direct, workloads.sleepForEver());
    await watch.find('started', first.id);
    wire.cut();
    await expect.poll(() => kinds(watch), { timeout: PATIENCE_MS }).toEqual(['started', 'resync']);
    const second = await start(direct, workloads.sleepForEver(), { slot: 2 });
    await watch.find('started', second.id);
    expect(kinds(watch)).toEqual(['started', 'resync', 'started']);
  });

  it('tells what happened while the engine was away, once, after the resync', async () => {
    await using wire = await new Wire(folder, socketPath).open();
    await using engine = await createDockerEngine(scope, { socketPath: wire.path });
    await using watch = new Watch(engine);
    const first = await start(direct, workloads.sleepForEver());
    await watch.find('started', first.id);
    await wire.close();
    const second = await start(direct, workloads.sleepForEver(), { slot: 2 });
    await expectRefusal(engine.list(patience()), ['unavailable']);
    await direct.kill(first.id, 'SIGKILL', patience());
    await wire.open();
    await watch.find('exited', first.id);
    expect(kinds(watch)).toEqual(['started', 'resync', 'started', 'exited']);
    expect(watch.storyOf(second.id)).toEqual(['started']);
    expect(await engine.list(patience())).toHaveLength(2);
  });
}
