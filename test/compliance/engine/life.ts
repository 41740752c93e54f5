/** Part of the suite: one instance from its start to its removal. */
import { expect, it } from 'vitest';
import { EngineError } from '../../../node/engine/engine.ts';
import { patience, PATIENCE_MS, printed, start, type Subject, Watch } from './ground.ts';

export function itStarts({ ground, workloads }: Subject): void {
  it('answers with a running instance that list and inspect show alike', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    expect(instance).toMatchObject({ state: 'running', health: 'none', pid: expect.any(Number) });
    expect(Date.parse(instance.startedAt ?? '')).toBeGreaterThan(0);
    expect(await engine.list(patience())).toEqual([instance]);
    expect(await engine.inspect(instance.id, patience())).toEqual(instance);
  });

  it('answers a ping', async () => {
    const engine = await ground().engine();
    await expect(engine.ping(patience())).resolves.toBeUndefined();
  });

  it('gives back every label as it was given', async () => {
    const engine = await ground().engine();
    const labels = { component: 'a-b.c_d', slot: 7, attempt: 12, revision: 'ab12', term: 4096 };
    const instance = await start(engine, workloads.sleepForEver(), labels);
    expect(instance.labels).toEqual(labels);
    expect((await engine.list(patience()))[0]?.labels).toEqual(labels);
  });

  it('runs several instances side by side', async () => {
    const engine = await ground().engine();
    const slots = [1, 2, 3];
    const spec = workloads.sleepForEver();
    const started = await Promise.all(slots.map(async (slot) => start(engine, spec, { slot })));
    const listed = await engine.list(patience());
    expect(listed.map(({ id }) => id).toSorted()).toEqual(started.map(({ id }) => id).toSorted());
    expect(new Set(started.map(({ pid }) => pid)).size).toBe(slots.length);
  });

  it('reports where a published port is reached', async () => {
    const engine = await ground().engine();
    const ports = [{ target: 8080, published: 28_613, protocol: 'tcp' }] as const;
    const instance = await start(engine, { ...workloads.sleepForEver(), ports });
    const reported = [{ target: 8080, published: 28_613, address: '127.0.0.1' }];
    expect(instance.ports).toEqual(reported);
    expect((await engine.inspect(instance.id, patience())).ports).toEqual(reported);
  });
}

export function itEnds({ ground, workloads }: Subject): void {
  it.each([0, 7])('reports exit code %i once, after the start, and keeps it', async (code) => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.exitWith(code));
    expect((await watch.find('exited', id)).exitCode).toBe(code);
    const ended = await engine.inspect(id, patience());
    expect(ended).toMatchObject({ state: 'exited', exitCode: code });
    expect(ended.pid).toBeUndefined();
    await engine.remove(id, patience());
    await watch.find('removed', id);
    expect(watch.storyOf(id)).toEqual(['started', `exited ${code}`, 'removed']);
  });

  it('sends SIGKILL by default, which ends as 137', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.sleepForEver());
    await engine.kill(id, 'SIGKILL', patience());
    expect(await watch.find('exited', id)).toMatchObject({ exitCode: 137, oomKilled: false });
  });

  it('sends the signal it is told', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.printLines(['ready']));
    await printed(engine, id, 'ready');
    await engine.kill(id, 'SIGTERM', patience());
    expect((await watch.find('exited', id)).exitCode).not.toBe(137);
  });

  it('has no more events once the watcher stops', async () => {
    const engine = await ground().engine();
    const watch = new Watch(engine);
    await watch[Symbol.asyncDispose]();
    const { id } = await start(engine, workloads.sleepForEver());
    expect(watch.storyOf(id)).toEqual([]);
  });
}

export function itStops({ ground, workloads, machine }: Subject): void {
  it('ends an instance that listens to SIGTERM, long before the grace is over', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.printLines(['ready']));
    await printed(engine, id, 'ready');
    await engine.stop(id, 10 * PATIENCE_MS, patience());
    expect((await engine.inspect(id, patience())).state).toBe('exited');
    expect((await watch.find('exited', id)).exitCode).not.toBe(137);
  });

  it('kills an instance that ignores SIGTERM, not before the grace is over', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.ignoreSigterm());
    await printed(engine, id, 'ready');
    const since = machine.now();
    await engine.stop(id, 1_000, patience());
    expect(machine.now() - since).toBeGreaterThanOrEqual(995);
    expect(await engine.inspect(id, patience())).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('has nothing to do for an ended instance', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.exitWith(3));
    await watch.find('exited', id);
    await engine.stop(id, 10 * PATIENCE_MS, patience());
    expect((await engine.inspect(id, patience())).exitCode).toBe(3);
  });
}

export function itFreezes({ ground, workloads }: Subject): void {
  it('stands still and goes on, each as often as it is told', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id, startedAt } = await start(engine, workloads.printLines(['ready']));
    await printed(engine, id, 'ready'); // one that is frozen while it forks shows as busy
    const state = async () => (await engine.inspect(id, patience())).state;
    for (const _ of [1, 2]) await engine.freeze(id, patience());
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('paused');
    await watch.find('frozen', id);
    for (const _ of [1, 2]) await engine.thaw(id, patience());
    await expect.poll(state, { timeout: PATIENCE_MS }).toBe('running');
    await watch.find('thawed', id);
    expect((await engine.inspect(id, patience())).startedAt).toBe(startedAt);
  });

  it('hears SIGTERM while it is frozen', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.printLines(['ready']));
    await printed(engine, id, 'ready');
    await engine.freeze(id, patience());
    await engine.stop(id, 10 * PATIENCE_MS, patience());
    const ended = await engine.inspect(id, patience());
    expect(ended.state).toBe('exited');
    expect(ended.exitCode).not.toBe(137);
  });

  it('is removed while it is frozen', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.sleepForEver());
    await engine.freeze(id, patience());
    await engine.remove(id, patience());
    await watch.find('removed', id);
    expect(await engine.list(patience())).toEqual([]);
  });

  it('neither freezes nor thaws what has ended', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.exitWith(3));
    await watch.find('exited', id);
    await expect(engine.freeze(id, patience())).rejects.toThrow(EngineError);
    await expect(engine.thaw(id, patience())).rejects.toThrow(EngineError);
  });
}

export function itRemoves({ ground, workloads }: Subject): void {
  it('kills a running instance first', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.ignoreSigterm());
    await engine.remove(id, patience());
    await watch.find('removed', id);
    expect(watch.storyOf(id)).toEqual(['started', 'exited 137', 'removed']);
    expect(await engine.list(patience())).toEqual([]);
  });

  it('may be repeated, and forgets nothing else', async () => {
    const engine = await ground().engine();
    const kept = await start(engine, workloads.sleepForEver(), { slot: 2 });
    const { id } = await start(engine, workloads.sleepForEver());
    await engine.remove(id, patience());
    await engine.remove(id, patience());
    expect(await engine.list(patience())).toEqual([kept]);
  });

  it('leaves its place to the next attempt', async () => {
    const engine = await ground().engine();
    const first = await start(engine, workloads.sleepForEver());
    await engine.remove(first.id, patience());
    const again = await start(engine, workloads.sleepForEver());
    expect(again.id).not.toBe(first.id);
  });

  it('keeps a named volume for the next instance', async () => {
    const engine = await ground().engine();
    const first = await start(engine, workloads.keepInVolume());
    await printed(engine, first.id, 'lines 1');
    await engine.remove(first.id, patience());
    const second = await start(engine, workloads.keepInVolume(), { attempt: 2 });
    await expect(printed(engine, second.id, 'lines 2')).resolves.toContain('lines 2');
  });
}
