/** Images that are built, on a real Docker Engine: from files to a container that runs what was built. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bundleOf, openBundle } from '../../../node/build/bundle.ts';
import { readContext } from '../../../node/build/context.ts';
import type { Recipe } from '../../../node/build/recipe.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { type Engine, EngineError } from '../../../node/engine/engine.ts';
import { findDockerSocket, IMAGE, makeImage, nodeSpec, plainDocker } from './docker-ground.ts';
import {
  expectRefusal,
  Ground,
  linesUntil,
  patience,
  PATIENCE_MS,
  requestFor,
  start,
} from './ground.ts';

const socketPath = await findDockerSocket();
const docker = plainDocker(socketPath ?? '');
let ground = new Ground((scope) => createDockerEngine(scope, { socketPath: socketPath ?? '' }));
let count = 0;
/** Another name for each, so that none is there already. */
const made: string[] = [];
function imageName(): string {
  count += 1;
  const hash = `${process.pid.toString(16)}${count}`.padStart(32, '0');
  made.push(`millrace/test-web:${hash}`);
  return `millrace/test-web:${hash}`;
}

const RUN = (script: string): string => `RUN ["node", "-e", ${JSON.stringify(script)}]`;

type Files = Readonly<Record<string, string>>;
type Watching = { readonly told?: (line: string) => void; readonly end?: AbortSignal };

async function build(
  engine: Engine,
  image: string,
  files: Files,
  more: Partial<Recipe> = {},
  { told = () => undefined, end = patience() }: Watching = {},
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const { dockerfile, entries } = await readContext(folder, { kind: 'file', file: 'Dockerfile' });
  const usual = { args: {}, labels: {}, tags: [], noCache: false, pull: false };
  const bundle = bundleOf({ dockerfile, ...usual, ...more }, entries);
  const lines: string[] = [];
  const from = await openBundle(Readable.from(bundle));
  const hear = (line: string): void => {
    lines.push(line);
    told(line);
  };
  await engine.images?.build(image, from, hear, end);
  return lines;
}

const show = (paths: readonly string[]): string =>
  `console.log(JSON.stringify(${JSON.stringify(paths)}.map((one) => {
     try { return fs.readFileSync(one, 'utf8') } catch { return null }
   }))); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e6)`;

/** What a container of the image finds in files. */
async function found(engine: Engine, image: string, ...paths: readonly string[]) {
  const { id } = await start(engine, { ...nodeSpec(show(paths)), image });
  const logs = await engine.logs(id, { follow: true }, patience());
  const [line = ''] = await linesUntil(logs, (lines) => lines.length > 0);
  return JSON.parse(line) as readonly (string | null)[];
}

