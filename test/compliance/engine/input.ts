/** Part of the suite: the standard input of an instance. */
import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { runLabel } from '../../../node/run/label.ts';
import {
  expectRefusal,
  type Inputs,
  patience,
  printed,
  start,
  type Subject,
  Watch,
} from './ground.ts';

async function* bytes(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** With an input of its own. */
const open = (spec: ComponentSpec): ComponentSpec => ({
  ...spec,
  container: { labels: runLabel({ input: true }) },
});

export function itTakesInput(subject: Subject): void {
  const { inputs } = subject.workloads;
  if (inputs === undefined) itRefusesInput(subject);
  else itIsGiven(subject, inputs);
}

function itRefusesInput({ ground, workloads }: Subject): void {
  it('is refused, and says so', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    await expectRefusal(engine.feed(id, bytes(), patience()), ['bad-spec']);
  });
}

function itIsGiven({ ground, workloads }: Subject, inputs: Inputs): void {
  it('waits until it is given, and is given to its end', async () => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, open(inputs.copyInput()));
    const large = `${'x'.repeat(299_999)}\n`;
    await engine.feed(id, bytes('one\n', large, 'last\n'), patience());
    const exited = await watch.find('exited', id);
    expect(exited.exitCode).toBe(0);
    const lines = await printed(engine, id, 'end');
    expect([lines[0], ...lines.slice(-2)]).toEqual(['one', 'last', 'end']);
    expect(lines.join('').length).toBe('one'.length + 299_999 + 'last'.length + 'end'.length);
  });

  it('may be empty, and may be left unread', async () => {
    const engine = await ground().engine();
    const empty = await start(engine, open(inputs.copyInput()));
    await engine.feed(empty.id, bytes(), patience());
    expect(await printed(engine, empty.id, 'end')).toEqual(['end']);

    const { id } = await start(engine, open(inputs.firstOfInput()), { slot: 2 });
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.from(`${'y'.repeat(65_535)}\n`);
    }
    await engine.feed(id, endless(), patience());
    expect(await printed(engine, id, 'enough')).toEqual(['enough']);
  });

  it.each(['breaks off', 'is called off'] as const)('kills it where it %s', async (how) => {
    const engine = await ground().engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, open(inputs.copyInput()));
    const call = new AbortController();
    async function* half(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half\n');
      await printed(engine, id, 'half');
      if (how === 'breaks off') throw new Error('whoever gave it is gone');
      call.abort(new Error('whoever gave it is gone'));
      await new Promise(() => undefined);
    }
    await expect(engine.feed(id, half(), call.signal)).rejects.toThrow('whoever gave it is gone');
    expect(await watch.find('exited', id)).toMatchObject({ exitCode: 137 });
    expect(await printed(engine, id, 'half')).toEqual(['half']);
  });

  it('is refused for what has none or was never there, and nothing for what has ended', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    await expectRefusal(engine.feed(id, bytes('x'), patience()), ['conflict']);
    const ended = await start(engine, open(inputs.copyInput()), { slot: 2 });
    await engine.stop(ended.id, 0, patience());
    await engine.feed(ended.id, bytes('x'), patience());
    await expectRefusal(engine.feed('f'.repeat(64), bytes('x'), patience()), ['not-found']);
  });
}
