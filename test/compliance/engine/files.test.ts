/** Files that instances find when they start, on both real engines. The simulated one makes none. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { handLabels } from '../../../node/engine/docker/labels.ts';
import type { Engine, EngineScope, InstanceFile } from '../../../node/engine/engine.ts';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { findDockerSocket, makeImage, nodeSpec, plainDocker } from './docker-ground.ts';
import { expectRefusal, Ground, linesUntil, patience, PATIENCE_MS } from './ground.ts';
import { requestFor, start } from './ground.ts';
import { shell } from './process-workloads.ts';

const socketPath = (await findDockerSocket()) ?? '';
const docker = plainDocker(socketPath);

let folder = '';
let filesDir = '';
let ground = new Ground(() => Promise.reject(new Error('not opened')));
const opens = {
  docker: (scope: EngineScope) => createDockerEngine(scope, { socketPath, filesDir }),
  process: (scope: EngineScope) =>
    createProcessEngine(scope, { stateDir: join(folder, 'state'), filesDir }),
};
const beginWith = (open: (scope: EngineScope) => Promise<Engine>) => async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'));
  filesDir = join(folder, 'run/files');
  ground = new Ground(open);
};
const tidyUp = async () => {
  await ground[Symbol.asyncDispose]();
  expect(tokens()).toEqual([]);
  await rm(folder, { recursive: true, force: true });
};

const NOT_TEXT = Uint8Array.of(0, 255, 10, 13, 0x89);
const files: readonly InstanceFile[] = [
  { target: '/run/secrets/key', uid: 999, gid: 998, mode: 0o400, bytes: NOT_TEXT },
  { target: '/site.conf', uid: 0, gid: 0, mode: 0o444, bytes: Buffer.from('listen 80;\n') },
];
/** The engines read what is in them from the request alone. */
const withFiles = (spec: ComponentSpec): ComponentSpec => ({
  ...spec,
  files: files.map(({ bytes, ...file }) => ({
    ...file,
    kind: 'config',
    name: 'any',
    content: Buffer.from(bytes).toString('base64'),
  })),
});
const startWith = (engine: Engine, spec: ComponentSpec, attempt = 1) =>
  engine.start({ ...requestFor(withFiles(spec), { attempt }), files }, patience());

/** Of whom there is a folder on this host. */
function tokens(): readonly string[] {
  if (!existsSync(filesDir)) return [];
  return readdirSync(filesDir).flatMap((scope) => readdirSync(join(filesDir, scope)));
}

/** What an instance prints until it ends. */
async function said(engine: Engine, id: string): Promise<readonly string[]> {
  return linesUntil(await engine.logs(id, { follow: true }, patience()));
}

const LOOK = `for (const path of ['/run/secrets/key', '/site.conf']) {
  const { uid, gid, mode } = fs.statSync(path);
  let written = 'read only';
  try { fs.writeFileSync(path, ''); written = 'written'; } catch {}
  console.log(uid, gid, mode.toString(8), fs.readFileSync(path, 'hex'), written);
}`;
const SEEN = [
  `999 998 100400 00ff0a0d89 read only`,
  `0 0 100444 ${Buffer.from('listen 80;\n').toString('hex')} read only`,
];
const SLEEP = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6);';

