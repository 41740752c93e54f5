/** Part of the suite: health, and what outlives or does not belong to an agent. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Addresses } from '../../../protocol/component/addresses.ts';
import { expectRefusal, patience, PATIENCE_MS, start, type Subject, Watch } from './ground.ts';

export function itWatchesHealth({ ground, folder, workloads, machine }: Subject): void {
  it('follows the check from starting to healthy, to unhealthy and back', async () => {
    const engine = await ground().engine();
    const file = join(folder(), 'well');
    await using watch = new Watch(engine);
    const { id, health } = await start(engine, workloads.healthyWhile(file));
    expect(health).toBe('starting');
    await machine.makeFile(file);
    await watch.find('health', id, (event) => event.health === 'healthy');
    expect((await engine.inspect(id, patience())).health).toBe('healthy');
    await machine.removeFile(file);
    await watch.find('health', id, (event) => event.health === 'unhealthy');
    expect((await engine.inspect(id, patience())).health).toBe('unhealthy');
    const before = watch.seen.length;
    await machine.makeFile(file);
    await watch.find('health', id, (event) => watch.seen.indexOf(event) >= before);
    expect(watch.storyOf(id).filter((word) => word !== 'starting')).toEqual([
      'started',
      'healthy',
      'unhealthy',
      'healthy',
    ]);
  });

  it('says nothing about health after the end', async () => {
    const engine = await ground().engine();
    const [file, other] = [join(folder(), 'well'), join(folder(), 'other')];
    await machine.makeFile(file);
    await machine.makeFile(other);
    await using watch = new Watch(engine);
    const { id } = await start(engine, workloads.healthyWhile(file));
    await watch.find('health', id, ({ health }) => health === 'healthy');
    await engine.stop(id, 0, patience());
    await machine.removeFile(file);
    // Another one that takes as many checks is the clock: by now the first would have been unhealthy.
    const clock = await start(engine, workloads.healthyWhile(other), { slot: 2 });
    await watch.find('health', clock.id, ({ health }) => health === 'healthy');
    await machine.removeFile(other);
    await watch.find('health', clock.id, ({ health }) => health === 'unhealthy');
    expect(watch.storyOf(id).at(-1)).toMatch(/^exited/);
  });
}

const ADDRESSES: Addresses = [
  { on: 'the-db', target: 5432, protocol: 'tcp', at: ['10.0.0.7:20001', '[fd00::8]:20002'] },
  { on: 'names', target: 53, protocol: 'udp', at: ['10.0.0.7:53'] },
];

export function itAdopts({ ground, folder, workloads, machine }: Subject): void {
  it('finds what the last agent started, unchanged', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    await ground().close();
    const next = await ground().engine();
    expect(await next.list(patience())).toEqual([instance]);
    await next.stop(instance.id, 1_000, patience());
    expect((await next.inspect(instance.id, patience())).state).toBe('exited');
  });

  it('keeps what it was told of others beside it, and takes that for no change', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver(), { addresses: ADDRESSES });
    const other = await start(engine, workloads.sleepForEver(), { slot: 2, addresses: [] });
    const none = await start(engine, workloads.sleepForEver(), { slot: 3 });
    expect([instance, other, none].map(({ labels }) => labels.addresses)).toEqual([
      ADDRESSES,
      [],
      undefined,
    ]);
    await ground().close();
    const next = await ground().engine();
    const listed = await next.list(patience());
    expect(listed).toHaveLength(3);
    expect(listed).toEqual(expect.arrayContaining([instance, other, none]));
    expect(listed.map(({ drift }) => drift)).toEqual([undefined, undefined, undefined]);
  });

  it('reports the end of what it did not start', async () => {
    const { id } = await start(await ground().engine(), workloads.sleepForEver());
    await ground().close();
    const next = await ground().engine();
    await using watch = new Watch(next);
    await next.kill(id, 'SIGKILL', patience());
    // An engine that is not the parent of what it adopted cannot know the code.
    expect([137, -1]).toContain((await watch.find('exited', id)).exitCode);
  });

  it('lists as exited what ended while no agent was there', async () => {
    const instance = await start(await ground().engine(), workloads.sleepForEver());
    await ground().close();
    machine.kill(instance.pid ?? Number.NaN);
    const next = await ground().engine();
    await expect
      .poll(async () => (await next.inspect(instance.id, patience())).state, {
        timeout: PATIENCE_MS,
      })
      .toBe('exited');
  });

  it('goes on with the health check', async () => {
    const file = join(folder(), 'well');
    await machine.makeFile(file);
    const first = await ground().engine();
    await using watch = new Watch(first);
    const { id } = await start(first, workloads.healthyWhile(file));
    await watch.find('health', id, (event) => event.health === 'healthy');
    await ground().close();

    const next = await ground().engine();
    expect((await next.inspect(id, patience())).health).toBe('healthy');
    await using later = new Watch(next);
    await machine.removeFile(file);
    await later.find('health', id, (event) => event.health === 'unhealthy');
  });

  it('keeps the exit code of what ended before', async () => {
    const first = await ground().engine();
    await using watch = new Watch(first);
    const { id } = await start(first, workloads.exitWith(5));
    await watch.find('exited', id);
    await ground().close();
    const next = await ground().engine();
    expect(await next.inspect(id, patience())).toMatchObject({ state: 'exited', exitCode: 5 });
  });
}

export function itKeepsToItsScope({ ground, workloads, machine }: Subject): void {
  it('never lists or touches what another host runs', async () => {
    const engine = await ground().engine('h1');
    const other = await ground().engine('h2');
    const instance = await start(engine, workloads.sleepForEver());
    expect(await other.list(patience())).toEqual([]);
    await expectRefusal(other.stop(instance.id, 0, patience()), ['not-found']);
    await expectRefusal(other.kill(instance.id, 'SIGKILL', patience()), ['not-found']);
    await other.remove(instance.id, patience());
    expect(await engine.list(patience())).toEqual([instance]);
  });

  it('removes its own instance of a slot, not that of another host', async () => {
    const engine = await ground().engine('h1');
    const other = await ground().engine('h2');
    const kept = await start(engine, workloads.sleepForEver());
    const { id } = await start(other, workloads.sleepForEver());
    await other.remove(id, patience());
    expect(await engine.list(patience())).toEqual([kept]);
    expect(machine.runs(kept.pid ?? Number.NaN)).toBe(true);
  });

  it('hears of no event of another host', async () => {
    const engine = await ground().engine('h1');
    const other = await ground().engine('h2');
    await using watch = new Watch(other);
    const foreign = await start(engine, workloads.sleepForEver());
    await engine.remove(foreign.id, patience());
    const own = await start(other, workloads.sleepForEver());
    await watch.find('started', own.id);
    expect(watch.storyOf(foreign.id)).toEqual([]);
  });
}
