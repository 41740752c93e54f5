/** Part of the suite: what others do to instances, with no word to the engine. */
import { expect, it } from 'vitest';
import type { EngineInstance } from '../../../node/engine/engine.ts';
import { patience, PATIENCE_MS, printed, start, type Subject, Watch } from './ground.ts';

export function itTellsOfOthers({ ground, workloads }: Subject): void {
  const { others } = workloads;

  it('tells that others have it stand still, and let it go on', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const instance = await start(engine, workloads.printLines(['ready']));
    const { id } = instance;
    await printed(engine, id, 'ready'); // one that is frozen while it forks shows as busy
    const state = async () => (await engine.inspect(id, patience())).state;
    await others.freeze(instance);
    await watch.find('frozen', id);
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('paused');
    await others.thaw(instance);
    await watch.find('thawed', id);
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('running');
    await others.freeze(instance);
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('paused');
    await engine.thaw(id, patience());
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('running');
  });

  const { remove } = others;
  it.skipIf(remove === undefined)('tells that others have removed it', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const instance = await start(engine, workloads.sleepForEver());
    await remove?.(instance);
    await watch.find('removed', instance.id);
    expect(await engine.list(patience())).toEqual([]);
  });

  const { change, putRight } = others;
  it.skipIf(change === undefined)('tells what others have changed, and put right', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const instance = await start(engine, workloads.sleepForEver());
    const { id } = instance;
    const seen = async (): Promise<EngineInstance['drift']> => {
      const shown = await engine.inspect(id, patience());
      expect(await engine.list(patience())).toEqual([shown]);
      return shown.drift;
    };
    expect(instance.drift).toBeUndefined();
    expect(await seen()).toBeUndefined();
    await change?.(instance);
    const { drift } = await watch.find('drifted', id, (event) => event.drift !== undefined);
    expect(await seen()).toBe(drift);
    await putRight?.(instance);
    await watch.find('drifted', id, (event) => event.drift === undefined);
    expect(await seen()).toBeUndefined();
  });

  it.skipIf(change === undefined)('finds nothing changed in what has ended', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    await change?.(instance);
    await engine.stop(instance.id, 0, patience());
    const { state, drift } = await engine.inspect(instance.id, patience());
    expect([state, drift]).toEqual(['exited', undefined]);
  });
}