describe.skipIf(socketPath === '')('Docker', { timeout: 2 * PATIENCE_MS }, () => {
  beforeAll(() => makeImage(socketPath), 120_000);
  beforeEach(beginWith(opens.docker));
  afterEach(tidyUp, 2 * PATIENCE_MS);

  it.each([false, true])('shows them as they are, root read only: %s', async (readOnly) => {
    const engine = await ground.engine();
    const { id } = await startWith(engine, nodeSpec(LOOK, { container: { readOnly } }));
    expect(await said(engine, id)).toEqual(SEEN);
  });

  it('lets nobody else on the host look at them, and leaves no other container', async () => {
    const engine = await ground.engine();
    const { id, name } = await startWith(engine, nodeSpec(SLEEP));
    expect(tokens()).toEqual([name]);
    const [scope = ''] = readdirSync(filesDir);
    for (const path of [filesDir, join(filesDir, scope), join(filesDir, scope, name)])
      expect((statSync(path).mode & 0o777).toString(8)).toBe('700');
    const filters = { label: ['io.millrace.hand'] };
    expect(await docker.listContainers({ all: true, filters })).toEqual([]);
    await engine.remove(id, patience());
    expect(tokens()).toEqual([]);
  });

  it('keeps them for what runs while no agent does, and nothing else', async () => {
    const engine = await ground.engine();
    const { id, name } = await startWith(engine, nodeSpec(SLEEP));
    const [scope = ''] = readdirSync(filesDir);
    await ground.close();
    await mkdir(join(filesDir, scope, 'test-web-9-9-h1'));
    const hand = await docker.createContainer({
      Image: 'millrace/node:test',
      Entrypoint: ['/none'],
      Labels: handLabels(ground.scope('h1')),
    });
    await ground.engine();
    expect(tokens()).toEqual([name]);
    await expect(docker.getContainer(hand.id).inspect()).rejects.toMatchObject({ statusCode: 404 });
    await docker.getContainer(id).restart();
  });

  it('removes them once somebody has removed the container', async () => {
    const engine = await ground.engine();
    const end = new AbortController();
    const events = engine.events(end.signal)[Symbol.asyncIterator]();
    const { id } = await startWith(engine, nodeSpec(SLEEP));
    const gone = (async () => {
      for (;;) {
        const { value } = await events.next();
        if (value?.kind === 'removed') return expect(value.id).toBe(id);
      }
    })();
    await docker.getContainer(id).remove({ force: true });
    await gone;
    end.abort();
    expect(tokens()).toEqual([]);
  });

  it('leaves none of what could not start', async () => {
    const engine = await ground.engine();
    const failed = startWith(engine, nodeSpec('', { entrypoint: ['/no/such/program'] }));
    await expectRefusal(failed, ['bad-spec', 'failed']);
    expect(tokens()).toEqual([]);
  });
});

describe('processes', { timeout: 2 * PATIENCE_MS }, () => {
  beforeEach(beginWith(opens.process));
  afterEach(tidyUp, 2 * PATIENCE_MS);

  it('finds them below MILLRACE_FILES, with their bits', async () => {
    const engine = await ground.engine();
    const look = (target: string) =>
      `stat -c %a "$MILLRACE_FILES${target}"; od -An -tx1 "$MILLRACE_FILES${target}"`;
    const spec = shell(`${look('/run/secrets/key')}; ${look('/site.conf')}`);
    const { id } = await startWith(engine, spec);
    const lines = (await said(engine, id)).map((line) => line.replaceAll(' ', ''));
    const hex = Buffer.from('listen 80;\n').toString('hex');
    expect(lines).toEqual(['400', '00ff0a0d89', '444', hex]);
    expect((statSync(filesDir).mode & 0o777).toString(8)).toBe('700');
    await engine.remove(id, patience());
    expect(tokens()).toEqual([]);
  });

  it('says nothing of files to what has none', async () => {
    const engine = await ground.engine();
    const { id } = await start(engine, shell('echo "<$MILLRACE_FILES>"'));
    expect(await said(engine, id)).toEqual(['<>']);
    expect(tokens()).toEqual([]);
  });

  it('keeps them for what runs while no agent does, and nothing else', async () => {
    const engine = await ground.engine();
    await startWith(engine, shell('exec sleep 1000000'));
    const [scope = ''] = readdirSync(filesDir);
    const before = tokens();
    await ground.close();
    await mkdir(join(filesDir, scope, 'test.work.9.9'));
    await ground.engine();
    expect(tokens()).toEqual(before);
    const path = join(filesDir, scope, before[0] ?? '', 'site.conf');
    await vi.waitUntil(() => existsSync(path));
    expect(readFileSync(path, 'utf8')).toBe('listen 80;\n');
  });

  it('leaves none of what could not start', async () => {
    const engine = await ground.engine();
    const failed = startWith(engine, { ...shell(''), process: { command: ['/no/such/command'] } });
    await expectRefusal(failed, ['bad-spec']);
    expect(tokens()).toEqual([]);
  });
});