describe.skipIf(socketPath === undefined)('builds', { timeout: 2 * PATIENCE_MS }, () => {
  beforeAll(() => makeImage(socketPath ?? ''), 120_000);
  beforeEach(() => {
    ground = new Ground((scope) => createDockerEngine(scope, { socketPath: socketPath ?? '' }));
  });
  afterEach(async () => {
    await ground[Symbol.asyncDispose]();
    for (const name of made.splice(0))
      await docker
        .getImage(name)
        .remove({ force: true })
        .catch(() => undefined);
  }, 2 * PATIENCE_MS);

  it('an image of files, arguments, labels and the stage that was asked for', async () => {
    const engine = await ground.engine();
    const image = imageName();
    expect(await engine.images?.has(image, patience())).toBe(false);
    const Dockerfile = [
      `FROM ${IMAGE} AS base`,
      'ARG WHO',
      RUN("fs.writeFileSync('/who', process.env.WHO)"),
      'FROM base AS wanted',
      'COPY . /files/',
      'FROM base AS other',
      RUN('process.exit(1)'),
    ].join('\n');
    const files = {
      Dockerfile,
      '.dockerignore': 'secret*\nDockerfile\n.dockerignore',
      'secret.env': 'x',
      'a b': 'ü',
    };
    const also = `${image.replace(/:.*/, '')}:also`;
    made.push(also);
    const recipe = { args: { WHO: 'me' }, labels: { mine: 'yes' }, target: 'wanted', tags: [also] };
    const lines = await build(engine, image, files, recipe);
    expect(lines.some((line) => line.startsWith('Step 1/'))).toBe(true);
    expect(await engine.images?.has(image, patience())).toBe(true);
    expect(await engine.images?.has(also, patience())).toBe(true);
    const { Config } = await docker.getImage(image).inspect();
    expect(Config.Labels).toMatchObject({ mine: 'yes' });
    const paths = ['/who', '/files/a b', '/files/secret.env', '/files/Dockerfile'];
    expect(await found(engine, image, ...paths, '/files/.dockerignore')).toEqual([
      'me',
      'ü',
      null,
      null,
      null,
    ]);
  });

  it('tells what a command that fails has said last, and that it may be tried again', async () => {
    const engine = await ground.engine();
    const long = 'x'.repeat(600);
    const script = `console.error('one'); console.error('two is missing'); process.exit(7) // ${long}`;
    const Dockerfile = `FROM ${IMAGE}\n${RUN(script)}`;
    const error = await build(engine, imageName(), { Dockerfile }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(EngineError);
    const { code, permanent, message } = error as EngineError;
    expect([code, permanent]).toEqual(['no-image', false]);
    expect(message).toContain('returned a non-zero code: 7');
    expect(message).toMatch(/; the last it said: one \| two is missing$/);
    // As much as peers read of a reason.
    expect(message.length).toBeLessThan(500);
  });

  it.each([
    ['no instruction', 'FRM scratch', 'unknown instruction'],
    ['nothing', '', 'empty'],
  ])('a Dockerfile that is none (%s) is refused for good', async (_, Dockerfile, why) => {
    const engine = await ground.engine();
    const error = await build(engine, imageName(), { Dockerfile }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'no-image', permanent: true });
    expect((error as EngineError).message).toContain(why);
    expect((error as EngineError).message).toContain('correct the Dockerfile');
  });

  it('ends a build that is called off', async () => {
    const engine = await ground.engine();
    const end = new AbortController();
    const image = imageName();
    const Dockerfile = `FROM ${IMAGE}\n${RUN("console.log('begun'); setInterval(() => {}, 1e6)")}`;
    const told = (line: string): void => (line === 'begun' ? end.abort() : undefined);
    const building = build(
      engine,
      image,
      { Dockerfile },
      { noCache: true },
      { told, end: end.signal },
    );
    await expectRefusal(building, ['aborted']);
    expect(await engine.images?.has(image, patience())).toBe(false);
  });

  it('names those that it has built and nothing is made of, and removes these alone', async () => {
    const engine = await ground.engine();
    const { images } = engine;
    const [used, spare, also] = [imageName(), imageName(), 'millrace-test-kept:1'];
    made.push(also);
    // Files of their own, or both are one image.
    const dockerfile = (what: string) => ({ Dockerfile: `FROM ${IMAGE}\nENV WHAT=${what}` });
    await build(engine, used, dockerfile('used'));
    await build(engine, spare, dockerfile('spare'), { tags: [also] });
    const others = await (await ground.engine('h2')).images?.unused(patience());
    expect(others).toEqual([]);
    expect(new Set(await images?.unused(patience()))).toEqual(new Set([used, spare]));
    const { id } = await start(engine, { ...nodeSpec(''), image: used });
    await engine.stop(id, 0, patience());
    // Ended, and there.
    expect(await images?.unused(patience())).toEqual([spare]);
    await images?.remove(used, patience());
    expect(await images?.has(used, patience())).toBe(true);
    await images?.remove(spare, patience());
    await images?.remove(spare, patience());
    expect(await images?.unused(patience())).toEqual([]);
    // What the user has called it is the user's.
    expect(await images?.has(also, patience())).toBe(true);
    await engine.remove(id, patience());
    await images?.remove(used, patience());
    expect(await images?.has(used, patience())).toBe(false);
  });

  it('never looks for a built image in a registry', async () => {
    const engine = await ground.engine();
    const begun = engine.start(requestFor({ ...nodeSpec(''), image: imageName() }), patience());
    const error = await begun.catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'no-image', permanent: false });
    expect((error as EngineError).message).toContain('it is built again at the next try');
  });
});
