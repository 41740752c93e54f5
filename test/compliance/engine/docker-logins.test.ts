/** Images of a registry that asks who is there, on a real Docker Engine. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundleOf, openBundle } from '../../../node/build/bundle.ts';
import { readContext } from '../../../node/build/context.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { findDockerSocket, nodeSpec, plainDocker } from './docker-ground.ts';
import { expectRefusal, Ground, patience, PATIENCE_MS, requestFor } from './ground.ts';

const socketPath = (await findDockerSocket()) ?? '';
const docker = plainDocker(socketPath);
const AUTH = Buffer.from('me:secret').toString('base64');
const digestOf = (bytes: string | Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** One image of one empty layer, for whoever is logged in. */
type File = { readonly type: string; readonly bytes: Buffer };
function imageFiles(): ReadonlyMap<string, File> {
  const tar = Buffer.alloc(1024);
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/nothing'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [{ created_by: process.pid.toString() }],
    }),
  );
  const part = (kind: string, bytes: Buffer) => {
    const mediaType = `application/vnd.docker.${kind}`;
    return { mediaType, size: bytes.length, digest: digestOf(bytes) };
  };
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: part('container.image.v1+json', config),
      layers: [part('image.rootfs.diff.tar.gzip', layer)],
    }),
  );
  const blob = (bytes: Buffer): [string, File] => [
    `blobs/${digestOf(bytes)}`,
    { type: 'application/octet-stream', bytes },
  ];
  const whole = { type: mediaType, bytes: manifest };
  return new Map<string, File>([
    ['manifests/latest', whole],
    [`manifests/${digestOf(manifest)}`, whole],
    blob(config),
    blob(layer),
  ]);
}

/** Of the engine's own machine, so that it needs no certificate. */
async function openRegistry(): Promise<string> {
  const files = imageFiles();
  const answer: RequestListener = ({ url = '', headers }, response) => {
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (headers.authorization !== `Basic ${AUTH}`)
      return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="all"' }).end('{}');
    const file = files.get(url.replace('/v2/web/', ''));
    if (file === undefined) return response.writeHead(url === '/v2/' ? 200 : 404).end('{}');
    const { type, bytes } = file;
    response.setHeader('Docker-Content-Digest', digestOf(bytes));
    return response
      .writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.length })
      .end(bytes);
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openGround() {
  const registry = await openRegistry();
  const loginsDir = mkdtempSync(join(tmpdir(), 'logins-'));
  const ground = new Ground((scope) => createDockerEngine(scope, { socketPath, loginsDir }));
  const image = `${registry}/web`;
  onTestFinished(async () => {
    await ground[Symbol.asyncDispose]();
    rmSync(loginsDir, { recursive: true });
    await docker
      .getImage(image)
      .remove({ force: true })
      .catch(() => undefined);
  });
  const logIn = (): void =>
    writeFileSync(
      join(loginsDir, 'config.json'),
      JSON.stringify({ auths: { [registry]: { auth: AUTH } } }),
    );
  return { engine: await ground.engine(), image, logIn };
}

const bound = { timeout: 2 * PATIENCE_MS };

describe.skipIf(socketPath === '')('a registry that asks who is there', bound, () => {
  it('gives its image once somebody has logged in on this host', async () => {
    const { engine, image, logIn } = await openGround();
    const request = requestFor({ ...nodeSpec(''), image });
    const refused = await expectRefusal(engine.start(request, patience()), ['no-image']);
    expect(refused.message).toMatch(/no basic auth credentials.*; .*docker login on this host/);
    expect(refused.permanent).toBe(false);
    logIn();
    // It is there now, and has nothing to run.
    await expectRefusal(engine.start(request, patience()), ['bad-spec']);
    expect((await docker.getImage(image).inspect()).RepoTags).toEqual([`${image}:latest`]);
  });

  it('gives it to what is built from it, too', async () => {
    const { engine, image, logIn } = await openGround();
    const folder = mkdtempSync(join(tmpdir(), 'build-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${image}\nLABEL mine=yes\n`);
    const { dockerfile, entries } = await readContext(folder, {
      kind: 'file',
      file: 'Dockerfile',
    });
    const recipe = { dockerfile, args: {}, labels: {}, tags: [], noCache: false, pull: false };
    const name = `millrace/test-login:${process.pid.toString(16).padStart(32, '0')}`;
    onTestFinished(() =>
      docker
        .getImage(name)
        .remove({ force: true })
        .then(
          () => undefined,
          () => undefined,
        ),
    );
    const build = async (): Promise<void> =>
      engine.images?.build(
        name,
        await openBundle(Readable.from(bundleOf(recipe, entries))),
        () => undefined,
        patience(),
      );
    await expectRefusal(build(), ['no-image']);
    logIn();
    await build();
    expect((await docker.getImage(name).inspect()).Config.Labels).toEqual({
      mine: 'yes',
      'io.millrace.built-by': expect.any(String),
    });
  });
});
