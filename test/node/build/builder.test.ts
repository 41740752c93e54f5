/** Who waits for a build, and when it is called off. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { createBuilder } from '../../../node/build/builder.ts';
import { EngineError, type Images } from '../../../node/engine/engine.ts';

const IMAGE = `millrace/shop-web:${'a'.repeat(32)}`;
const OTHERS = ['b', 'c', 'd'].map((letter) => `millrace/shop-web:${letter.repeat(32)}`);
const NEVER = new AbortController().signal;
const silent = (): void => undefined;
const RECIPE = '{"dockerfile":"D","args":{},"labels":{},"tags":[],"noCache":false,"pull":false}\n';

/** An engine whose builds end when they are told to. */
function sceneOf({ hasContext = true } = {}) {
  const builds: {
    readonly image: string;
    readonly told: (line: string) => void;
    readonly signal: AbortSignal;
    readonly end: (error?: Error) => void;
  }[] = [];
  const there = new Set<string>();
  const asked: string[] = [];
  const images: Pick<Images, 'has' | 'build'> = {
    has: (image) => Promise.resolve(there.has(image)),
    build: (image, _, told, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      builds.push({ image, told, signal, end });
      return promise;
    },
  };
  const find = () => Promise.resolve(hasContext ? Readable.from([Buffer.from(RECIPE)]) : undefined);
  const engine = { images: images as Images };
  const builder = createBuilder(engine, { find }, (image) => asked.push(image));
  return { builder, builds, there, asked };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

it('builds once for all that wait, and tells each what is said', async () => {
  const { builder, builds } = sceneOf();
  const heard: string[] = [];
  const first = builder.ensure(IMAGE, (line) => heard.push(`1 ${line}`), NEVER);
  await turns();
  const second = builder.ensure(IMAGE, (line) => heard.push(`2 ${line}`), NEVER);
  await turns();
  expect(builds).toHaveLength(1);
  builds[0]?.told('Step 1/1');
  builds[0]?.end();
  expect(await Promise.all([first, second])).toEqual([true, true]);
  expect(heard).toEqual(['1 Step 1/1', '2 Step 1/1']);
});

it('builds nothing that is there, that is no build, or on an engine without images', async () => {
  const { builder, builds, there, asked } = sceneOf();
  there.add(IMAGE);
  expect(await builder.ensure(IMAGE, silent, NEVER)).toBe(false);
  expect(await builder.ensure('nginx:1', silent, NEVER)).toBe(false);
  const without = createBuilder({}, { find: () => Promise.resolve(undefined) }, silent);
  expect(await without.ensure(IMAGE, silent, NEVER)).toBe(false);
  expect(builds).toEqual([]);
  // What is there is about to be used: it must not be removed meanwhile.
  expect(asked).toEqual([IMAGE]);
});

it('calls a build off once nobody waits for it any more, and not before', async () => {
  const { builder, builds } = sceneOf();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = builder.ensure(IMAGE, silent, one.signal).catch((error: unknown) => error);
  const second = builder.ensure(IMAGE, silent, two.signal).catch((error: unknown) => error);
  await turns();
  one.abort();
  expect(await first).toMatchObject({ code: 'aborted' });
  expect(builds[0]?.signal.aborted).toBe(false);
  two.abort();
  expect(await second).toMatchObject({ code: 'aborted' });
  expect(builds[0]?.signal.aborted).toBe(true);
  // Whoever asks then does not get the one that is ending.
  const third = builder.ensure(IMAGE, silent, NEVER);
  await turns();
  expect(builds).toHaveLength(2);
  builds[1]?.end();
  expect(await third).toBe(true);
});

it('tells why to all, and builds again for who asks again', async () => {
  const { builder, builds } = sceneOf();
  const asked = [1, 2].map(() => builder.ensure(IMAGE, silent, NEVER));
  const told = Promise.allSettled(asked);
  await turns();
  builds[0]?.end(new EngineError('no-image', 'a command failed'));
  for (const outcome of await told) expect(outcome).toMatchObject({ status: 'rejected' });
  void builder.ensure(IMAGE, silent, NEVER);
  await turns();
  expect(builds).toHaveLength(2);
});

it('says that nobody has its context', async () => {
  const { builder } = sceneOf({ hasContext: false });
  await expect(builder.ensure(IMAGE, silent, NEVER)).rejects.toMatchObject({
    code: 'no-image',
    permanent: false,
    message: expect.stringContaining('no member that has its context answers') as string,
  });
});

it('builds two images at once, and the others after them', async () => {
  const { builder, builds } = sceneOf();
  const asked = OTHERS.map((image) => builder.ensure(image, silent, NEVER));
  await turns();
  expect(builds).toHaveLength(2);
  builds[0]?.end();
  await asked[0];
  await turns();
  expect(builds).toHaveLength(3);
  for (const { end } of builds) end();
  expect(await Promise.all(asked)).toEqual([true, true, true]);
});
