/** Heartbeats of real containers: at their own addresses, and in place of what their images check. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec, Heartbeat } from '../../../protocol/component/spec.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { withHeartbeats } from '../../../node/engine/heartbeat/heartbeats.ts';
import { findDockerSocket, makeImage, nodeSpec, plainDocker } from './docker-ground.ts';
import { Ground, patience, PATIENCE_MS, start, Watch } from './ground.ts';

const socketPath = await findDockerSocket();
const docker = plainDocker(socketPath ?? '');
const openGround = (): Ground =>
  new Ground(async (scope) =>
    withHeartbeats(await createDockerEngine(scope, { socketPath: socketPath ?? '' })),
  );
let ground = openGround();
let folder = '';

const terms = {
  intervalMs: millis(200),
  timeoutMs: millis(5_000),
  retries: 2,
  startPeriodMs: millis(60_000),
};

/** Answers 503 while there is a file `ill`. */
const server = (port: number, more: Partial<ComponentSpec> = {}): ComponentSpec =>
  nodeSpec(
    `process.on('SIGTERM', () => process.exit(0));
     require('http').createServer((_, answer) => {
       answer.writeHead(fs.existsSync('/watched/ill') ? 503 : 200).end();
     }).listen(${port})`,
    {
      volumes: [{ kind: 'bind', source: folder, target: '/watched', readOnly: true }],
      heartbeat: { ...terms, target: { kind: 'http', port, path: '/' } },
      ...more,
    },
  );

describe.skipIf(socketPath === undefined)('a heartbeat', { timeout: 2 * PATIENCE_MS }, () => {
  beforeAll(() => makeImage(socketPath ?? ''), 120_000);
  beforeEach(async () => {
    ground = openGround();
    folder = await mkdtemp(join(tmpdir(), 'watched-'));
  });
  afterEach(async () => {
    await ground[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
    for (const { Id } of await docker.listNetworks({ filters: { label: ['io.millrace.stack'] } }))
      await docker.getNetwork(Id).remove();
  }, 2 * PATIENCE_MS);

  it('reaches what is not published, and goes on with the next agent', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id, health } = await start(engine, server(8080));
    expect(health).toBe('starting');
    await watch.find('health', id, (event) => event.health === 'healthy');
    await ground.close();

    const next = await ground.engine();
    expect(await next.list(patience())).toMatchObject([{ id, health: 'healthy' }]);
    await using later = new Watch(next);
    await writeFile(join(folder, 'ill'), '');
    await later.find('health', id, (event) => event.health === 'unhealthy');
    await rm(join(folder, 'ill'));
    await later.find('health', id, (event) => event.health === 'healthy');
    expect([watch.storyOf(id), later.storyOf(id)]).toEqual([
      ['started', 'healthy'],
      ['unhealthy', 'healthy'],
    ]);
  });

  it('reaches what shares the network of its host', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const port = 20_000 + (process.pid % 10_000);
    const tcp: Heartbeat = { ...terms, target: { kind: 'tcp', port } };
    const shared = server(port, { heartbeat: tcp, container: { networkMode: 'host' } });
    const { id, network } = await start(engine, shared);
    expect(network).toEqual({ kind: 'host' });
    await watch.find('health', id, (event) => event.health === 'healthy');
  });

  it('says nothing while the container is frozen', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const brief = {
      ...terms,
      timeoutMs: millis(100),
      target: { kind: 'http', port: 80, path: '/' },
    };
    const { id } = await start(engine, server(80, { heartbeat: brief as Heartbeat }));
    await watch.find('health', id, (event) => event.health === 'healthy');
    await engine.freeze(id, patience());
    const other = await start(engine, server(80, { name: 'other' }), { slot: 2 });
    // Another one that takes as many questions is the clock.
    await watch.find('health', other.id, (event) => event.health === 'healthy');
    await writeFile(join(folder, 'ill'), '');
    await watch.find('health', other.id, (event) => event.health === 'unhealthy');
    await rm(join(folder, 'ill'));
    await engine.thaw(id, patience());
    await watch.find('thawed', id);
    expect(watch.storyOf(id)).toEqual(['started', 'healthy', 'frozen', 'thawed']);
  });

  it('stands in for the check of the image', async () => {
    const engine = await ground.engine();
    const { id } = await start(engine, server(8080));
    const { Config } = (await docker.getContainer(id).inspect()) as unknown as {
      Config: { Healthcheck: { Test: readonly string[] } };
    };
    expect(Config.Healthcheck.Test).toEqual(['NONE']);
  });
});
