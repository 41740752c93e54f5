/** What others do to containers on a real Docker Engine, and what the driver tells of it. */
import type { ContainerCreateOptions, NetworkConnectOptions } from 'dockerode';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerSettings } from '../../../protocol/component/container.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { MADE } from '../../../node/engine/docker/labels.ts';
import type { Engine } from '../../../node/engine/engine.ts';
import { findDockerSocket, IMAGE, makeImage, nodeSpec, plainDocker } from './docker-ground.ts';
import { Ground, patience, PATIENCE_MS, printed, start, Watch } from './ground.ts';

const socketPath = await findDockerSocket();
const docker = plainDocker(socketPath ?? '');
const open = () =>
  new Ground((scope) => createDockerEngine(scope, { socketPath: socketPath ?? '' }));
let ground = open();

const SLEEP =
  'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6); console.log("ready");';
const SETTINGS: ContainerSettings = {
  labels: { team: 'shop' },
  limits: { milliCpus: 500, memoryBytes: 128 << 20, pids: 200, cpuShares: 512 },
  networks: ['front', 'back'].map((name, at) => ({
    name: `drift_${name}`,
    external: false,
    internal: false,
    ipv6: false,
    subnets: at === 0 ? [] : [{ subnet: '10.212.0.0/24' }],
    aliases: at === 0 ? ['www'] : [],
    ...(at === 0 ? {} : { address: '10.212.0.7' }),
  })),
};
const web = (container: ContainerSettings = SETTINGS) =>
  nodeSpec(SLEEP, { container, environment: { COLOR: 'red', EMPTY: '' } });
const LABELS = { component: 'drift.web' };

const driftOf = async (engine: Engine, id: string): Promise<string | undefined> =>
  (await engine.inspect(id, patience())).drift;

