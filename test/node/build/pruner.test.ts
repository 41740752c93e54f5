/** Which images are removed from a host that has built them, and when. */
import { expect, it, onTestFinished } from 'vitest';
import { pruneImages, UNNEEDED_MS } from '../../../node/build/pruner.ts';
import { createLogger } from '../../../node/log.ts';
import { componentId, componentKey, stackKey } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { createCommitted, mergeCommitted } from '../../../protocol/record/committed.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';

const [FIRST = '', SECOND = '', THIRD = ''] = ['a', 'b', 'c'].map(
  (letter) => `millrace/shop-web:${letter.repeat(32)}`,
);
const specOf = (image: string): ComponentSpec => ({ ...nodeSpec(''), image });

function stackRecord(seq: number, image: string | undefined): Committed {
  const spec = image === undefined ? {} : { spec: { name: 'shop', components: [specOf(image)] } };
  const revision = { term: 1, seq };
  const value = { kind: 'stack', life: 1, since: revision, ...spec };
  return { key: stackKey('shop'), revision, value } as unknown as Committed;
}

function componentRecord(image: string, before: string): Committed {
  const revision = { term: 1, seq: 1 };
  const value = {
    kind: 'component',
    component: 'shop.web',
    spec: specOf(image),
    history: [{ spec: specOf(before) }],
  };
  return { key: componentKey(componentId('shop', 'web')), revision, value } as unknown as Committed;
}

/** An engine that has built these images. */
function sceneOf(...built: readonly string[]) {
  const committed = createCommitted([]);
  const there = new Set(built);
  const used = new Set<string>();
  const stuck = new Set<string>();
  const clock = { now: 1 };
  const pruner = pruneImages({
    images: {
      unused: () => Promise.resolve([...there].filter((image) => !used.has(image))),
      async remove(image) {
        if (stuck.has(image)) throw new Error('it cannot be removed');
        there.delete(image);
      },
    },
    committed,
    now: () => clock.now,
    log: createLogger({ level: 'silent' }),
  });
  onTestFinished(() => pruner[Symbol.dispose]());
  /** What is there after so long. */
  const after = async (ms: number): Promise<readonly string[]> => {
    clock.now += ms;
    await pruner.look();
    return [...there];
  };
  return { pruner, committed, used, stuck, after };
}

it('removes what no record has named for an hour, and not before, one at a time', async () => {
  const { after } = sceneOf(FIRST, SECOND);
  expect(await after(0)).toEqual([FIRST, SECOND]);
  expect(await after(UNNEEDED_MS - 1)).toEqual([FIRST, SECOND]);
  expect(await after(1)).toEqual([SECOND]);
  expect(await after(0)).toEqual([]);
});

it('goes on with the others where one cannot be removed, and tries that one again an hour later', async () => {
  const { stuck, after } = sceneOf(FIRST, SECOND);
  stuck.add(FIRST);
  await after(0);
  await expect(after(UNNEEDED_MS)).rejects.toThrow('it cannot be removed');
  expect(await after(0)).toEqual([FIRST]);
  stuck.clear();
  expect(await after(UNNEEDED_MS - 1)).toEqual([FIRST]);
  expect(await after(1)).toEqual([]);
});

it('leaves what is deployed, and what an undo may go back to', async () => {
  const { committed, after } = sceneOf(FIRST, SECOND, THIRD);
  mergeCommitted(committed, stackRecord(1, THIRD));
  mergeCommitted(committed, componentRecord(THIRD, SECOND));
  await after(0);
  expect(await after(UNNEEDED_MS)).toEqual([SECOND, THIRD]);
  expect(await after(UNNEEDED_MS)).toEqual([SECOND, THIRD]);
  mergeCommitted(committed, stackRecord(2, undefined)); // destroyed
  expect(await after(0)).toEqual([SECOND, THIRD]);
  expect(await after(UNNEEDED_MS)).toEqual([THIRD]);
});

it('leaves what a container is made of, and counts anew once none is', async () => {
  const { used, after } = sceneOf(FIRST);
  await after(0);
  used.add(FIRST);
  expect(await after(UNNEEDED_MS)).toEqual([FIRST]);
  used.clear();
  expect(await after(0)).toEqual([FIRST]);
  expect(await after(UNNEEDED_MS)).toEqual([]);
});

it('counts anew for what a deploy asks for', async () => {
  const { pruner, after } = sceneOf(FIRST);
  await after(0);
  await after(UNNEEDED_MS - 1);
  pruner.asked(FIRST);
  expect(await after(1)).toEqual([FIRST]);
  expect(await after(UNNEEDED_MS)).toEqual([]);
});

it('touches no image that is called otherwise', async () => {
  const { after } = sceneOf('nginx:1', 'millrace/node:test');
  await after(0);
  expect(await after(UNNEEDED_MS)).toHaveLength(2);
});
