/** Part of the suite: logs, and calls that are refused or given up. */
import { expect, it } from 'vitest';
import type { Engine, EngineInstance } from '../../../node/engine/engine.ts';
import {
  expectRefusal,
  linesUntil,
  patience,
  PATIENCE_MS,
  printed,
  readUntil,
  requestFor,
  start,
  type Subject,
  Watch,
} from './ground.ts';

export function itLogs({ ground, workloads }: Subject): void {
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index + 1} å`);

  it('gives every line, and the last of them', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.printLines(lines));
    await printed(engine, id, 'line 50 å');
    const read = async (tail?: number) =>
      linesUntil(
        await engine.logs(
          id,
          { follow: false, ...(tail === undefined ? {} : { tail }) },
          patience(),
        ),
      );
    expect(await read()).toEqual(lines);
    expect(await read(3)).toEqual(lines.slice(-3));
    expect(await read(1_000)).toEqual(lines);
    expect(await read(0)).toEqual([]);
  });

  it('keeps them after the end, until it is removed', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.printLines(lines));
    await printed(engine, id, 'line 50 å');
    await engine.stop(id, 0, patience());
    expect(await linesUntil(await engine.logs(id, { follow: false }, patience()))).toEqual(lines);
  });

  it('follows what is printed later, and ends with the instance', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.countForEver());
    await printed(engine, id, '2');
    const logs = await engine.logs(id, { follow: true, tail: 0 }, patience());
    const seen = await linesUntil(logs, ({ length }) => length >= 3);
    expect(Number(seen[2]) - Number(seen[0])).toBe(2);
    const rest = await engine.logs(id, { follow: true }, patience());
    const all = linesUntil(rest);
    await engine.stop(id, 0, patience());
    expect((await all).slice(0, 3)).toEqual(['1', '2', '3']);
  });

  it('ends when the reader aborts', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const reader = new AbortController();
    const read = linesUntil(await engine.logs(id, { follow: true }, reader.signal));
    reader.abort();
    await expect(read).resolves.toEqual([]);
  });

  it('keeps the outputs apart and tells times that never go back, or neither', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.printBoth('out', 'err'));
    await printed(engine, id, 'err');
    const both = await readUntil(await engine.logs(id, { follow: false }, patience()));
    expect(both.map(({ text }) => text).sort()).toEqual(['err', 'out']);
    if (both.every(({ at }) => at === undefined)) {
      expect(both.map(({ output }) => output)).toEqual(['stdout', 'stdout']);
      return;
    }
    expect(both.find(({ text }) => text === 'err')?.output).toBe('stderr');
    expect(both.find(({ text }) => text === 'out')?.output).toBe('stdout');
    const times = both.map(({ at }) => at ?? '');
    expect(times).toEqual([...times].sort());
    const [, last = ''] = times;
    const since = await readUntil(
      await engine.logs(id, { follow: false, since: last }, patience()),
    );
    expect(since).toEqual(both.slice(1));
  });
}

export function itRefuses({ ground, workloads }: Subject): void {
  it('a command that does not exist, and leaves nothing behind', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const refused = await expectRefusal(start(engine, workloads.badCommand()), [
      'bad-spec',
      'failed',
    ]);
    expect(refused.message).not.toBe('');
    expect(await engine.list(patience())).toEqual([]);
    const next: EngineInstance = await start(engine, workloads.sleepForEver());
    await watch.find('started', next.id);
    expect(watch.seen.filter(({ kind }) => kind === 'started')).toHaveLength(1);
  });

  it('an instance it does not know', async () => {
    const engine = await ground().engine();
    const id = 'f'.repeat(64);
    await expectRefusal(engine.inspect(id, patience()), ['not-found']);
    await expectRefusal(engine.stop(id, 0, patience()), ['not-found']);
    await expectRefusal(engine.kill(id, 'SIGKILL', patience()), ['not-found']);
    await expectRefusal(engine.logs(id, { follow: false }, patience()), ['not-found']);
    await engine.remove(id, patience());
  });

  it('to signal what has ended', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    await engine.stop(id, 0, patience());
    await expectRefusal(engine.kill(id, 'SIGKILL', patience()), ['conflict']);
  });
}

export function itAborts({ ground, workloads }: Subject): void {
  it('every call, before anything is done', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    const { id } = instance;
    const gone = AbortSignal.abort();
    const request = requestFor(workloads.sleepForEver(), { slot: 2 });
    for (const call of [
      engine.list(gone),
      engine.inspect(id, gone),
      engine.start(request, gone),
      engine.stop(id, 0, gone),
      engine.kill(id, 'SIGKILL', gone),
      engine.remove(id, gone),
      engine.logs(id, { follow: false }, gone),
    ]) {
      await expectRefusal(call, ['aborted']);
    }
    expect(await engine.list(patience())).toEqual([instance]);
  });

  it('a start under way, and leaves nothing behind', async () => {
    const engine = await ground().engine();
    const given = new AbortController();
    const started = engine.start(requestFor(workloads.sleepForEver()), given.signal);
    given.abort();
    await expectRefusal(started, ['aborted']);
    expect(await engine.list(patience())).toEqual([]);
    const next = await start(engine, workloads.sleepForEver());
    expect(next.state).toBe('running');
  });

  it('a stop that waits for its grace', async () => {
    const engine: Engine = await ground().engine();
    const { id } = await start(engine, workloads.ignoreSigterm());
    await printed(engine, id, 'ready');
    const waiting = new AbortController();
    const stopped = engine.stop(id, 10 * PATIENCE_MS, waiting.signal);
    waiting.abort();
    await expectRefusal(stopped, ['aborted']);
    expect((await engine.inspect(id, patience())).state).toBe('running');
  });
}