describe.skipIf(socketPath === undefined)('Docker Engine', { timeout: 2 * PATIENCE_MS }, () => {
  beforeAll(() => makeImage(socketPath ?? ''), 120_000);
  beforeEach(() => void (ground = open()));
  afterEach(async () => {
    await ground[Symbol.asyncDispose]();
    for (const { Id } of await docker.listNetworks({ filters: { label: ['io.millrace.stack'] } }))
      await docker.getNetwork(Id).remove();
  }, 2 * PATIENCE_MS);

  it.each<readonly [string, ContainerSettings]>([
    ['with everything that is compared', SETTINGS],
    ['with nothing of it', {}],
    ['on no network', { networkMode: 'none' }],
    ['on its host', { networkMode: 'host' }],
    ['on the bridge of the engine', { networkMode: 'bridge' }],
    ['with any swap', { limits: { memoryBytes: 128 << 20, memorySwapBytes: -1 } }],
    ['with as much swap as memory', { limits: { memoryBytes: 1 << 28, memorySwapBytes: 1 << 29 } }],
  ])('sees nothing that differs in what it has made: %s', async (_, settings) => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id, drift } = await start(engine, web(settings), LABELS);
    expect(drift).toBeUndefined();
    await engine.freeze(id, patience());
    expect(await driftOf(engine, id)).toBeUndefined();
    await engine.stop(id, 1000, patience());
    await watch.find('exited', id);
    expect(watch.storyOf(id)).not.toContain('drifted');
  });

  it.each<readonly [string, (id: string) => Promise<unknown>, string]>([
    [
      'network disconnect',
      (id) => docker.getNetwork('drift_front').disconnect({ Container: id }),
      'it has left the network drift_front',
    ],
    [
      'network connect',
      (id) => docker.getNetwork('bridge').connect({ Container: id }),
      'it has joined the network bridge',
    ],
    [
      'update --memory',
      (id) => docker.getContainer(id).update({ Memory: 64 << 20, MemorySwap: 128 << 20 }),
      `its memory limit is ${64 << 20}, not ${128 << 20}`,
    ],
    [
      'update --cpu-shares',
      (id) => docker.getContainer(id).update({ CpuShares: 100 }),
      'its share of processors is 100, not 512',
    ],
    [
      'update --restart',
      (id) => docker.getContainer(id).update({ RestartPolicy: { Name: 'unless-stopped' } }),
      'its engine restarts it too (unless-stopped)',
    ],
    [
      'rename',
      (id) => docker.getContainer(id).rename({ name: 'drifted-away' }),
      'its name is drifted-away, not drift-web-1-1-h1',
    ],
  ])('tells of docker %s at once, by an event and by a list', async (_, meddle, words) => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, web(), LABELS);
    await meddle(id);
    expect(await watch.find('drifted', id)).toEqual({ kind: 'drifted', id, drift: words });
    expect(await driftOf(engine, id)).toBe(words);
    expect((await engine.list(patience()))[0]?.drift).toBe(words);
  });

  it('tells that it was put right, and of one that came back under no alias and another address', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, web(), LABELS);
    const back = docker.getNetwork('drift_back');
    await back.disconnect({ Container: id });
    await watch.find('drifted', id, ({ drift }) => drift?.includes('left') === true);
    await back.connect({ Container: id });
    await watch.find('drifted', id, ({ drift }) => drift?.includes('not called') === true);
    expect(await driftOf(engine, id)).toBe(
      'it is not called web on the network drift_back; ' +
        'it has another address on the network drift_back',
    );
    await back.disconnect({ Container: id });
    const EndpointConfig = { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.212.0.7' } };
    await back.connect({ Container: id, EndpointConfig } as NetworkConnectOptions);
    await watch.find('drifted', id, ({ drift }) => drift === undefined);
    expect(await driftOf(engine, id)).toBeUndefined();
  });

  it('tells of another made by hand under our labels: image, command, environment, labels', async () => {
    const engine = await ground.engine();
    const settings = { networkMode: 'none', labels: { team: 'shop' } } as const;
    const model = await start(engine, web(settings), LABELS);
    const { Config } = await docker.getContainer(model.id).inspect();
    await engine.remove(model.id, patience());
    await docker.getImage(IMAGE).tag({ repo: 'millrace/node', tag: 'other' });
    const made = async (changes: Partial<ContainerCreateOptions>) => {
      const container = await docker.createContainer({
        name: model.name,
        Image: IMAGE,
        Cmd: ['node', '-e', SLEEP],
        Env: Config.Env,
        HostConfig: { NetworkMode: 'none' },
        Labels: Config.Labels,
        ...changes,
      });
      await container.start();
      const drift = await driftOf(engine, container.id);
      await container.remove({ force: true });
      return drift;
    };
    expect(await made({})).toBeUndefined();
    expect(await made({ Image: 'millrace/node:other' })).toBe(
      'its image is millrace/node:other, not millrace/node:test',
    );
    expect(await made({ Cmd: ['node', '-e', `${SLEEP};`] })).toBe('it runs another command');
    expect(await made({ Env: ['COLOR=blue', ...Config.Env.slice(1)] })).toBe(
      'its environment is another',
    );
    const Labels = { ...Config.Labels, team: 'blog' };
    expect(await made({ Labels })).toBe('its labels are others');
  });

  it('says nothing of a container that was made before it kept what it was made from', async () => {
    const engine = await ground.engine();
    const model = await start(engine, web({ networkMode: 'none' }), LABELS);
    const { Config } = await docker.getContainer(model.id).inspect();
    const { [MADE]: _, ...Labels } = Config.Labels;
    const old = await docker.createContainer({ Image: IMAGE, Cmd: ['node', '-e', SLEEP], Labels });
    await old.start();
    const { drift, labels } = await engine.inspect(old.id, patience());
    expect([drift, labels.component]).toEqual([undefined, 'drift.web']);
  });

  it('tells which signal was sent through the engine before an end', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const by = async (end: (id: string) => Promise<unknown>, slot: number) => {
      const { id } = await start(engine, web({ networkMode: 'none' }), { ...LABELS, slot });
      await printed(engine, id, 'ready'); // before that it hears no SIGTERM
      await end(id);
      return (await watch.find('exited', id)).signal;
    };
    expect(await by((id) => docker.getContainer(id).stop({ t: 10 }), 1)).toBe('SIGTERM');
    expect(await by((id) => docker.getContainer(id).remove({ force: true }), 2)).toBe('SIGKILL');
    expect(await by((id) => engine.kill(id, 'SIGTERM', patience()), 3)).toBe('SIGTERM');
    const { id } = await start(engine, nodeSpec('process.exit(3)'), { ...LABELS, slot: 4 });
    expect((await watch.find('exited', id)).signal).toBeUndefined();
  });
});
